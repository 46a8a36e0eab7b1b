package concur_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

const vendorsURL = us2 + "/api/v3.1/invoice/vendors"

func vendor(code string) concur.VendorInput {
	return concur.VendorInput{VendorCode: code, AddressCode: "MAIN", VendorName: "Vendor " + code, CountryCode: "DE", CurrencyCode: "EUR"}
}

func TestAnAnswerOf200StoresOnlyWhatItSaysIsStored(t *testing.T) {
	t.Parallel()
	record := func(code, statuses string) string {
		return `{"VendorCode":"` + code + `","AddressCode":"main","StatusList":` + statuses + `}`
	}
	const success, failure = `[{"Code":0,"Message":"ok","RecordNumber":0,"Type":"SUCCESS"}]`, `[{"Code":7,"Message":"State of ada@acme.example is bad","Type":"ERROR"}]`
	for name, tt := range map[string]struct {
		body    string
		stored  bool
		unclear bool
	}{
		"success":                 {`{"Vendor":[` + record("A", success) + `]}`, true, false},
		"one object, no array":    {`{"Vendor":` + record("A", `{"Type":"Success"}`) + `}`, true, false},
		"under Items":             {`{"Vendor":null,"Items":[` + record("A", success) + `]}`, true, false},
		"warning":                 {`{"Vendor":[` + record("A", `[{"Type":"WARNING"}]`) + `]}`, true, false},
		"failure":                 {`{"Vendor":[` + record("A", failure) + `]}`, false, false},
		"failure beside success":  {`{"Vendor":[` + record("A", `[{"Type":"SUCCESS"},{"Type":"FAILED"}]`) + `]}`, false, false},
		"no word":                 {`{"Vendor":[` + record("A", `[]`) + `]}`, false, true},
		"no word, none failed":    {`{"Vendor":[` + record("A", `[]`) + `],"RequestRunSummary":"Number of Successful Vendors - 1; Number of Warned Vendors - 0; Number of Failed Vendors - 0"}`, true, false},
		"unknown word":            {`{"Vendor":[` + record("A", `[{"Type":"PENDING"}]`) + `]}`, false, true},
		"unknown word, ten of it": {`{"Vendor":[` + record("A", `[{"Type":"PENDING"}]`) + `],"RequestRunSummary":"Number of Failed Vendors - 10"}`, false, true},
		"another vendor":          {`{"Vendor":[` + record("B", success) + `]}`, false, true},
		"nothing":                 {`{}`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, mock := wired(t)
			answer(mock, http.MethodPost, vendorsURL, 200, tt.body)
			each, err := c.Vendors.Create(t.Context(), []concur.VendorInput{vendor("A")})
			require.NoError(t, err)
			if tt.stored {
				require.NoError(t, each[0])
				return
			}
			var e *concur.VendorError
			require.ErrorAs(t, each[0], &e)
			require.Equal(t, tt.unclear, e.Unclear)
			require.Equal(t, !tt.unclear, errors.Is(e, concur.ErrInvalid))
			require.NotContains(t, e.Error(), "ada@")
		})
	}
}

func TestVendorsAreWrittenReadAndDeleted(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	ctx := t.Context()
	us := vendor("C")
	us.CountryCode = "US"
	each, err := o.client.Vendors.Create(ctx, []concur.VendorInput{vendor("A"), vendor("B"), us})
	require.NoError(t, err)
	require.NoError(t, errors.Join(each[0], each[1]))
	require.ErrorContains(t, each[2], "State")
	change := vendor("A")
	change.PaymentTerms, change.Other = "30", map[string]string{"Custom3": "x"}
	each, err = o.client.Vendors.Update(ctx, []concur.VendorInput{change, vendor("NONE")})
	require.NoError(t, err)
	require.NoError(t, each[0])
	require.ErrorIs(t, each[1], concur.ErrInvalid)
	page, err := o.client.Vendors.ListPage(ctx, concur.VendorQuery{Limit: 1}, "")
	require.NoError(t, err)
	require.Equal(t, []any{concur.Text("A"), concur.Text("30"), concur.Flag(true), map[string]concur.Text{"custom3": "x"}},
		[]any{page.Items[0].VendorCode, page.Items[0].PaymentTerms, page.Items[0].Approved, page.Items[0].Custom})
	require.NotEmpty(t, page.Next)
	var codes []string
	for v, err := range o.client.Vendors.List(ctx, concur.VendorQuery{Limit: 1}) {
		require.NoError(t, err)
		codes = append(codes, string(v.VendorCode))
	}
	require.Equal(t, []string{"A", "B"}, codes)
	require.NoError(t, o.client.Vendors.Delete(ctx, "A", "MAIN"))
	require.ErrorIs(t, o.client.Vendors.Delete(ctx, "A", "MAIN"), concur.ErrInvalid)
	require.ErrorIs(t, o.client.Vendors.Delete(ctx, "", "MAIN"), concur.ErrInvalid)
	require.Len(t, o.company.Vendors(), 1)
}

func TestFieldsOfAVendorThatHaveNoPlaceSurvive(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodGet, vendorsURL, 200, `{"Vendor":[{"VendorCode":7,"AddressCode":"M","Approved":"N","Custom20":"c","ShippingTerms":"FOB","Tomorrow":{"a":1}}]}`)
	page, err := c.Vendors.ListPage(t.Context(), concur.VendorQuery{}, "")
	require.NoError(t, err)
	v := page.Items[0]
	require.Equal(t, concur.Text("7"), v.VendorCode)
	require.Equal(t, concur.Text("c"), v.Custom["custom20"])
	require.JSONEq(t, `{"VendorCode":7,"AddressCode":"M","Approved":"N","Custom20":"c","ShippingTerms":"FOB","Tomorrow":{"a":1}}`, encoded(t, v))
}

func TestUsersComeByCursorUntilThereIsNone(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	for _, login := range []string{"bo@acme.example", "cy@acme.example"} {
		o.company.AddUser(concurtest.User{Login: login})
	}
	var logins []string
	for u, err := range o.client.Users.List(t.Context(), concur.UserQuery{Count: 2}) {
		require.NoError(t, err)
		logins = append(logins, u.UserName)
	}
	require.Equal(t, []string{"ada@acme.example", "bo@acme.example", "cy@acme.example"}, logins)
	require.Len(t, o.Server.CallsTo("/Users"), 2)

	c, mock := wired(t)
	answer(mock, http.MethodGet, us2+"/profile/identity/v4.1/Users", 200, `{"Resources":[],"nextCursor":"again"}`)
	var last error
	for _, err := range c.Users.List(t.Context(), concur.UserQuery{}) {
		last = err
	}
	require.ErrorContains(t, last, "nextCursor")
}
