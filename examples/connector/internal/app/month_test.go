package app

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// reconciled lets all that the sample has be approved and posted, does some harm
// and reconciles the month. The bubble's clock begins on 2000-01-01.
func reconciled(t *testing.T, harm func(context.Context, *world, *App)) *Month {
	t.Helper()
	var m *Month
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, r := range w.company.Reports {
			w.company.Approve(r.ID)
		}
		a := w.connector()
		w.run(a, time.Minute)
		if harm != nil {
			harm(audit.NewContext(t.Context(), audit.Scope{Tenant: tenantName, Subject: "harm"}), w, a)
		}
		var err error
		m, err = a.Reconcile(t.Context(), tenantName, 2000, time.January)
		require.NoError(t, err)
	})
	return m
}

// harmed is the invoice to which harm is done: USD 450.00 on one line.
func harmed(w *world) epicortest.Invoice { return w.ours(sample.LostAnswer)[0] }

// postAll does what finance does in Epicor at a month's end.
func postAll(t *testing.T, w *world) {
	t.Helper()
	for _, g := range w.epicor.Groups(sample.EpicorCompany) {
		require.Empty(t, w.epicor.Post(sample.EpicorCompany, g.ID))
	}
}

func (m *Month) accrual(t *testing.T, currency string) Accrual {
	t.Helper()
	for _, a := range m.Accruals {
		if a.Currency == currency {
			return a
		}
	}
	return Accrual{Currency: currency}
}

func (m *Month) document(t *testing.T, number string) MonthDocument {
	t.Helper()
	for _, d := range m.Documents {
		if d.Label.Number == number {
			return d
		}
	}
	t.Fatalf("no document %s", number)
	return MonthDocument{}
}

func TestAnHonestMonthTiesAndWhatIsOpenIsToBeAccrued(t *testing.T) {
	m := reconciled(t, nil)
	require.True(t, m.Ties(), "%+v", m)
	require.True(t, m.Running)
	require.Contains(t, m.Meaning(), "final: saved")
	require.Equal(t, []string{"2000-01", "EPIC06"}, []string{m.Month, m.Company})
	require.Len(t, m.Documents, 17)
	for _, c := range m.Currencies {
		if c.Currency == "USD" {
			require.Equal(t, []string{"14397.56", "1514.1", "0"}, []string{c.Approved.String(), c.Open.String(), c.Difference.String()})
			require.True(t, c.Approved.Equal(c.Posted.Add(c.Open)))
		}
	}
	require.Len(t, m.Accruals, 2)
	usd := m.accrual(t, "USD")
	require.Equal(t, "1514.1", usd.Amount.Sub(usd.Saved).String(), "one unknown cost centre, one missing supplier")
	require.Equal(t, "12883.46", usd.Saved.String(), "finance has not posted the group")
	open := m.document(t, sample.UnknownCode)
	require.Equal(t, engine.WordOpen, open.Word)
	require.Equal(t, "cost_centre_unknown", open.Cause)
	require.NotEmpty(t, open.Who)
	require.Equal(t, "Ana Ruiz", m.document(t, sample.Itemised).Owner)
}

func TestAMonthNamesWhatEpicorNoLongerHas(t *testing.T) {
	m := reconciled(t, func(ctx context.Context, w *world, a *App) {
		inv := harmed(w)
		require.NoError(t, a.tenants[tenantName].epicor.APInvoices.Delete(ctx, inv.VendorNum, inv.Number, inv.ExternalID))
	})
	require.False(t, m.Ties())
	d := m.document(t, sample.LostAnswer)
	require.Equal(t, "450", d.Difference.String())
	require.Contains(t, d.Why, "Epicor does not have it")
	require.Contains(t, d.Why, "CX-"+sample.LostAnswer)
}

func TestAMonthNamesWhatStandsTwiceInEpicor(t *testing.T) {
	m := reconciled(t, func(ctx context.Context, w *world, a *App) {
		inv := harmed(w)
		_, err := a.tenants[tenantName].epicor.APInvoices.Create(ctx, epicor.APInvoiceInput{
			Key: inv.ExternalID, VendorID: inv.VendorID, Number: inv.Number + "-AGAIN", Currency: inv.Currency, Date: inv.Date, ApplyDate: inv.ApplyDate,
			Lines: []epicor.APInvoiceLineInput{{
				Description: "again", Amount: inv.Amount, Splits: []epicor.APInvoiceSplitInput{{Account: "6610|420|00", Amount: inv.Amount}},
			}},
		})
		require.NoError(t, err)
	})
	require.False(t, m.Ties())
	d := m.document(t, sample.LostAnswer)
	require.Equal(t, "-450", d.Difference.String())
	require.Contains(t, d.Why, "more stands in Epicor")
}

