package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// pass lets virtual time pass.
func pass(d time.Duration) { <-time.NewTimer(d).C }

// hand is a RoundTripper that leads to a handler in the process.
type hand struct{ http.Handler }

func (h hand) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// subscribe lets Concur deliver its events to a connector.
func (w *world) subscribe(a *App) {
	w.concur.Subscribe(concur.TopicExpenseReport, "https://connector.example.com"+EventPath, &concurtest.SubscribeOptions{
		Filter: "^statusChanged$", Transport: hand{a.Handler()},
	})
}

// running runs a connector until stop.
func (w *world) running(a *App) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(w.t, <-done)
	}
}

func TestWhileEpicorCannotBeReachedEventsAreTakenAndAfterwardsAllIsPosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.policy = engine.Policy{Sweep: -1}
		a := w.connector()
		w.subscribe(a)
		stop := w.running(a)
		defer stop()
		w.epicor.Inject(epicortest.Fault{Drop: true, Times: -1})

		numbers := []string{sample.Itemised, threeParties, "W1X7QB"}
		for _, n := range numbers {
			w.company.Approve(w.report(n).ID)
		}
		pass(20 * time.Minute)
		require.Zero(t, w.concur.Pending())
		for _, d := range w.concur.Deliveries() {
			require.Equal(t, http.StatusOK, d.Status, "the intake goes on")
		}
		for _, n := range numbers {
			s := w.status(n)
			require.Equal(t, engine.WordOpen, s.Word)
			require.NotEqual(t, engine.Parked, s.State, "an outage asks no person: %s", s.Why)
			require.Contains(t, s.Why, "Erp.BO.", "the row says which call to Epicor failed")
		}
		require.Empty(t, w.epicor.Invoices(sample.EpicorCompany))

		w.epicor.ClearFaults()
		pass(time.Hour)
		for _, n := range numbers {
			require.Equal(t, engine.Confirmed, w.status(n).State, w.status(n).Why)
		}
		require.Len(t, w.epicor.Invoices(sample.EpicorCompany), 1+3+2)
		tie, err := a.Reconcile(t.Context(), tenantName, 2000, time.January)
		require.NoError(t, err)
		for _, d := range tie.Documents {
			if strings.HasPrefix(d.ID, "report/") {
				require.True(t, d.Difference.IsZero(), d.ID)
			}
		}
	})
}

func TestAMappingWithFaultsIsRefusedByItsPlacesAndTheOldOneStaysInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.policy = engine.Policy{Sweep: -1}
		a := w.connector()
		w.subscribe(a)
		stop := w.running(a)
		defer stop()
		m, err := a.Mapper(tenantName)
		require.NoError(t, err)
		before := m.Set().Version()

		w.edit("netting: net", "nettign: net")
		w.edit(`    natural: "6412"`, `    nature: "6412"`)
		err = m.Reload()
		var faults rules.Errors
		require.ErrorAs(t, err, &faults)
		require.GreaterOrEqual(t, len(faults), 2, "all faults at once")
		for _, f := range faults {
			require.Regexp(t, `mapping\.yaml:\d+:\d+: .+`, f.Error())
		}
		require.Contains(t, err.Error(), "nettign")
		require.Equal(t, before, m.Set().Version())

		w.company.Approve(w.report(sample.Itemised).ID)
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, w.status(sample.Itemised).State, "nothing is held up by a file that is not in use")
	})
}

func TestAConnectorDoesNotStartWithAMappingThatHasFaultsAndNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.connector()
		w.edit("version: 1", "version: one")
		d := &Data{
			Store: w.store, Trail: audit.NewTrail(w.log, nil), Labels: newLabels(w.store, discard()),
		}
		var err error
		d.Engine, err = engine.New(w.store, d.Trail, nil)
		require.NoError(t, err)
		_, err = assemble(d, w.config())
		var faults rules.Errors
		require.ErrorAs(t, err, &faults)
		require.Regexp(t, `mapping\.yaml:\d+:\d+: `, err.Error())
		require.Contains(t, err.Error(), tenantName)

		// Meanwhile a report was approved and nobody was there to take its event.
		w.company.Approve(w.report(sample.Itemised).ID)
		w.edit("version: one", "version: 1")
		w.run(w.connector(), time.Hour)
		require.Equal(t, engine.Confirmed, w.status(sample.Itemised).State)
	})
}

func TestAnEventIsTakenOnlyWhenItIsSigned(t *testing.T) {
	w := newWorld(t)
	a := w.connector()
	body := `{"id":"1","eventType":"statusChanged","topic":"public.concur.expense.report","facts":{"reportId":"AAAA","companyId":"` + w.company.ID +
		`","href":"https://us2.api.concursolutions.com/expensereports/v4/users/u1/context/TRAVELER/reports/AAAA"}}`
	post := func(body, signature string) int {
		r := httptest.NewRequest(http.MethodPost, EventPath, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if signature != "" {
			r.Header.Set(concur.SignatureHeader, signature)
		}
		answer := httptest.NewRecorder()
		a.Handler().ServeHTTP(answer, r)
		return answer.Code
	}
	id := storage.ID{Tenant: tenantName, Target: DefaultTarget, Document: "report/AAAA"}

	require.Equal(t, http.StatusUnauthorized, post(body, ""))
	require.Equal(t, http.StatusUnauthorized, post(body, w.concur.Sign([]byte(body+" "))))
	require.Equal(t, http.StatusBadRequest, post("{", w.concur.Sign([]byte("{"))))
	_, err := a.Engine.Get(t.Context(), id)
	require.ErrorIs(t, err, storage.ErrNotFound, "what is not signed leaves no trace in the ledger")

	require.Equal(t, http.StatusOK, post(body, w.concur.Sign([]byte(body))))
	_, err = a.Engine.Get(t.Context(), id)
	require.NoError(t, err, "200 means durable")
	rs, _, err := a.Trail.Read(t.Context(), audit.Query{Tenant: tenantName, Subject: id.Document})
	require.NoError(t, err)
	require.Len(t, rs, 1)
	require.Equal(t, ActionEvent, rs[0].Action)
	require.Equal(t, map[concur.EventOutcome]int{concur.EventUnverified: 2, concur.EventMalformed: 1, concur.EventTaken: 1}, a.Events())
}

// deaf is an audit log that cannot be written.
type deaf struct{ audit.Log }

func (deaf) Append(context.Context, []audit.Record) error { return os.ErrPermission }

func TestAnEventWhoseRecordCannotBeWrittenIsAnswered503(t *testing.T) {
	w := newWorld(t)
	a := w.start(w.config(), w.store, deaf{w.log})
	body := `{"id":"1","eventType":"statusChanged","topic":"public.concur.expense.report","facts":{"reportId":"AAAA","companyId":"` + w.company.ID + `"}}`
	r := httptest.NewRequest(http.MethodPost, EventPath, strings.NewReader(body))
	r.Header.Set(concur.SignatureHeader, w.concur.Sign([]byte(body)))
	answer := httptest.NewRecorder()
	a.Handler().ServeHTTP(answer, r)
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
}
