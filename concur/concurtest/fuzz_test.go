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
	for _, seed := range [][3]string{
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