func TestAMonthNamesWhatWasChangedInEpicor(t *testing.T) {
	m := reconciled(t, func(_ context.Context, w *world, _ *App) {
		inv := harmed(w)
		w.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"DocInvoiceAmt": decimal.RequireFromString("449.99")})
	})
	require.False(t, m.Ties())
	d := m.document(t, sample.LostAnswer)
	require.Equal(t, []string{"450", "449.99", "0.01"}, []string{d.InConcur.String(), d.InEpicor.String(), d.Difference.String()})
	require.NotEmpty(t, d.Why)
}

func TestAMonthNamesWhatStandsInEpicorAndConcurDoesNotExplain(t *testing.T) {
	m := reconciled(t, func(_ context.Context, w *world, _ *App) {
		inv := harmed(w)
		w.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"ExternalID": strings.Repeat("A", 32)})
	})
	require.False(t, m.Ties())
	require.Len(t, m.Strangers, 1)
	require.Contains(t, m.Strangers[0].Why, "does not know")
	require.Contains(t, m.document(t, sample.LostAnswer).Why, "deleted or cancelled")
}

func TestAMonthNamesAnInvoiceWhoseReportIsNoLongerApproved(t *testing.T) {
	m := reconciled(t, func(_ context.Context, w *world, _ *App) {
		w.company.DeleteReport(w.report(sample.LostAnswer).ID)
	})
	require.Len(t, m.Strangers, 1)
	require.Contains(t, m.Strangers[0].Why, sample.LostAnswer)
}

func TestAMonthNamesADocumentThatWasNeverTakenIn(t *testing.T) {
	m := reconciled(t, func(_ context.Context, w *world, _ *App) {
		w.company.Approve(w.company.AddReport(concurtest.Report{
			Owner: "a.ruiz@brightwater.example", ApprovalStatus: concurtest.PendingApproval,
			Expenses: []concurtest.Expense{{Type: "TAXI", Amount: concurtest.Amount("12.00")}},
		}).ID)
	})
	require.False(t, m.Ties())
	found := 0
	for _, d := range m.Documents {
		if d.Ledger == "" {
			found++
			require.Contains(t, d.Why, "the ledger does not know it")
			require.True(t, d.Difference.Equal(d.InConcur))
		}
	}
	require.Equal(t, 1, found)
}

func TestWhatIsPostedToTheNextMonthTiesInItsOwnAndIsAccruedThere(t *testing.T) {
	m := reconciled(t, func(_ context.Context, w *world, _ *App) {
		postAll(t, w)
		inv := harmed(w)
		w.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"ApplyDate": epicortest.Date{Year: 2000, Month: 2, Day: 3}})
	})
	require.True(t, m.Ties())
	require.Equal(t, "1964.1", m.accrual(t, "USD").Amount.String(), "450.00 more")
	require.Equal(t, document.Date("2000-02-03"), m.document(t, sample.LostAnswer).Invoices[0].Applied)
}

func TestWhatWasPostedLongBeforeItsMonthIsLookedUpByItself(t *testing.T) {
	m := reconciled(t, func(_ context.Context, w *world, _ *App) {
		inv := harmed(w)
		w.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"ApplyDate": epicortest.Date{Year: 1999, Month: 2, Day: 3}})
	})
	require.True(t, m.Ties())
}

func TestTheNextMonthIsEmptyAndNamesWhatIsOpenFromTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.company.Approve(w.report(sample.UnknownCode).ID)
		w.company.Approve(w.report(sample.Itemised).ID)
		a := w.connector()
		w.run(a, time.Minute)
		m, err := a.Reconcile(t.Context(), tenantName, 2000, time.February)
		require.NoError(t, err)
		require.True(t, m.Ties())
		require.Empty(t, m.Documents)
		require.Len(t, m.Earlier, 2, "one report, one supplier invoice")
		require.Equal(t, "2000-01", m.Earlier[0].Period)
		usd := m.accrual(t, "USD")
		require.Equal(t, "1514.1", usd.Earlier.Sub(usd.Saved).String())
	})
}

func TestADocumentThatIsBeingEnteredIsOpenAndNoStranger(t *testing.T) {
	var m *Month
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.company.Approve(w.report(sample.Itemised).ID)
		// Each answer is lost after Epicor has saved: headers stand there, nothing is settled.
		w.epicor.Inject(epicortest.Fault{Path: "/UpdateMaster", When: epicortest.After, Drop: true, Times: -1})
		a := w.connector()
		w.run(a, 3*time.Second)
		w.epicor.ClearFaults()
		require.NotEmpty(t, w.epicor.Invoices(sample.EpicorCompany), "something has to stand there")
		var err error
		m, err = a.Reconcile(t.Context(), tenantName, 2000, time.January)
		require.NoError(t, err)
	})
	require.Empty(t, m.Strangers)
	require.True(t, m.Ties(), "%+v", m.Documents)
	require.Equal(t, engine.WordOpen, m.document(t, sample.Itemised).Word)
}

