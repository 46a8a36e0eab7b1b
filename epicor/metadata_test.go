package epicor_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

func TestVerifyReadsTheColumnsAndLengthsOfTheTenant(t *testing.T) {
	_, c := pair(t, &epicor.Options{Invoices: epicor.InvoiceOptions{KeyColumn: "ConcurKey_c"}})
	require.Zero(t, c.NumberLength())
	s, err := c.Verify(t.Context(), "APInvDtl.Note_c", "Vendor.ExternalId")
	require.NoError(t, err)
	require.True(t, s.Has("APInvHed", "ConcurKey_c"))
	require.Equal(t, 50, s.Length("APInvHed", "InvoiceNum"))
	require.Equal(t, 50, c.NumberLength())
	require.Equal(t, 9, s.Length("APInvGrp", "GroupID"))
}

func TestVerifyCoversEveryTableThatIsReadAndThoseThatAreNamed(t *testing.T) {
	_, c := pair(t, nil)
	s, err := c.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, s.Has("APInvTax", "RateCode"))
	require.True(t, s.Has("APInvHedAttch", "DrawingSeq"))
	require.False(t, s.Has("POHeader", "PONum"), "a key's scope need not hold its service")
	for _, table := range []string{
		"COA", "COASegment", "COASegValues", "Currency", "CurrExRate", "FiscalCal", "FiscalYr", "FiscalPer", "POHeader", "PODetail", "PORel", "CheckHed", "APTran",
	} {
		s, err := c.Verify(t.Context(), table+".Company")
		require.NoError(t, err, table)
		require.True(t, s.Has(table, "Company"), table)
		_, err = c.Verify(t.Context(), table+".Absent_c")
		require.ErrorContains(t, err, table+".Absent_c")
	}
}

func TestVerifyNamesEveryColumnThatIsMissing(t *testing.T) {
	_, c := pair(t, &epicor.Options{Invoices: epicor.InvoiceOptions{KeyColumn: "Absent_c"}})
	_, err := c.Verify(t.Context(), "Vendor.EmpID_c")
	require.ErrorIs(t, err, epicor.ErrMissing)
	require.ErrorContains(t, err, "APInvHed.Absent_c")
	require.ErrorContains(t, err, "Vendor.EmpID_c")
	_, err = c.Verify(t.Context(), "Customer.Name")
	require.Error(t, err)
}

func TestVerifyRefusesAKeyColumnThatIsTooShortForAKey(t *testing.T) {
	o := options()
	o.MaxLength = map[string]int{"APInvHed.ExternalID": 20}
	srv := epicortest.New(o)
	_, err := client(t, srv, nil).Verify(t.Context())
	require.ErrorContains(t, err, "holds 20 characters")
}

func TestANumberThatTheTenantWouldCutIsRefusedBeforeAnythingIsSent(t *testing.T) {
	o := options()
	o.MaxLength = map[string]int{"APInvHed.InvoiceNum": 12, "APInvGrp.GroupID": 8}
	srv := epicortest.New(o)
	seed(srv)
	c := client(t, srv, nil)
	_, err := c.Verify(t.Context())
	require.NoError(t, err)
	srv.ResetCalls()
	_, err = c.APInvoices.Create(t.Context(), meal(t))
	require.ErrorIs(t, err, epicor.ErrInvalid)
	require.ErrorContains(t, err, "InvoiceNum has 13 characters, the tenant takes 12")
	require.ErrorContains(t, err, "GroupID has 9 characters")
	require.Empty(t, srv.Calls())
}

func TestTextThatTheTenantWouldRefuseHalfWayIsRefusedBeforeAnythingIsSent(t *testing.T) {
	o := options()
	o.MaxLength = map[string]int{"APInvDtl.Description": 10, "APInvHed.Description": 12, "APInvExpTGLC.GLAccount": 8}
	srv := epicortest.New(o)
	seed(srv)
	c := client(t, srv, nil)
	_, err := c.Verify(t.Context())
	require.NoError(t, err)
	srv.ResetCalls()
	_, err = c.APInvoices.Create(t.Context(), meal(t))
	require.ErrorIs(t, err, epicor.ErrInvalid)
	var ie *epicor.APInvoiceError
	require.ErrorAs(t, err, &ie)
	require.Equal(t, epicor.NotCommitted, ie.Outcome)
	require.ErrorContains(t, err, "Description has 13 characters, the tenant takes 12")
	require.ErrorContains(t, err, "line 1: epicor: invalid: Description has 17 characters")
	require.ErrorContains(t, err, "line 2, split 1: epicor: invalid: GLAccount has 11 characters")
	require.Empty(t, srv.Calls())
}

