package epicortest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// posted makes a posted invoice INV-1 of 100.00 and a group for what follows.
func posted(t *testing.T, opts *epicortest.Options) *kit {
	t.Helper()
	k := newKit(t, opts)
	k.group("G1")
	k.invoice("INV-1", "100.00")
	require.Empty(t, k.srv.Post(co, "G1"))
	k.group("G1")
	return k
}

func cancel(source, number string) record {
	return record{
		"ds": record{}, "groupID": "G1", "sourceInvoiceNum": source, "sourceVendorNum": 42, "newInvoiceNum": number,
		"newInvoiceDate": "2026-10-30T00:00:00", "newDocType": "",
	}
}

func TestACancellationTakesAPostedInvoiceBackToTheCentAndOnlyOnce(t *testing.T) {
	k := posted(t, nil)
	k.post(http.StatusOK, invoices+"CreateCancellationInvoice", cancel("INV-1", "INV-1-C"))
	src, _ := k.srv.Invoice(co, "ACME", "INV-1")
	out, _ := k.srv.Invoice(co, "ACME", "INV-1-C")
	require.Equal(t, "INV-1-C", src.CancelledBy)
	require.True(t, out.Cancels)
	require.True(t, src.Amount.Add(out.Amount).IsZero())
	require.False(t, out.Posted)
	require.Empty(t, out.ExternalID)
	k.post(http.StatusBadRequest, invoices+"CreateCancellationInvoice", cancel("INV-1", "INV-1-D"))
	require.Empty(t, k.srv.Post(co, "G1"))
}

func TestAnInvoiceCountsAgainWhenItsCancellationIsDeleted(t *testing.T) {
	k := posted(t, nil)
	k.post(http.StatusOK, invoices+"CreateCancellationInvoice", cancel("INV-1", "INV-1-C"))
	k.post(http.StatusOK, invoices+"DeleteByID", record{"vendorNum": 42, "invoiceNum": "INV-1-C"})
	src, _ := k.srv.Invoice(co, "ACME", "INV-1")
	require.Empty(t, src.CancelledBy)
}

func TestAnUnpostedInvoiceIsNotCancelled(t *testing.T) {
	k := newKit(t, nil)
	k.group("G1")
	k.invoice("INV-1", "100.00")
	k.post(http.StatusBadRequest, invoices+"CreateCancellationInvoice", cancel("INV-1", "INV-1-C"))
}

func TestASubmittedGroupWaitsForTheAgentAndIsLockedMeanwhile(t *testing.T) {
	k := newKit(t, &epicortest.Options{PostLater: true})
	k.group("G1")
	k.invoice("INV-1", "100.00")
	ds, ok := k.get(http.StatusOK, "Erp.PROC.APInvoicePostSvc/GetNewParameters")["returnObj"].(record)
	require.True(t, ok)
	rows, ok := ds["APInvoicePostParam"].([]any)
	require.True(t, ok)
	param, ok := rows[0].(record)
	require.True(t, ok)
	param["GroupID"] = "G1"
	submit := record{"ds": ds, "agentID": "A", "agentSchedNum": 0, "agentTaskNum": 0, "maintProgram": ""}
	k.post(http.StatusOK, "Erp.PROC.APInvoicePostSvc/SubmitToAgent", submit)
	require.False(t, k.srv.Invoices(co)[0].Posted)
	k.post(http.StatusBadRequest, "Erp.PROC.APInvoicePostSvc/SubmitToAgent", submit)
	k.post(http.StatusBadRequest, invoices+"GetNewAPInvHedInvoice", record{"ds": record{}, "cGroupID": "G1"})
	k.srv.RunAgent(co)
	require.True(t, k.srv.Invoices(co)[0].Posted)
}

