package monitor_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/monitor"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// open opens a connector that calls nobody.
func open(t *testing.T) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Data: filepath.Join(t.TempDir(), "data"), Tenants: []app.Tenant{{
		Name:   "acme",
		Concur: app.Concur{App: concur.App{ClientID: "id", ClientSecret: "secret"}, Company: "company"},
		Epicor: app.Epicor{URL: "https://kinetic.acme.example/prod/api/v2/odata/ACME", Credential: epicor.Basic("key", "user", "password")},
	}}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func readyz(t *testing.T, a *app.App) (int, monitor.Readiness) {
	t.Helper()
	w := httptest.NewRecorder()
	monitor.Readyz(a)(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	var r monitor.Readiness
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &r))
	return w.Code, r
}

// A tenant that is not connected is something to mend, but no reason to turn
// events of others away.
func TestAConnectorWithoutATokenIsReadyAndNotWhole(t *testing.T) {
	code, r := readyz(t, open(t))
	require.Equal(t, http.StatusOK, code)
	require.True(t, r.Ready)
	require.False(t, r.Whole)
	require.Contains(t, r.Parts, monitor.Part{Name: "acme token", What: "not connected to Concur: ml-connector connect", Mend: true})
}

func TestAConnectorWhoseLedgerCannotBeReadIsNotReady(t *testing.T) {
	a := open(t)
	require.NoError(t, a.Close())
	code, r := readyz(t, a)
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.False(t, r.Ready)
}

// scrape returns the metrics once they show something.
func scrape(t *testing.T, m *monitor.Monitor, want string) {
	t.Helper()
	var text string
	require.Eventually(t, func() bool {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		b, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		text = string(b)
		ok, err := regexp.MatchString(want, text)
		require.NoError(t, err)
		return ok
	}, 2*time.Minute, 20*time.Millisecond, "want %s", want)
}

func TestTransfersAreCountedByStateAlsoThoseThatCannotBeRead(t *testing.T) {
	a, m := open(t), monitor.New()
	for i, state := range []engine.State{engine.Parked, engine.Parked, engine.Confirmed, engine.Waiting} {
		_, err := a.Store.Create(t.Context(), storage.Transfer{
			ID: storage.ID{Tenant: "acme", Target: app.DefaultTarget, Document: "report/" + string(rune('A'+i))}, State: string(state), Data: []byte("{}"),
			Due: time.Now().Add(-90 * time.Second),
		})
		require.NoError(t, err)
	}
	go m.Run(t.Context(), a, slog.New(slog.DiscardHandler))
	scrape(t, m, `(?m)^mlconnector_transfers\{state="parked",tenant="acme"\} 2$`)
	scrape(t, m, `(?m)^mlconnector_transfers\{state="confirmed",tenant="acme"\} 1$`)
	scrape(t, m, `(?m)^mlconnector_queue_lag_seconds\{tenant="acme"\} 9\d$`)

	// What comes to rest is counted as it happens, without another look at all.
	m.Changed(engine.Change{ID: storage.ID{Tenant: "acme"}, From: engine.Delivering, To: engine.Confirmed})
	scrape(t, m, `(?m)^mlconnector_transfers\{state="confirmed",tenant="acme"\} 2$`)
	scrape(t, m, `(?m)^mlconnector_transfer_changes_total\{cause="",state="confirmed"\} 1$`)
	scrape(t, m, `(?m)^mlconnector_build_info\{.*goversion="go1`)
}

func TestMoneyThatIsNotAtRestShowsByCompanyCurrencyAndWord(t *testing.T) {
	a, m := open(t), monitor.New()
	for i, c := range []struct{ state, amount string }{{"parked", "12.34"}, {"parked", "0.66"}, {"pending", "5"}, {"delivered", "7.50"}} {
		_, err := a.Store.Create(t.Context(), storage.Transfer{
			ID: storage.ID{Tenant: "acme", Target: app.DefaultTarget, Document: "report/" + string(rune('A'+i))}, State: c.state, Format: 1,
			Data: []byte(`{"since":"2026-11-01T00:00:00Z","revisions":[{"number":1,"state":"` + c.state + `","effect":"none","generation":1,` +
				`"totals":[{"company":"EPIC06","currency":"USD","amount":"` + c.amount + `"}]}]}`),
		})
		require.NoError(t, err)
	}
	go m.Run(t.Context(), a, slog.New(slog.DiscardHandler))
	for word, amount := range map[string]string{"parked": "13", "open": "5", "saved": "7.5"} {
		scrape(t, m, `(?m)^mlconnector_value\{company="EPIC06",currency="USD",tenant="acme",word="`+word+`"\} `+regexp.QuoteMeta(amount)+`$`)
	}
	scrape(t, m, `(?m)^mlconnector_oldest_open_seconds\{tenant="acme"\} [1-9]`)
}

func TestCallsAreCountedBySystemAndStatus(t *testing.T) {
	a, m := open(t), monitor.New()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(s.Close)
	client := &http.Client{Transport: m.Watch(http.DefaultTransport)}
	get := func(url string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		res, err := client.Do(req)
		if err == nil {
			require.NoError(t, res.Body.Close())
		}
	}
	get(s.URL + "/api/v2/odata/EPIC06/Erp.BO.VendorSvc/Vendors")
	get(s.URL + "/api/v3.0/expense/reports")
	s.Close()
	get(s.URL + "/api/v3.0/expense/reports")
	go m.Run(t.Context(), a, slog.New(slog.DiscardHandler))
	scrape(t, m, `(?m)^mlconnector_vendor_calls_total\{method="GET",status="418",system="epicor"\} 1$`)
	scrape(t, m, `(?m)^mlconnector_vendor_calls_total\{method="GET",status="418",system="concur"\} 1$`)
	scrape(t, m, `(?m)^mlconnector_vendor_calls_total\{method="GET",status="none",system="concur"\} 1$`)
}
