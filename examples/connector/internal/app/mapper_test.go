package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// replayed replays what has a cause, as another process does.
func (w *world) replayed(cause string) int {
	w.t.Helper()
	other := w.start(w.config(), w.store, w.log)
	plan, err := other.Engine.Plan(w.t.Context(), storage.Query{Tenant: tenantName, Cause: cause})
	require.NoError(w.t, err)
	require.NoError(w.t, other.AskTables(w.t.Context(), tenantName))
	n, err := other.Engine.Replay(w.t.Context(), plan, engine.Act{Actor: "finance", Reason: "mended"})
	require.NoError(w.t, err)
	return n
}

func TestARunningConnectorReadsEditedRulesBeforeTheNextDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.policy = engine.Policy{Sweep: -1}
		a := w.connector()
		w.subscribe(a)
		defer w.running(a)()
		w.company.Approve(w.report(sample.UnknownCode).ID)
		pass(time.Minute)
		require.Equal(t, rules.CostCentreUnknown, w.status(sample.UnknownCode).Cause)

		w.edit(`"420": "420"`, `"4711": "200"
    "420": "420"`)
		require.Equal(t, 1, w.replayed(rules.CostCentreUnknown))
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, w.status(sample.UnknownCode).State)
	})
}

func TestWhatWasAddedInEpicorASecondAgoCountsForAReplayFromAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.policy = engine.Policy{Sweep: -1}
		w.epicor.RemoveAccounts(sample.EpicorCompany, "6610|420|00")
		a := w.connector()
		w.subscribe(a)
		defer w.running(a)()
		w.company.Approve(w.report(sample.LostAnswer).ID)
		pass(5 * time.Second)
		require.Equal(t, rules.AccountUnknown, w.status(sample.LostAnswer).Cause)

		w.epicor.AddAccounts(sample.EpicorCompany, epicortest.GLAccount{Account: "6610|420|00"})
		require.Equal(t, 1, w.replayed(rules.AccountUnknown))
		pass(w.poll)
		require.Equal(t, engine.Confirmed, w.status(sample.LostAnswer).State, "the tables are five minutes good otherwise")
	})
}
