package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/rehearsal"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// onlyReads fails the test where one of both systems was told to change anything.
// Concur's tokens, and its search for people, are asked for by POST.
func (w *checked) onlyReads() {
	w.t.Helper()
	for _, c := range w.epicor.Calls() {
		require.Equal(w.t, "GET", c.Method, "%s %s", c.Method, c.Path)
	}
	calls := 0
	for _, c := range w.concur.Calls() {
		if strings.Contains(c.Path, "oauth2") || strings.HasSuffix(c.Path, "/Users/.search") {
			continue
		}
		calls++
		require.Equal(w.t, "GET", c.Method, "%s %s", c.Method, c.Path)
	}
	require.NotZero(w.t, calls, "Concur was asked")
	require.NotEmpty(w.t, w.epicor.Calls(), "Epicor was asked")
	require.Empty(w.t, w.epicor.Invoices(sample.EpicorCompany))
	require.Empty(w.t, w.epicor.Groups(sample.EpicorCompany))
	d, err := app.OpenData(w.t.Context(), w.data)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, d.Close()) }()
	for s, err := range d.Engine.List(w.t.Context(), storage.Query{Tenant: "brightwater"}) {
		require.NoError(w.t, err)
		require.Failf(w.t, "the ledger holds a document", "%v", s.ID)
	}
}

// simulated is a connected connector over simulators whose documents are approved,
// with nothing sealed, so that the test can look at its ledger.
func simulated(t *testing.T) *checked {
	t.Helper()
	w := newChecked(t, true, nil)
	w.approveAll()
	w.epicor.ResetCalls()
	w.concur.ResetCalls()
	return w
}

func TestSimulatingAMonthReadsBothSystemsAndWritesNothing(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	r := perform(t, demoHooks{}, "simulate", "--from", "2000-01-01", "-c", w.path, "--json")
	require.Equal(t, exitMend, r.code, r.stderr)
	require.Contains(t, r.stderr, "would park")
	v := decode[simulation](t, r)
	require.True(t, v.AskedEpicor)
	require.Greater(t, len(v.Results), 10)
	outcomes := map[string]rehearsal.Result{}
	for _, x := range v.Results {
		outcomes[x.Document.Number] = x
		require.Equal(t, "ready", strings.ToLower(x.Phase), x.Document.Number)
		if x.Book != nil {
			require.True(t, x.Book.Debit.Equal(x.Book.Credit), "%s balances", x.Document.Number)
			require.NotEmpty(t, x.Reasons)
			require.NotEmpty(t, x.Version)
		}
	}
	require.Equal(t, rules.CostCentreUnknown, outcomes[sample.UnknownCode].Issues[0].Code)
	require.Equal(t, rules.VendorMissing, outcomes[sample.NoVendor].Issues[0].Code)
	require.Equal(t, "412.4", outcomes[sample.Itemised].Book.Debit.String())
	w.onlyReads()
}

func TestSimulatingOneDocumentShowsWhatIsBookedAndWhy(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	id := ""
	for _, r := range w.company.Reports {
		if r.Number == sample.Itemised {
			id = r.ID
		}
	}
	r := perform(t, demoHooks{}, "simulate", id, "-c", w.path)
	require.Zero(t, r.code, r.stderr)
	for _, want := range []string{
		`Nothing was written`, `AP invoice +E1042 +USD 412\.40`, `6410\|200\|00 +305\.20`, `payable to E1042 +412\.40`, `total USD +412\.40 +412\.40`,
		`GL account +6420\|310\|00 +meals-domestic \(mapping\.yaml:\d+\) +expense type MEALS, country US`,
	} {
		require.Regexp(t, want, r.stdout)
	}
	require.NotContains(t, r.stdout, "\x1b")
	w.onlyReads()
}

func TestAnotherMappingIsTriedWithoutBeingPutInPlace(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	b, err := os.ReadFile(filepath.Join(w.dir, "mapping.yaml"))
	require.NoError(t, err)
	w.write("next.yaml", strings.Replace(string(b), `natural: "6420"`, `natural: "6421"`, 1))
	r := perform(t, demoHooks{}, "simulate", "--from", "2000-01-01", "-c", w.path, "--mapping", filepath.Join(w.dir, "next.yaml"), "--json")
	v := decode[simulation](t, r)
	require.Contains(t, v.Rules, "next.yaml")
	var accounts []string
	for _, s := range v.Sums {
		accounts = append(accounts, s.Account)
	}
	require.Contains(t, strings.Join(accounts, " "), "6421|200|00")
	require.NotContains(t, strings.Join(accounts, " "), "6420|200|00")
	w.onlyReads()
}

func TestADocumentThatIsNotApprovedIsNotSimulated(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
	for _, r := range w.company.Reports {
		if r.Number != sample.Itemised {
			continue
		}
		got := perform(t, demoHooks{}, "simulate", r.ID, "-c", w.path)
		require.Equal(t, exitMend, got.code, got.stderr)
		require.Contains(t, got.stdout, "its lines are read once it is, and nothing can be simulated before")
		require.Contains(t, got.stderr, "1 document is not finally approved")
		require.NotContains(t, got.stdout+got.stderr, "park")
		v := decode[simulation](t, perform(t, demoHooks{}, "simulate", r.ID, "-c", w.path, "--json"))
		require.Equal(t, rehearsal.Waits, v.Results[0].Outcome)
		require.NotEmpty(t, v.Results[0].Why)
		require.Empty(t, v.Results[0].Issues)
	}
	got := perform(t, demoHooks{}, "simulate", "88-9999", "-c", w.path)
	require.Equal(t, exitMend, got.code)
	require.Contains(t, got.stderr, `no document "88-9999": not in the ledger, and not among Concur's recent reports; check the number`)
}

func TestWhatToSimulateHasToBeSaid(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"say which documents":              {"simulate"},
		"need -c config.yaml, or --data":   {"simulate", "A1B2C3"},
		"say which rules with --mapping":   {"simulate", "--file", "x.json"},
		"write a day as 2026-10-31":        {"simulate", "--from", "October", "--data", "x"},
		"is before --from 2026-10-02":      {"simulate", "--from", "2026-10-02", "--to", "2026-10-01", "--data", "x"},
		"past documents stand in a data d": {"mapping", "coverage", "--mapping", "internal/sample/mapping.yaml"},
		"no such file":                     {"mapping", "lint", "nowhere.yaml"},
	} {
		r := perform(t, demoHooks{}, args...)
		require.Equal(t, exitMend, r.code, args)
		require.Contains(t, r.stderr, want, args)
	}
}