func TestTheAccrualOfAMonthStaysWhenWhatWasOpenIsPostedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.company.Approve(w.report(sample.LostAnswer).ID)
		a := w.connector()
		w.run(a, time.Minute)
		postAll(t, w)
		inv := harmed(w)
		w.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"ApplyDate": epicortest.Date{Year: 2000, Month: 3, Day: 3}})
		for _, month := range []time.Month{time.January, time.February} {
			m, err := a.Reconcile(t.Context(), tenantName, 2000, month)
			require.NoError(t, err)
			require.True(t, m.Ties())
			require.Equal(t, "760", m.accrual(t, "USD").Amount.String(), "450.00 posted in March, and the invoice that waits for its vendor, in %s", month)
			require.Equal(t, 2, m.accrual(t, "USD").Documents)
		}
		m, err := a.Reconcile(t.Context(), tenantName, 2000, time.March)
		require.NoError(t, err)
		require.Equal(t, "310", m.accrual(t, "USD").Amount.String(), "in March it is in effect")
	})
}

func TestWhatFinanceHasPostedIsNoLongerToBeAccrued(t *testing.T) {
	m := reconciled(t, func(_ context.Context, w *world, _ *App) { postAll(t, w) })
	require.True(t, m.Ties())
	usd := m.accrual(t, "USD")
	require.Equal(t, "1514.1", usd.Amount.String(), "what is open")
	require.Equal(t, "0", usd.Saved.String())
	require.Equal(t, "0", m.accrual(t, "EUR").Amount.String(), "%+v", m.accrual(t, "EUR"))
}

func TestWhatIsMissingInEpicorIsToBeAccrued(t *testing.T) {
	m := reconciled(t, func(_ context.Context, w *world, _ *App) {
		inv := harmed(w)
		postAll(t, w)
		w.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"ExternalID": ""})
	})
	require.False(t, m.Ties())
	require.Equal(t, "1964.1", m.accrual(t, "USD").Amount.String(), "450.00 that the ledger calls posted and nobody finds")
}

func TestWhatWasApprovedBeforeGoingLiveIsSkippedAndNotAccrued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.reports.From = time.Date(2000, 1, 20, 0, 0, 0, 0, time.UTC)
		report := w.report(sample.Itemised)
		w.company.Approve(report.ID)
		a := w.connector()
		w.run(a, time.Minute)
		m, err := a.Reconcile(t.Context(), tenantName, 2000, time.January)
		require.NoError(t, err)
		require.True(t, m.Ties(), "%+v", m)
		require.NotEmpty(t, m.Documents)
		for _, d := range m.Documents {
			require.Equal(t, engine.WordSkipped, d.Word, d.ID)
		}
		require.Empty(t, m.Accruals)
		require.Empty(t, w.epicor.Invoices(sample.EpicorCompany))
	})
}

// raised is a month in which a posted report of USD 450.00 was changed to USD
// 500.00 in Concur, and what became of that.
func raised(t *testing.T, before func(*world)) (*Month, engine.Status) {
	t.Helper()
	var s engine.Status
	m := reconciled(t, func(ctx context.Context, w *world, a *App) {
		postAll(t, w)
		if before != nil {
			before(w)
		}
		w.company.EditReport(w.report(sample.LostAnswer).ID, func(r *concurtest.Report) {
			e := &r.Expenses[0]
			e.Amount, e.Posted, e.Approved = concurtest.Amount("500.00"), decimal.NullDecimal{}, decimal.NullDecimal{}
		})
		w.run(w.start(w.config(), w.store, w.log), 30*time.Minute)
		s = w.status(sample.LostAnswer)
	})
	return m, s
}

func TestADeltaTiesWithWhatStandsBesideIt(t *testing.T) {
	m, s := raised(t, nil)
	require.Len(t, s.Beside, 1)
	d := m.document(t, sample.LostAnswer)
	require.Equal(t, []string{"500", "500", "0"}, []string{d.InConcur.String(), d.InEpicor.String(), d.Difference.String()})
	require.Len(t, d.Invoices, 2)
	require.True(t, m.Ties(), "%+v", m)
	require.Equal(t, "1564.1", m.accrual(t, "USD").Amount.String(), "what is open, and 50.00 that finance has not posted")
}

func TestOfADocumentWhoseCorrectionIsOpenOnlyTheDifferenceIs(t *testing.T) {
	m, s := raised(t, func(w *world) { w.edit("netting: net", "netting: net\nrevisions: park") })
	require.Equal(t, []any{engine.Parked, 1}, []any{s.State, len(s.Beside)})
	d := m.document(t, sample.LostAnswer)
	require.Equal(t, []any{engine.WordOpen, "450", "0"}, []any{d.Word, d.InEpicor.String(), d.Difference.String()})
	require.True(t, m.Ties(), "%+v", m)
	usd := m.accrual(t, "USD")
	require.Equal(t, "1564.1", usd.Amount.String(), "50.00 beside what was open before")
	for _, c := range m.Currencies {
		if c.Currency == "USD" {
			require.Equal(t, []string{"1564.1", "0"}, []string{c.Open.String(), c.Difference.String()})
		}
	}
}
