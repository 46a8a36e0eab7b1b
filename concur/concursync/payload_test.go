package concursync_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

const (
	us2      = "https://us2.api.concursolutions.com"
	ownerID  = "32c2fcc3-b2e8-4907-9672-5b3f49b1c643"
	reportID = "764428DD6A664AF0BFCB"
	inReport = us2 + "/expensereports/v4/users/" + ownerID + "/context/TRAVELER/reports/" + reportID
)

// wire is a Concur of single answers.
type wire struct {
	*httpmock.MockTransport
	client *concur.Client
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{MockTransport: httpmock.NewMockTransport()}
	store := concur.NewMemoryTokenStore()
	_, err := store.Save(t.Context(), concur.Token{AccessToken: "a", RefreshToken: "r", Geolocation: us2, Expiry: time.Now().Add(time.Hour)}, "")
	require.NoError(t, err)
	tokens, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, store, &concur.TokenOptions{HTTP: &http.Client{Transport: w}})
	require.NoError(t, err)
	w.client = concur.NewClient(tokens, nil)
	w.get(us2+"/profile/identity/v4.1/Users/"+ownerID, `{"id":"`+ownerID+`","userName":"ada@acme.example"}`)
	w.get(us2+"/api/v3.0/expense/reports/"+reportID, `{"ID":"`+reportID+`","ProcessingPaymentDate":"2020-03-30T10:00:00"}`)
	w.RegisterResponder(http.MethodGet, `=~/list/v4/items/`, func(r *http.Request) (*http.Response, error) {
		id := filepath.Base(r.URL.Path)
		return httpmock.NewStringResponse(200, `{"id":"`+id+`","shortCode":"code-`+id[:4]+`","value":"Name"}`), nil
	})
	w.get(us2+"/api/v3.0/expense/entries", `{"Items":[],"NextPage":null}`)
	w.RegisterResponder(http.MethodGet, `=~/itemizations$`, httpmock.NewStringResponder(200, `[]`))
	w.RegisterResponder(http.MethodGet, `=~/allocations$`, httpmock.NewStringResponder(200, `[]`))
	return w
}

func (w *wire) get(url, body string) {
	w.RegisterResponder(http.MethodGet, url, httpmock.NewStringResponder(200, body))
}

func (w *wire) fetch(t *testing.T) connector.Snapshot[document.Document] {
	t.Helper()
	s, err := concursync.Reports(w.client, nil).Fetch(t.Context(), ref())
	require.NoError(t, err)
	return s
}

func ref() connector.Ref { return connector.Ref{Kind: "report", ID: reportID, Hint: ownerID} }

func payload(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("CONCUR_PAYLOADS")
	if dir == "" {
		if os.Getenv("ML_CONNECTOR_NO_SKIP") == "1" {
			t.Fatal("CONCUR_PAYLOADS is not set, and ML_CONNECTOR_NO_SKIP forbids to skip")
		}
		t.Skip("SKIPPED: set CONCUR_PAYLOADS to the folder with the vendor's published sample payloads")
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(b)
}

func TestPublishedReportBecomesADocumentThatTies(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	// The published report is a draft; what it lacks for a posting is its approval.
	header := regexp.MustCompile(`"paymentStatusId":\s*"P_NOTP"`).ReplaceAllString(payload(t, "report-v4-get-response.json"), `"paymentStatusId":"P_PROC"`)
	require.Contains(t, header, "P_PROC")
	w.get(inReport, header)
	list := payload(t, "expense-v4-list-response.json")
	w.get(inReport+"/expenses", list)
	w.get(inReport+"/expenses/84FCBB92BD4E5342B849DAC29FD163A1", payload(t, "expense-v4-get-response.json"))
	var es []json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(list), &es))
	w.get(inReport+"/expenses/29EE3C62F5D844458828A5C1086072D1", string(es[1]))
	w.get(inReport+"/expenses/29EE3C62F5D844458828A5C1086072D1/allocations", payload(t, "allocation-v4-list-response.json"))

	s := w.fetch(t)
	require.Equal(t, connector.Ready, s.Phase)
	require.NoError(t, s.Content.Check())
	require.Equal(t, []string{"525", "USD", "2020-03"}, []string{s.Content.Total.String(), s.Content.Currency, s.Period})
	require.Len(t, s.Content.Entries[1].Allocations, 2)
	require.Equal(t, "code-d395", s.Content.Entries[1].Allocations[0].Custom["custom9"].Code)
	require.Equal(t, []string{"1022", "Mastercard"}, []string{s.Content.Entries[1].Payment.Code, s.Content.Entries[1].Payment.Text})
	require.Equal(t, "Antioch Construction", s.Content.Entries[1].Merchant)
}

const header = `{"reportId":"` + reportID + `","userId":"` + ownerID + `","currencyCode":"USD","paymentStatusId":"P_PROC","approvedAmount":{"value":100.00,"currencyCode":"USD"}}`

func expense(id, amount, more string) string {
	return `{"expenseId":"` + id + `","approvedAmount":{"value":` + amount + `,"currencyCode":"USD"},"expenseType":{"id":"LUNCH","code":"MEALS"},"paymentType":{"id":"1022","code":"CBCP"}` + more + `}`
}