func TestMetadataThatIsNoneIsAnError(t *testing.T) {
	srv, c := pair(t, &epicor.Options{Tries: 1})
	for _, body := range []string{"<html>welcome</html>", "{}", "<Edmx", ""} {
		srv.Inject(epicortest.Fault{Path: "$metadata", Status: http.StatusOK, Body: body})
		_, err := c.Verify(t.Context())
		require.Error(t, err, body)
		srv.ClearFaults()
	}
}

func TestColumnsOfABaseTypeAndOfSeveralSchemasAreFound(t *testing.T) {
	xml := `<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Erp.T"><EntityType Name="Base"><Property Name="InvoiceNum" Type="Edm.String" MaxLength="40"/></EntityType>
<EntityType Name="Row" BaseType="Erp.T.Base"><Property Name="Key_c" Type="Edm.String" MaxLength="max"/></EntityType></Schema>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Default"><EntityContainer Name="Container"><EntitySet Name="APInvoices" EntityType="Erp.T.Row"/></EntityContainer></Schema>
</edmx:DataServices></edmx:Edmx>`
	srv, c := pair(t, nil)
	srv.Inject(epicortest.Fault{Path: "Erp.BO.APInvoiceSvc/$metadata", Status: http.StatusOK, Body: xml, Header: http.Header{"Content-Type": {"application/xml"}}})
	_, err := c.Verify(t.Context())
	require.ErrorIs(t, err, epicor.ErrMissing)
	require.NotContains(t, err.Error(), "APInvHed.InvoiceNum")
	require.ErrorContains(t, err, "APInvHed.DocTaxAmt")
}

func TestEachSetVerifiesTheColumnsOfItsRows(t *testing.T) {
	_, c := pair(t, nil)
	for set, verify := range map[string]func(context.Context, ...string) (*epicor.Schema, error){
		"COAs": c.Charts.Verify, "COASegments": c.Segments.Verify, "COASegValues": c.SegmentValues.Verify, "GLAccounts": c.GLAccounts.Verify,
		"Currencies": c.Currencies.Verify, "CurrExRates": c.ExchangeRates.Verify, "FiscalCals": c.FiscalCalendars.Verify,
		"FiscalYrs": c.FiscalYears.Verify, "FiscalPers": c.FiscalPeriods.Verify, "Vendors": c.Vendors.Verify, "POes": c.PurchaseOrders.Verify,
		"PODetails": c.PurchaseOrderLines.Verify, "PORels": c.PurchaseOrderReleases.Verify, "PaymentEntries": c.Payments.Verify,
		"APTrans": c.PaymentLines.Verify, "APInvGrps": c.APInvoiceGroups.Verify,
	} {
		s, err := verify(t.Context())
		require.NoError(t, err, set)
		require.True(t, s.Has(set, "Company"), set)
	}
}

func TestASetWithoutAColumnThatIsNeededSaysWhich(t *testing.T) {
	_, c := pair(t, nil)
	s, err := c.Vendors.Verify(t.Context(), "VendorID")
	require.NoError(t, err)
	require.Equal(t, 8, s.Length("Vendors", "VendorID"))
	_, err = c.Vendors.Verify(t.Context(), "EmpID_c")
	require.ErrorIs(t, err, epicor.ErrMissing)
	require.ErrorContains(t, err, "Vendors.EmpID_c")
	type row struct {
		Company   string
		VendorNum int
		Nickname  string
		note      string
	}
	_, err = epicor.NewEntities[row](c, "Erp.BO.VendorSvc", "Vendors", "Company", "VendorNum").Verify(t.Context())
	require.ErrorContains(t, err, "Vendors.Nickname")
	require.NotContains(t, err.Error(), "note")
	_ = row{note: ""}
	_, err = epicor.NewEntities[row](c, "Erp.BO.VendorSvc", "Suppliers", "Company", "VendorNum").Verify(t.Context())
	require.ErrorContains(t, err, "no set Suppliers")
	_, err = epicor.NewBAQ[row](c, "zOpen").Verify(t.Context())
	require.ErrorContains(t, err, "no metadata")
}
