package concurtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// Whatever is asked, the server answers, and with a correlation id.
func FuzzEveryRequestIsAnswered(f *testing.F) {
	const fis = "/financialintegration/fi/v4/companies/transactiontypes/expense/transactions"
	for _, seed := range [][3]string{
		{"GET", fis + "?page=9&limit=1", ""},
		{"GET", fis + "?docId=x&ignoreDocumentStatus=yes", ""},
		{"POST", fis + "/acknowledgements", `{"ids":["a"],"systemId":""}`},
		{"POST", fis + "/postingconfirmations", `{"systemId":"","postingConfirmations":[{"docId":"a","overallPostingStatusCode":"success","postingDocs":[{"fiscalYear":2026}],"systemMessages":[]}]}`},
		{"POST", fis + "/paymentconfirmations", `{"systemId":"","processingConfirmation":[{"docId":"a","processingStatusCode":"CP","clearingDetails":[{"clearingDate":"20261103"}]}]}`},
		{"GET", "/api/v3.0/expense/entries?user=ALL&limit=1&offset=YWZ0ZXI6OTk", ""},
		{"GET", "/api/v3.0/expense/allocations?entryID=gWid$x", ""},
		{"POST", "/invoice/payment-confirmation/v4/payments/bulkUpdate", `[{"requestId":"a","customFields":{"":"x"}}]`},
		{"GET", "/invoice/payment-confirmation/v4/payments?page=99999999999&limit=1", ""},
		{"POST", "/api/v3.0/invoice/purchaseorders", `{"LineItem":[1,{"ExternalID":2}],"BillToAddress":[]}`},
		{"POST", "/api/v3.0/invoice/purchaseorderreceipts", `null`},
		{"POST", "/exchangerate/v4/rates", `{"currency_sets":[{"rate":1e999999999}]}`},
		{"GET", "/profile/spend/v4.1/Users?startIndex=9999&count=1&filter=country%20eq%20%22US%22", ""},
		{"POST", "/api/image/v1.0/receipt", "x"},
		{"GET", "/spend-documents/v4/receipts/x/representations?type=display", ""},
		{"PATCH", "/expensereports/v4/reports/x/approve", `{}`},
		{"POST", "/expensereports/v4/reports/x/comments", `{"comment":"x"}`},
		{"PUT", "/expensereports/v4/reports/x/exceptions", `{"exceptionCode":"A","exceptionVisibility":"ALL"}`},
		{"PATCH", "/app-mgmt/v4/x/secrets/y", `{"Operations":[{"op":"replace","path":"/status","value":"active"}]}`},
		{"DELETE", "/app-mgmt/v0/connections", ""},
		{"POST", "/oauth2/v0/otp", "client_id=x&channel_type=email"},
		{"POST", "/oauth2/v0/token", "grant_type=password&client_id=%zz"},
		{"POST", "/profile/identity/v4.1/Users/.search", `{` + searchSchema + `,"filter":"userName eq \"\\x\""}`},
		{"GET", "/profile/identity/v4.1/Users?count=-1&cursor=YWZ0ZXI6OTk", ""},
		{"GET", "/api/v3.0/expense/reports?user=ALL&limit=2&offset=YWZ0ZXI6MQ&modifiedDateAfter=2026-10-30", ""},
		{"GET", "/api/v3.0/invoice/paymentrequestdigests?limit=1&offset=YWZ0ZXI6OTk&lastModifiedDateAfter=2026-10-30", ""},
		{"GET", "/list/v4/lists?page=184467440737095517", ""},
		{"GET", "/list/v4/items/%2e%2e", ""},
		{"GET", "/expensereports/v4/users/a/context/TRAVELER/reports/b/expenses/c", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	s := concurtest.New(nil)
	f.Cleanup(s.Close)
	co, centres := acme(s)
	co.AddApprovedReport(trip(centres))
	co.AddApprovedPaymentRequest(invoice("INV-1"))
	f.Fuzz(func(t *testing.T, method, path, body string) {
		u, err := url.Parse(co.BaseURL() + "/" + strings.TrimPrefix(path, "/"))
		if err != nil {
			t.Skip()
		}
		u.Host = "us2.api.concursolutions.com"
		r, err := http.NewRequestWithContext(t.Context(), method, u.String(), strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.Header.Set("Authorization", "Bearer "+co.AccessToken())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := do(t, s.Client(), r)
		require.NotEmpty(t, a.header.Get(concurtest.CorrelationHeader))
		require.Less(t, a.status, 500)
	})
}