func TestAReceiptIsInvoicedOnce(t *testing.T) {
	k := newKit(t, nil)
	k.srv.AddOrders(co, epicortest.Order{Num: 7, VendorID: "ACME", Lines: []epicortest.OrderLine{{
		PartNum: "BOLT", Quantity: decimal.NewFromInt(10), UnitCost: decimal.NewFromInt(5),
		Receipts: []epicortest.Receipt{{PackSlip: "S1", Quantity: decimal.NewFromInt(4)}},
	}}})
	k.group("G1")
	k.header("GetNewAPInvHedInvoice", "INV-1", "20.00")
	ds := k.ds(invoices+"GetAPUninvoicedReceipts", record{"ds": record{}, "InVendorNum": 42, "InInvoiceNum": "INV-1", "InPONum": 7})
	rows, ok := ds["APUninvoicedRcptLines"].([]any)
	require.True(t, ok)
	require.Len(t, rows, 1)
	line, ok := rows[0].(record)
	require.True(t, ok)
	line["SelectLine"], line["RowMod"] = true, "U"
	ds = k.ds(invoices+"SelectUninvoicedRcptLines", record{
		"ds": ds, "InVendorNum": 42, "InPurPoint": "", "InPONum": 7, "InPackSlip": "S1", "InDropShip": false, "InvoiceNum": "INV-1", "InGRNIClearing": false,
	})
	k.post(http.StatusOK, invoices+"InvoiceSelectedLines", record{"ds": ds})
	k.post(http.StatusBadRequest, invoices+"InvoiceSelectedLines", record{"ds": ds})
	inv := k.srv.Invoices(co)[0]
	require.Len(t, inv.Lines, 1)
	require.Equal(t, "20", inv.Lines[0].Amount.String())
	require.Equal(t, 7, inv.Lines[0].Order)
}

func TestACalculatedTaxIsNotChangedByHand(t *testing.T) {
	k := newKit(t, nil)
	k.group("G1")
	k.header("GetNewAPInvHedInvoice", "INV-1", "20.00")
	ds := k.ds(invoices+"GetNewAPInvTax", record{"ds": record{}, "vendorNum": 42, "invoiceNum": "INV-1", "taxCode": "VAT", "rateCode": ""})
	k.post(http.StatusBadRequest, invoices+"ChangeTaxAmt", record{"ds": ds, "ProposedTaxAmt": json.Number("1.90")})
	changed(t, ds, "APInvTax")["Manual"] = true
	ds = k.ds(invoices+"ChangeTaxAmt", record{"ds": ds, "ProposedTaxAmt": json.Number("1.90")})
	k.ds(invoices+"UpdateMaster", master(ds, "APInvTax"))
	require.Equal(t, "1.9", k.srv.Invoices(co)[0].Tax.String())
}

func TestAnAttachmentNeedsItsFileFirst(t *testing.T) {
	k := newKit(t, nil)
	k.group("G1")
	k.header("GetNewAPInvHedInvoice", "INV-1", "20.00")
	ds := k.ds(invoices+"GetNewAPInvHedAttch", record{"ds": record{}, "vendorNum": 42, "invoiceNum": "INV-1"})
	changed(t, ds, "APInvHedAttch")["FileName"] = `C:\elsewhere\x.pdf`
	k.post(http.StatusBadRequest, invoices+"UpdateMaster", master(ds, "APInvHedAttch"))
	require.Empty(t, k.srv.Invoices(co)[0].Attachments)
}

func TestFunctionsAndQueriesObeyTheKeysScope(t *testing.T) {
	k := newKit(t, &epicortest.Options{Keys: []epicortest.APIKey{{Key: epicortest.DefaultAPIKey, Scope: []epicortest.Right{{Service: "BaqSvc"}}}}})
	k.srv.AddFunction(co, "Lib", "Do", func(map[string]json.RawMessage) (map[string]any, error) { return nil, errors.New("never") })
	k.srv.AddBAQ(co, "zRows", map[string]any{"T_A": 1})
	require.Len(t, k.get(http.StatusOK, "BaqSvc/zRows/Data")["value"], 1)
	k.get(http.StatusForbidden, "../../efx/"+co+"/Lib/Do")
	k.get(http.StatusForbidden, "Erp.BO.VendorSvc/Vendors")
}

func TestAPaymentAndItsVoidStandSideBySide(t *testing.T) {
	k := posted(t, nil)
	head := k.srv.Pay(co, "ACME", "INV-1", decimal.NewFromInt(100), date(2026, 11, 5))
	k.srv.VoidPayment(co, head)
	rows, ok := k.get(http.StatusOK, "Erp.BO.PaymentEntrySvc/APTrans", "$orderby", "Voided")["value"].([]any)
	require.True(t, ok)
	require.Len(t, rows, 2)
	back, ok := rows[1].(record)
	require.True(t, ok)
	require.Equal(t, json.Number("-100"), back["DocTranAmt"])
}
