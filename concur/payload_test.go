package concur_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

// payloads returns the folder of the vendor's published samples, which are not
// part of this repository: CONCUR_PAYLOADS names it.
func payloads(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CONCUR_PAYLOADS")
	if dir == "" {
		if os.Getenv("ML_CONNECTOR_NO_SKIP") == "1" {
			t.Fatal("CONCUR_PAYLOADS is not set, and ML_CONNECTOR_NO_SKIP forbids to skip")
		}
		t.Skip("SKIPPED: set CONCUR_PAYLOADS to the folder with the vendor's published sample payloads")
	}
	return dir
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(payloads(t), name))
	require.NoError(t, err)
	return b
}

func TestPublishedEventsAreTakenByTheReceiver(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(payloads(t), "event-*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	h := newHook(concur.EventOptions{Verifier: verifier(t)}, nil)
	for _, name := range names {
		body, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, h.post(t, string(body), sign(t, "", body)), "%s: %v", filepath.Base(name), h.results)
	}
	require.Len(t, h.taken, len(names))
	typed, kept := 0, 0
	for _, e := range h.taken {
		switch {
		case concur.SameTopic(e.Topic, concur.TopicExpenseReport):
			f, err := e.Report()
			require.NoError(t, err)
			require.NotEmpty(t, f.ReportID)
			require.Equal(t, f.CompanyID, e.Company())
			require.Equal(t, e.EventType != concur.ReportDeleted, f.Owner() != "")
			typed++
		case concur.SameTopic(e.Topic, concur.TopicFinancialIntegration):
			f, err := e.Financial()
			require.NoError(t, err)
			require.NotEmpty(t, f.DocumentID)
			typed++
		}
		facts, err := typedFacts(e)
		require.NoError(t, err, e.EventType)
		every := &comparison{t: t}
		every.compare(string(e.EventType), e.Facts, facts)
		require.Empty(t, every.differ)
		require.Zero(t, every.unknown, "%s: facts without a field", e.EventType)
		kept += every.kept
	}
	typed = len(h.taken)
	t.Logf("%d published events taken, %d with typed facts, %d values kept", len(h.taken), typed, kept)
}

// typedFacts returns the facts of an event in the type of its topic.
func typedFacts(e concur.Event) (facts any, err error) {
	switch {
	case concur.SameTopic(e.Topic, concur.TopicExpenseReport):
		return e.Report()
	case concur.SameTopic(e.Topic, concur.TopicFinancialIntegration):
		return e.Financial()
	case concur.SameTopic(e.Topic, concur.TopicAccountingIntegration):
		return e.Accounting()
	case concur.SameTopic(e.Topic, concur.TopicIdentity), concur.SameTopic(e.Topic, concur.TopicSpendProfile), concur.SameTopic(e.Topic, concur.TopicTravelProfile):
		return e.Profile()
	case concur.SameTopic(e.Topic, concur.TopicProvisioning):
		return e.Provision()
	case concur.SameTopic(e.Topic, concur.TopicTaxCompliance):
		return e.TaxCompliance()
	case concur.SameTopic(e.Topic, concur.TopicRequest):
		return e.Request()
	default:
		return e.Travel()
	}
}

// comparison walks over a published payload and what came of it: what the
// types know must have kept its value and every digit.
type comparison struct {
	t             *testing.T
	kept, unknown int
	differ        []string
}

func (c *comparison) same(at string, original, back any) {
	if original == nil {
		return
	}
	switch o := original.(type) {
	case map[string]any:
		b, ok := back.(map[string]any)
		if !ok {
			c.differ = append(c.differ, fmt.Sprintf("%s: object became %v", at, back))
			return
		}
		for k, v := range o {
			if w, known := b[k]; known {
				c.same(at+"."+k, v, w)
			} else if v != nil {
				c.unknown++
			}
		}
	case []any:
		b, _ := back.([]any)
		if len(b) != len(o) {
			c.differ = append(c.differ, fmt.Sprintf("%s: %d elements became %d", at, len(o), len(b)))
			return
		}
		for i := range o {
			c.same(fmt.Sprintf("%s[%d]", at, i), o[i], b[i])
		}
	default:
		if want, got := fmt.Sprint(original), fmt.Sprint(back); want != got {
			c.differ = append(c.differ, fmt.Sprintf("%s: %s became %s", at, want, got))
			return
		}
		c.kept++
	}
}

func (c *comparison) compare(name string, payload []byte, decoded any) {
	c.t.Helper()
	b, err := json.Marshal(decoded)
	require.NoError(c.t, err)
	var original, back any
	for raw, to := range map[*[]byte]*any{&payload: &original, &b: &back} {
		d := json.NewDecoder(bytes.NewReader(*raw))
		d.UseNumber()
		require.NoError(c.t, d.Decode(to))
	}
	c.same(name, original, back)
}

