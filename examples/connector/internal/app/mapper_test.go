package app

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
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

func TestARunningConnectorReadsAnEditedTableBesideTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.policy = engine.Policy{Sweep: -1}
		csv := filepath.Join(filepath.Dir(w.mapping), "centres.csv")
		require.NoError(t, os.WriteFile(csv, []byte("centre,segment\n420,420\n"), 0o600))
		w.edit("accounts:\n", "tables:\n  part: {key: custom5, file: centres.csv}\naccounts:\n")
		w.edit("{natural}|{cost_centre}|00", "{natural}|{part}|00")
		a := w.connector()
		w.subscribe(a)
		defer w.running(a)()
		w.company.Approve(w.report(sample.UnknownCode).ID)
		pass(time.Minute)
		require.Equal(t, rules.TableRowMissing, w.status(sample.UnknownCode).Cause)

		require.NoError(t, os.WriteFile(csv, []byte("centre,segment\n420,420\n4711,200\n"), 0o600))
		require.Equal(t, 1, w.replayed(rules.TableRowMissing))
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, w.status(sample.UnknownCode).State)
	})
}

func TestADocumentThatIsHeldGoesOnByItselfWhenItsPeriodOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.policy = engine.Policy{Sweep: -1}
		w.edit("closed_period: next_open", "closed_period: hold")
		now := time.Now()
		w.epicor.ClosePeriod(sample.EpicorCompany, now.Year(), int(now.Month()))
		cfg := w.config()
		cfg.Tenants[0].Epicor.Tables.ClosedColumn = "FAClosedPeriod"
		a := w.start(cfg, w.store, w.log)
		require.NoError(t, a.Connect(t.Context(), tenantName, concur.Secret(w.company.RequestToken())))
		w.subscribe(a)
		defer w.running(a)()
		w.company.Approve(w.report(sample.Announced).ID)
		pass(time.Minute)
		require.Equal(t, rules.PeriodClosed, w.status(sample.Announced).Cause)

		w.epicor.OpenPeriod(sample.EpicorCompany, now.Year(), int(now.Month()))
		pass(10 * time.Minute)
		w.company.Approve(w.report(sample.LostAnswer).ID) // for which the periods are read
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, w.status(sample.Announced).State)
	})
}

func TestARunningConnectorMapsByRowsThatAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.policy = engine.Policy{Sweep: -1}
		w.edit("accounts:\n", "tables:\n  part: {key: custom5, store: centres}\naccounts:\n")
		w.edit("{natural}|{cost_centre}|00", "{natural}|{part}|00")
		w.edit(`"420": "420"`, `"4711": "200"
    "420": "420"`)
		a := w.connector()
		w.subscribe(a)
		defer w.running(a)()
		w.company.Approve(w.report(sample.UnknownCode).ID)
		pass(time.Minute)
		require.Equal(t, rules.TableRowMissing, w.status(sample.UnknownCode).Cause)

		other := w.start(w.config(), w.store, w.log)
		by := engine.Act{Actor: "finance", Reason: "trade fair"}
		k, err := other.PutRows(t.Context(), tenantName, "centres", map[string]string{"4711": "200", "420": "420"}, by)
		require.NoError(t, err)
		require.Equal(t, 2, k.Rows)
		again, err := other.PutRows(t.Context(), tenantName, "centres", map[string]string{"420": "420", "4711": "200"}, by)
		require.NoError(t, err)
		require.Equal(t, k, again, "the same rows are no change")
		all, err := other.Rows(tenantName).List(t.Context())
		require.NoError(t, err)
		require.Equal(t, []KeptTable{k}, all)

		require.Equal(t, 1, w.replayed(rules.TableRowMissing))
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, w.status(sample.UnknownCode).State)
		records, _, err := w.log.Read(t.Context(), audit.Query{Tenant: tenantName})
		require.NoError(t, err)
		i := slices.IndexFunc(records, func(r audit.Record) bool { return r.Subject == "mapping table centres" })
		require.GreaterOrEqual(t, i, 0)
		require.Equal(t, "finance", records[i].Actor)
		require.Equal(t, "trade fair", records[i].Reason)
	})
}
