package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

const ruleFile = `
version: 1
company: {ledgers: {DEFAULT: EPIC06}}
numbers: {prefix: CX-}
netting: net
counterparties: {CASH: employee}
employees: {match: [pattern], pattern: "E{employee_id}"}
cost_centres: {field: custom5, unlisted: as_is}
accounts:
  template: "{natural}|{cost_centre}|00"
  rules: [{name: meals, natural: "6420"}]
apply_date: {from: approved, closed_period: next_open}
`

// A cost centre with a hyphen is chosen in Concur, its account does not exist in
// Epicor yet: the report waits, and goes on once the mirror has seen the account.
func TestAReportThatWaitsForAnAccountGoesOnByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := open(t.Context())
		require.NoError(t, err)
		defer s.close()
		s.kinetic.AddVendors(epicortest.DefaultCompany, epicortest.Vendor{Num: 42, ID: "E1042", Name: "Ada Adams"})
		set, err := rules.Load("mapping.yaml", []byte(ruleFile))
		require.NoError(t, err)
		tables := epicorsync.Tables(s.epicor, nil)
		e, err := engine.New(memstore.New(), audit.NewTrail(memlog.New(), nil), nil)
		require.NoError(t, err)
		require.NoError(t, engine.AddMirror(e, engine.Mirror[document.ListItem]{
			Tenant: tenant, Name: accounts, Policy: &engine.MirrorPolicy{Every: -1},
			Original: epicorsync.AccountsOriginal(s.epicor, nil), Copy: concursync.ListCopy(s.concur, s.accounts.ID(), nil),
			Appeared: func(ctx context.Context, _ []string) error {
				_, err := tables.Refresh(ctx)
				return err
			},
		}))
		require.NoError(t, engine.AddMirror(e, engine.Mirror[document.ListItem]{
			Tenant: tenant, Name: centres, Policy: &engine.MirrorPolicy{Every: -1},
			Original: epicorsync.SegmentOriginal(s.epicor, "MAIN", 2, nil), Copy: concursync.ListCopy(s.concur, s.centres.ID(), nil),
		}))
		require.NoError(t, engine.Add(e, engine.Flow[document.Document, document.Posting]{
			Tenant: tenant, Name: "reports", Target: "epicor",
			Source: concursync.Reports(s.concur, &concursync.ReportsOptions{From: time.Now().AddDate(0, -1, 0)}), Mapper: rules.New(set, tables), Sink: epicorsync.Invoices(s.epicor, nil),
		}))
		for _, name := range []string{accounts, centres} {
			_, err := e.RunMirror(t.Context(), tenant, name, false, engine.Act{})
			require.NoError(t, err)
		}
		s.company.AddUser(concurtest.User{Login: "ada@acme.example", FirstName: "Ada", LastName: "Adams", EmployeeNumber: "1042"})
		s.company.AddApprovedReport(concurtest.Report{
			Owner: "ada@acme.example", Name: "March", Expenses: []concurtest.Expense{{
				Type: "MEALS", PaymentType: "CASH", Amount: concurtest.Amount("12.50"),
				Custom: concurtest.Custom{"custom5": s.centres.Value("CC~1200")},
			}},
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		state := func() engine.Status {
			<-time.After(time.Minute)
			var last engine.Status
			for st, err := range e.List(t.Context(), storage.Query{Tenant: tenant}) {
				require.NoError(t, err)
				last = st
			}
			return last
		}
		waits := state()
		require.Equal(t, engine.Parked, waits.State, waits.Why)
		require.Equal(t, "glaccount/6420|CC-200|00", waits.Issues[0].Needs)
		require.Empty(t, s.kinetic.Invoices(epicortest.DefaultCompany))

		s.kinetic.AddAccounts(epicortest.DefaultCompany, epicortest.GLAccount{Account: "6420|CC-200|00", Desc: "Meals"})
		r, err := e.RunMirror(t.Context(), tenant, accounts, false, engine.Act{})
		require.NoError(t, err)
		require.Equal(t, 1, r.Woken)
		posted := state()
		require.Equal(t, engine.Confirmed, posted.State, posted.Why)
		require.Len(t, s.kinetic.Invoices(epicortest.DefaultCompany), 1)
		stop()
		require.NoError(t, <-done)
	})
}