func TestPublishedPayloadsKeepEveryDigitThroughTheClient(t *testing.T) {
	t.Parallel()
	const inExpense = inReport + "/expenses/84FCBB92BD4E5342B849DAC29FD163A1"
	for name, c := range map[string]struct {
		url  string
		read func(context.Context, *concur.Client) (any, error)
	}{
		"report-v4-get-response.json": {inReport, func(ctx context.Context, c *concur.Client) (any, error) {
			return c.Reports.Get(ctx, ownerID, reportID)
		}},
		"expense-v4-list-response.json": {inReport + "/expenses", func(ctx context.Context, c *concur.Client) (any, error) {
			return c.Expenses.List(ctx, ownerID, reportID)
		}},
		"expense-v4-get-response.json": {inExpense, func(ctx context.Context, c *concur.Client) (any, error) {
			return c.Expenses.Get(ctx, ownerID, reportID, "84FCBB92BD4E5342B849DAC29FD163A1")
		}},
		"itemization-v4-list-response.json": {inExpense + "/itemizations", func(ctx context.Context, c *concur.Client) (any, error) {
			return c.Expenses.Itemizations(ctx, ownerID, reportID, "84FCBB92BD4E5342B849DAC29FD163A1")
		}},
		"allocation-v4-list-response.json": {inExpense + "/allocations", func(ctx context.Context, c *concur.Client) (any, error) {
			return c.Allocations.List(ctx, ownerID, reportID, "84FCBB92BD4E5342B849DAC29FD163A1")
		}},
		"listitem-v4-retrieve-a-list-item-by-id-response.json": {us2 + "/list/v4/items/63b7fbd9-ae08-0840-abdb-62b0b9160081", func(ctx context.Context, c *concur.Client) (any, error) {
			return c.ListItems.Get(ctx, "63b7fbd9-ae08-0840-abdb-62b0b9160081")
		}},
		"report-v3-retrieve-a-report-by-id-json-example-of-a-successful-response.json": {us2 + reportsPath + "/" + reportID, func(ctx context.Context, c *concur.Client) (any, error) {
			return c.ReportsV3.Get(ctx, reportID, "jimadmin@concurconnect2.com")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			payload := sample(t, name)
			client, mock := wired(t)
			answer(mock, http.MethodGet, c.url, 200, string(payload))
			got, err := c.read(t.Context(), client)
			require.NoError(t, err)
			cmp := &comparison{t: t}
			cmp.compare("$", payload, got)
			require.Empty(t, cmp.differ)
			require.Positive(t, cmp.kept)
			t.Logf("%d values kept, %d in fields that the type does not have", cmp.kept, cmp.unknown)
		})
	}
}

func TestPublishedListOfReportsIsRead(t *testing.T) {
	t.Parallel()
	client, mock := wired(t)
	pages(mock, reportsPath, string(sample(t, "report-v3-retrieve-reports-owned-by-the-user-based-on-search-criteria-json-example-of-a-su.json")))
	p, err := client.ReportsV3.ListPage(t.Context(), concur.ReportV3Query{}, "")
	require.NoError(t, err)
	require.NotEmpty(t, p.Items)
	for _, r := range p.Items {
		require.NotEmpty(t, r.ID)
		require.True(t, r.LastModifiedDate.Valid())
	}
}

func TestInvoicePayloadsMadeFromTheSpecificationAreRead(t *testing.T) {
	t.Parallel()
	client, mock := wired(t)
	answer(mock, http.MethodGet, us2+"/api/v3.0/invoice/paymentrequest/9B1D30723CBF4F86A574", 200, string(sample(t, "SYNTHETIC-paymentrequest-v3-get-response.json")))
	pages(mock, "/api/v3.0/invoice/paymentrequestdigests", string(sample(t, "SYNTHETIC-paymentrequestdigest-v3-list-response.json")))
	p, err := client.Digests.ListPage(t.Context(), concur.DigestQuery{}, "")
	require.NoError(t, err)
	r, err := client.PaymentRequests.Get(t.Context(), p.Items[0].Request())
	require.NoError(t, err)
	require.Equal(t, "50.00000000", r.TotalApprovedAmount.String())
	require.Equal(t, concur.Text("MATER"), r.LineItems[0].Allocations[0].AllocationAccountCode)
	require.Equal(t, "2023-03-23 12:48:43.0", p.Items[0].LastModifiedDate.String())
}

func TestPublishedErrorsAreReadThroughTheClient(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(payloads(t), "error-v*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		body, err := os.ReadFile(name)
		require.NoError(t, err)
		client, mock := wired(t)
		answer(mock, http.MethodGet, inReport, 400, string(body))
		_, err = client.Reports.Get(t.Context(), ownerID, reportID)
		var e *concur.Error
		require.ErrorAs(t, err, &e)
		require.NotEmpty(t, e.Message, filepath.Base(name))
	}
}

func TestPublishedTokenRefusalsAreTyped(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]concur.TokenCode{
		"error-oauth2-code108-bad-refresh-token.json": 108, "error-oauth2-code5-bad-credentials.json": 5, "error-oauth2-company-code5.json": 5,
	} {
		body := sample(t, name)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write(body)
		}))
		t.Cleanup(srv.Close)
		s, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, concur.NewMemoryTokenStore(),
			&concur.TokenOptions{AllowHosts: []string{srv.URL}, BootstrapURL: srv.URL})
		require.NoError(t, err)
		_, err = s.Connect(t.Context(), "company", "request")
		var refused *concur.TokenError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, code, refused.Code, name)
		require.NotContains(t, err.Error(), "hush")
	}
}
