package concur_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

const paymentRequestURL = us2 + "/api/v3.0/invoice/paymentrequest"

func amount(t *testing.T, s string) concur.Decimal {
	t.Helper()
	d, err := concur.ParseDecimal(s)
	require.NoError(t, err)
	return d
}

func invoiceInput(t *testing.T) concur.PaymentRequestInput {
	t.Helper()
	return concur.PaymentRequestInput{
		Name: "Beams", InvoiceAmount: amount(t, "110.00000000"), CountryCode: "US", CurrencyCode: "USD",
		VendorRemitTo: concur.VendorIdentifier{VendorCode: "V1", AddressCode: "A"}, EmployeeID: "1002",
	}
}

// sent answers a call with an id and returns what was sent.
func sent(t *testing.T, mock *httpmock.MockTransport, method, address, answer string) *map[string]any {
	t.Helper()
	var body map[string]any
	mock.RegisterResponder(method, address, func(r *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(b, &body)
		}
		return httpmock.NewStringResponse(200, answer), err
	})
	return &body
}

func TestAPaymentRequestIsWrittenAsTextsWithTwoDigitsInCustomNames(t *testing.T) {
	c, mock := wired(t)
	body := sent(t, mock, http.MethodPost, paymentRequestURL, `{"ID":"AB12","URI":"https://evil.example/x"}`)
	in := invoiceInput(t)
	in.Custom = map[string]string{"custom1": "a", "custom12": "b", "orgUnit3": "c"}
	in.Other = map[string]string{"VatAmountOne": "1.00"}
	in.LineItems = []concur.LineItemInput{{
		Quantity: amount(t, "2"), TotalPrice: amount(t, "110"),
		Allocations: []concur.LineItemAllocationInput{{Percentage: amount(t, "100"), Custom: map[string]string{"custom2": "200"}}},
	}}
	id, err := c.PaymentRequests.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "AB12", id)
	require.Equal(t, map[string]any{
		"Name": "Beams", "InvoiceAmount": "110.00000000", "CountryCode": "US", "CurrencyCode": "USD", "EmployeeId": "1002",
		"VendorRemitToIdentifier": map[string]any{"VendorCode": "V1", "AddressCode": "A"},
		"Custom01":                "a", "Custom12": "b", "OrgUnit03": "c", "VatAmountOne": "1.00",
		"LineItems": []any{map[string]any{
			"Quantity": "2", "TotalPrice": "110",
			"Allocations": []any{map[string]any{"Percentage": "100", "Custom02": "200"}},
		}},
	}, *body, "an amount that nobody gave is not sent as 0")
}

func TestAnUpdateOfAPaymentRequestNamesItInTheBody(t *testing.T) {
	c, mock := wired(t)
	body := sent(t, mock, http.MethodPut, paymentRequestURL, `{"ID":"AB12"}`)
	_, err := c.PaymentRequests.Update(t.Context(), "AB12", concur.PaymentRequestInput{
		Other: map[string]string{"RequestID": "ANOTHER", "DoCopyDown": "Y"}, LineItems: []concur.LineItemInput{{Action: concur.LineDelete, LineItemID: "7"}},
	})
	require.NoError(t, err)
	require.Equal(t, "AB12", (*body)["RequestID"])
	require.Equal(t, "Y", (*body)["DoCopyDown"])
	require.Equal(t, []any{map[string]any{"Action": "DELETE", "LineItemID": "7"}}, (*body)["LineItems"])
}

func TestAnIncompletePaymentRequestIsNotSent(t *testing.T) {
	c, mock := wired(t)
	for name, change := range map[string]func(*concur.PaymentRequestInput){
		"no name":       func(in *concur.PaymentRequestInput) { in.Name = "" },
		"no amount":     func(in *concur.PaymentRequestInput) { in.InvoiceAmount = concur.Decimal{} },
		"no country":    func(in *concur.PaymentRequestInput) { in.CountryCode = "" },
		"half a vendor": func(in *concur.PaymentRequestInput) { in.VendorRemitTo.AddressCode = "" },
		"nobody's":      func(in *concur.PaymentRequestInput) { in.EmployeeID = "" },
		"a line with an action": func(in *concur.PaymentRequestInput) {
			in.LineItems = []concur.LineItemInput{{Action: concur.LineInsert}}
		},
		"a custom field's number": func(in *concur.PaymentRequestInput) { in.Custom = map[string]string{"Custom01": "x"} },
	} {
		in := invoiceInput(t)
		change(&in)
		_, err := c.PaymentRequests.Create(t.Context(), in)
		require.Error(t, err, name)
	}
	for name, in := range map[string]concur.PaymentRequestInput{
		"another ledger":         {LedgerCode: "L2"},
		"a line without action":  {LineItems: []concur.LineItemInput{{LineItemID: "1"}}},
		"a change without id":    {LineItems: []concur.LineItemInput{{Action: concur.LineUpdate}}},
		"a total beside a price": {LineItems: []concur.LineItemInput{{Action: concur.LineInsert, TotalPrice: amount(t, "1")}}},
	} {
		_, err := c.PaymentRequests.Update(t.Context(), "AB12", in)
		require.ErrorIs(t, err, concur.ErrInvalid, name)
	}
	require.Zero(t, mock.GetTotalCallCount())
}

func TestAWriteWhoseAnswerNamesNothingIsNoRefusal(t *testing.T) {
	c, mock := wired(t)
	sent(t, mock, http.MethodPost, paymentRequestURL, `{}`)
	_, err := c.PaymentRequests.Create(t.Context(), invoiceInput(t))
	require.Error(t, err)
	require.NotErrorIs(t, err, concur.ErrInvalid, "it may have been made")
}

func TestAnExpenseOfVersionThreeIsWrittenWithItsOwnersLogin(t *testing.T) {
	c, mock := wired(t)
	body := sent(t, mock, http.MethodPost, us2+"/api/v3.0/expense/entries?user=ada%40acme.example", `{"ID":"gWid$1"}`)
	no := false
	id, err := c.EntriesV3.Create(t.Context(), "ada@acme.example", concur.EntryV3Input{
		ReportID: "R", TransactionAmount: amount(t, "12.50"), IsPersonal: &no, Custom: map[string]string{"custom2": "x", "orgUnit1": "y"},
	})
	require.NoError(t, err)
	require.Equal(t, "gWid$1", id)
	require.Equal(t, map[string]any{"ReportID": "R", "TransactionAmount": 12.5, "IsPersonal": false, "Custom2": "x", "OrgUnit1": "y"}, *body)
}