func TestItemizationsThatTheListShowsAsWellAreNotCountedTwice(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.get(inReport, header)
	parent, a, b := expense("P", "100.00", ``), expense("A", "60.00", `,"parentExpenseId":"P"`), expense("B", "40.00", `,"parentExpenseId":"P"`)
	w.get(inReport+"/expenses", `[`+parent+`,`+a+`,`+b+`]`)
	w.get(inReport+"/expenses/P/itemizations", `[`+a+`,`+b+`]`)
	w.get(inReport+"/expenses/P", parent)
	w.get(inReport+"/expenses/A", a)
	w.get(inReport+"/expenses/B", b)
	d := w.fetch(t).Content
	require.NoError(t, d.Check())
	require.Len(t, d.Entries, 2)
}

func TestRejectedParentRejectsItsParts(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.get(inReport, header)
	parent, part, other := expense("P", "50.00", `,"isExpenseRejected":true`), expense("A", "50.00", `,"parentExpenseId":"P"`), expense("O", "100.00", ``)
	w.get(inReport+"/expenses", `[`+parent+`,`+other+`]`)
	w.get(inReport+"/expenses/P/itemizations", `[`+part+`]`)
	w.get(inReport+"/expenses/P", parent)
	w.get(inReport+"/expenses/A", part)
	w.get(inReport+"/expenses/O", other)
	d := w.fetch(t).Content
	require.NoError(t, d.Check())
	require.Len(t, d.Entries, 1)
}

func TestAllocationsWithoutAmountsAreSharedOut(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.get(inReport, header)
	w.get(inReport+"/expenses", `[`+expense("A", "100.00", ``)+`]`)
	w.get(inReport+"/expenses/A", expense("A", "100.00", ``))
	w.get(inReport+"/expenses/A/allocations", `[{"allocationId":"1","percentage":33.33333333},{"allocationId":"2","percentage":33.33333333},{"allocationId":"3","percentage":33.33333334}]`)
	require.NoError(t, w.fetch(t).Content.Check())
}

func TestClassOfThePaymentTypeIsTakenWhenAskedFor(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.get(inReport, header)
	w.get(inReport+"/expenses", `[`+expense("A", "100.00", ``)+`]`)
	w.get(inReport+"/expenses/A", expense("A", "100.00", ``))
	s, err := concursync.Reports(w.client, &concursync.ReportsOptions{PaymentClass: true}).Fetch(t.Context(), ref())
	require.NoError(t, err)
	require.Equal(t, "CBCP", s.Content.Entries[0].Payment.Code)
}

func TestExpenseApprovedInAnotherCurrencyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.get(inReport, header)
	euro := strings.ReplaceAll(expense("A", "100.00", ``), "USD", "EUR")
	w.get(inReport+"/expenses", `[`+euro+`]`)
	w.get(inReport+"/expenses/A", euro)
	_, err := concursync.Reports(w.client, nil).Fetch(t.Context(), ref())
	require.ErrorContains(t, err, "approved in EUR")
	var rejected *connector.Rejection
	require.ErrorAs(t, err, &rejected, "it would be tried for ever")
	require.Equal(t, []string{concursync.ExpenseCurrency, "expense A", "EUR"}, []string{rejected.Issues[0].Code, rejected.Issues[0].Field, rejected.Issues[0].Value})
}

func TestReportThatVersionThreeDoesNotHaveHasNoPeriod(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.get(inReport, header)
	w.get(inReport+"/expenses", `[`+expense("A", "100.00", ``)+`]`)
	w.get(inReport+"/expenses/A", expense("A", "100.00", ``))
	w.RegisterResponder(http.MethodGet, us2+"/api/v3.0/expense/reports/"+reportID, httpmock.NewStringResponder(404, ``))
	s := w.fetch(t)
	require.Equal(t, connector.Ready, s.Phase)
	require.Empty(t, s.Period)
	require.Contains(t, s.Why, "no date of approval")
}

func TestReportOfAnOwnerWhoLeftIsStillRead(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.get(inReport, header)
	w.get(inReport+"/expenses", `[`+expense("A", "100.00", ``)+`]`)
	w.get(inReport+"/expenses/A", expense("A", "100.00", ``))
	w.RegisterResponder(http.MethodGet, us2+"/profile/identity/v4.1/Users/"+ownerID, httpmock.NewStringResponder(404, ``))
	s := w.fetch(t)
	require.NoError(t, s.Content.Check())
	require.Contains(t, s.Why, "no user any more")
	require.True(t, s.Content.Settlement.PayerUnknown, "Expense Pay may pay what nobody could be asked about")
}

func TestAReportIsNotFoundUnderItsIdInOtherLetters(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	lower := ref()
	lower.ID = strings.ToLower(reportID)
	w.get(strings.Replace(inReport, reportID, lower.ID, 1), header)
	_, err := concursync.Reports(w.client, nil).Fetch(t.Context(), lower)
	require.ErrorIs(t, err, connector.ErrNotFound)
	require.ErrorContains(t, err, "in other letters")
}
