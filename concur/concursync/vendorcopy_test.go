package concursync_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

type vendorEdit = connector.Edit[document.Vendor]

func supplier(id, name string) vendorEdit {
	return vendorEdit{Key: id, Content: document.Vendor{
		ID: id, Name: name, Currency: "EUR", TaxID: "DE1", TermsDays: 30,
		Address: document.Address{Line1: "1 Main St", City: "Ulm", PostalCode: "89073", Country: "de"},
	}}
}

func gone(id string) vendorEdit { return vendorEdit{Key: id, Known: true, Retire: true} }

func applied(t *testing.T, o *office, opts *concursync.VendorCopyOptions, edits ...vendorEdit) []error {
	t.Helper()
	each, err := concursync.VendorCopy(o.client, opts).Apply(t.Context(), edits)
	require.NoError(t, err)
	require.Len(t, each, len(edits))
	return each
}

func TestVendorsAreCreatedAndChanged(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	allDone(t, applied(t, o, nil, supplier("ACME", "Acme"), supplier("WIND", "Wind")))
	allDone(t, applied(t, o, nil, vendorEdit{Key: "ACME", Known: true, Content: supplier("ACME", "Acme Paints").Content}))
	vs := o.company.Vendors()
	require.Len(t, vs, 2)
	require.Equal(t, concurtest.VendorRecord{
		Code: "ACME", AddressCode: "MAIN", Name: "Acme Paints", Country: "DE", Currency: "EUR", Approved: "Y",
		Fields: map[string]string{
			"Address1": "1 Main St", "City": "Ulm", "PostalCode": "89073", "TaxID": "DE1", "PaymentTerms": "30",
			"PaymentMethodType": "CLIENT", "IsVisibleForContentExtraction": "Y",
		},
	}, vs[0])
}

func TestVendorsAreRepeatable(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	for range 2 {
		allDone(t, applied(t, o, nil, supplier("ACME", "Acme")))
	}
	require.Len(t, o.company.Vendors(), 1)
	for range 2 {
		allDone(t, applied(t, o, nil, gone("ACME"), gone("NEVER")))
	}
	require.Len(t, o.company.Vendors(), 1)
}

func TestOneRefusedVendorUnder200StopsNoOther(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	bad := supplier("US1", "American")
	bad.Content.Address.Country = "US" // no state
	each := applied(t, o, nil, supplier("A", "A"), bad, supplier("B", "B"))
	require.NoError(t, each[0])
	var refused *concur.VendorError
	require.ErrorAs(t, each[1], &refused)
	require.ErrorIs(t, each[1], concur.ErrInvalid)
	require.Contains(t, refused.Error(), "State")
	require.NoError(t, each[2])
	require.Len(t, o.company.Vendors(), 2)
}

func TestWhatConcurRequiresIsAskedForBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	nowhere := supplier("A", "A")
	nowhere.Content.Address.Country = ""
	poor := supplier("B", "B")
	poor.Content.Currency = ""
	each := applied(t, o, nil, nowhere, poor)
	require.ErrorContains(t, each[0], "country")
	require.ErrorContains(t, each[1], "currency")
	require.Empty(t, o.company.Vendors())
	allDone(t, applied(t, o, &concursync.VendorCopyOptions{Country: "DE"}, nowhere))
}

func TestARetiredVendorIsHiddenAndComesBack(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	allDone(t, applied(t, o, nil, supplier("ACME", "Acme")))
	allDone(t, applied(t, o, nil, gone("ACME")))
	v := o.company.Vendors()[0]
	require.Equal(t, []string{"N", "N", "1 Main St"}, []string{v.Approved, v.Fields["IsVisibleForContentExtraction"], v.Fields["Address1"]})
	allDone(t, applied(t, o, nil, supplier("ACME", "Acme")))
	require.Equal(t, "Y", o.company.Vendors()[0].Approved)
}

func TestARetiredVendorIsDeletedByOption(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	opts := &concursync.VendorCopyOptions{Delete: true}
	allDone(t, applied(t, o, opts, supplier("ACME", "Acme")))
	for range 2 {
		allDone(t, applied(t, o, opts, gone("ACME")))
	}
	require.Empty(t, o.company.Vendors())
}

func TestWhatConcursAdministratorDecidedStays(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	o.company.AddVendor(concurtest.VendorRecord{Code: "ACME", AddressCode: "MAIN", Country: "DE", Approved: "N", Fields: map[string]string{"Custom1": "x", "PaymentMethodType": "CHECK"}})
	allDone(t, applied(t, o, nil, vendorEdit{Key: "ACME", Known: true, Content: supplier("ACME", "Acme").Content}))
	v := o.company.Vendors()[0]
	require.Equal(t, []string{"N", "x", "CHECK"}, []string{v.Approved, v.Fields["Custom1"], v.Fields["PaymentMethodType"]})
}

func TestLetterCaseAloneTellsNoVendorsApart(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	allDone(t, applied(t, o, nil, supplier("ACME", "Acme")))
	each := applied(t, o, nil, supplier("acme", "Other"))
	require.ErrorContains(t, each[0], "letter case")
	allDone(t, applied(t, o, nil, gone("acme")))
	require.Equal(t, []string{"Acme", "Y"}, []string{o.company.Vendors()[0].Name, o.company.Vendors()[0].Approved})
}

func TestEmployeesAreNoSuppliers(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	e := supplier("E1042", "Ada")
	e.Content.EmployeeID = "1042"
	allDone(t, applied(t, o, nil, e, gone("E1042")))
	require.Empty(t, o.company.Vendors())
}

func TestMasterDataIsReadForReconciling(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	o.company.AddVendor(concurtest.VendorRecord{Code: "ACME", AddressCode: "MAIN", Name: "Acme", Currency: "EUR", Country: "DE"})
	o.company.AddVendor(concurtest.VendorRecord{Code: "ACME", AddressCode: "ULM", Name: "Acme", Approved: "N"})
	o.company.AddUser(concurtest.User{Login: "bo@acme.example", LastName: "Berg", EmployeeNumber: "7", Inactive: true})
	vs, err := concursync.Vendors(t.Context(), o.client)
	require.NoError(t, err)
	require.Len(t, vs, 2)
	require.Equal(t, document.Vendor{ID: "ACME", AddressCode: "MAIN", Name: "Acme", Currency: "EUR", Address: document.Address{Country: "DE"}}, vs[0])
	require.True(t, vs[1].Unapproved)
	es, err := concursync.Employees(t.Context(), o.client)
	require.NoError(t, err)
	require.Len(t, es, 2)
	require.Equal(t, []string{"E100", "7"}, []string{es[0].EmployeeID, es[1].EmployeeID})
	require.Equal(t, []bool{false, true}, []bool{es[0].Inactive, es[1].Inactive})
}
