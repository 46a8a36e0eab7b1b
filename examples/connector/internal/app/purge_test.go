package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/engine"
)

const aDay = 24 * time.Hour

// aged is a connector whose documents came to their end some days ago.
func aged(t *testing.T, policy engine.Policy, days int, look func(*world, *App)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, r := range w.company.Reports {
			w.company.Approve(r.ID)
		}
		w.policy = engine.Policy{Sweep: 10 * time.Minute}
		w.run(w.connector(), time.Minute)
		pass(time.Duration(days) * aDay)
		w.policy = policy
		look(w, w.start(w.config(), w.store, w.log))
	})
}

// planned is what a purge would drop, over all flows.
func planned(w *world, a *App) (contents, rows, kept int) {
	w.t.Helper()
	plans, err := a.PurgePlan(w.t.Context(), tenantName)
	require.NoError(w.t, err)
	for _, p := range plans {
		contents, rows, kept = contents+p.Contents, rows+p.Rows, kept+p.Kept
	}
	return contents, rows, kept
}

// purged is what a purge dropped, over all flows.
func purged(w *world, a *App) (contents, rows int) {
	w.t.Helper()
	for _, flow := range a.Flows(tenantName) {
		done, err := a.Engine.Purge(w.t.Context(), tenantName, flow)
		require.NoError(w.t, err)
		contents, rows = contents+done.Contents, rows+done.Rows
	}
	return contents, rows
}

func TestAPlanOfAPurgeNamesWhatThePurgeThenDrops(t *testing.T) {
	aged(t, engine.Policy{KeepContents: 30 * aDay}, 40, func(w *world, a *App) {
		contents, rows, kept := planned(w, a)
		require.Positive(t, contents)
		require.Zero(t, rows)
		require.Positive(t, kept, "what waits for a person stays")
		dropped, removed := purged(w, a)
		require.Equal(t, []int{contents, 0}, []int{dropped, removed})
		pass(31 * aDay)
		again, _, _ := planned(w, a)
		require.Zero(t, again, "they are gone")
		require.Equal(t, engine.Parked, w.status(sample.UnknownCode).State)
	})
}

func TestDocumentsWhoseContentsWereDroppedAreCounted(t *testing.T) {
	aged(t, engine.Policy{KeepContents: 30 * aDay}, 40, func(w *world, a *App) {
		before, err := a.Gone(t.Context(), tenantName)
		require.NoError(t, err)
		require.Zero(t, before, "what waits for its approval is not gone")
		dropped, _ := purged(w, a)
		gone, err := a.Gone(t.Context(), tenantName)
		require.NoError(t, err)
		require.Equal(t, dropped, gone)
		require.True(t, ContentsDropped(w.status(sample.Itemised)))
		require.False(t, ContentsDropped(w.status(sample.UnknownCode)))
	})
}

func TestRowsArePurgedAsPlannedOnceEveryProcessKnows(t *testing.T) {
	aged(t, engine.Policy{KeepRows: 93 * aDay}, 94, func(w *world, a *App) {
		_, rows, kept := planned(w, a)
		require.Positive(t, rows)
		require.Positive(t, kept)
		_, removed := purged(w, a)
		require.Zero(t, removed, "the first purge announces")
		pass(6 * time.Minute)
		_, removed = purged(w, a)
		require.Equal(t, rows, removed)
	})
}

func TestWhatIsKeptLongerIsNotPlannedToBePurged(t *testing.T) {
	aged(t, engine.Policy{KeepContents: 30 * aDay, KeepRows: 93 * aDay}, 29, func(w *world, a *App) {
		contents, rows, _ := planned(w, a)
		require.Zero(t, contents+rows)
		pass(2 * aDay)
		contents, rows, _ = planned(w, a)
		require.Positive(t, contents)
		require.Zero(t, rows)
	})
}

func TestATenantsLimitsReachTheEngine(t *testing.T) {
	cfg := Config{Tenants: []Tenant{{Name: "a"}, {Name: "b", Limits: engine.Limits{Concurrency: 3}}}}
	require.Equal(t, engine.Limits{Concurrency: 3}, cfg.limits("b"))
	require.Zero(t, cfg.limits("a"))
	require.Zero(t, cfg.limits("nobody"))
}
