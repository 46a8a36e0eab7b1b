package app

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// alike approves a report with one expense like the first one of another, over
// another amount.
func (w *world) alike(number, amount string) concurtest.Report {
	w.t.Helper()
	of := w.report(number)
	e := of.Expenses[0]
	e.ID, e.Allocations = "", nil
	e.Amount, e.Posted, e.Approved = concurtest.Amount(amount), decimal.NullDecimal{}, decimal.NullDecimal{}
	return w.company.AddApprovedReport(concurtest.Report{Owner: of.Owner, Name: "Worked figure", Expenses: []concurtest.Expense{e}})
}

// The sample has an invoice that waits by itself, USD 310.00 of a supplier that is
// no vendor, and a few that are posted.
func TestR53TwelveOpenDocumentsAreAccruedAndReversed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 10 {
			w.alike(sample.UnknownCode, fmt.Sprintf("%d.00", 100+10*i))
		}
		w.alike(sample.UnknownCode, "2550.20")
		a := w.connector()
		w.run(a, time.Minute)
		postAll(t, w)
		month := func(of time.Month) Accrual {
			m, err := a.Reconcile(t.Context(), tenantName, 2000, of)
			require.NoError(t, err)
			require.True(t, m.Ties(), "%+v", m)
			return m.accrual(t, "USD")
		}
		january := month(time.January)
		require.Equal(t, 12, january.Documents)
		require.Equal(t, "4310.20", january.Amount.StringFixed(2))
		require.True(t, january.Earlier.IsZero())

		// On the first of the next month the accrual is reversed, and what still is open
		// makes up the next one.
		february := month(time.February)
		require.Equal(t, "4310.20", february.Amount.StringFixed(2))
		require.Equal(t, "4310.20", february.Earlier.StringFixed(2))
	})
}

func TestR60WhatIsApprovedIsPostedOpenRecalledOrSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		back := w.alike(sample.LostAnswer, "1250.00")
		a := w.connector()
		w.run(a, time.Minute)
		w.company.SendBack(back.ID, "wrong")
		w.run(w.start(w.config(), w.store, w.log), 30*time.Minute)

		w.alike(sample.LostAnswer, "80000.00")
		w.alike(sample.LostAnswer, "7885.25")  // beside invoices of 9364.75
		w.alike(sample.UnknownCode, "1190.00") // beside the invoice of 310.00
		a = w.start(w.config(), w.store, w.log)
		w.run(a, 30*time.Minute)
		postAll(t, w)
		// Approved again, which the ledger has not seen yet.
		w.company.Submit(back.ID)
		w.company.Approve(back.ID)

		m, err := a.Reconcile(t.Context(), tenantName, 2000, time.January)
		require.NoError(t, err)
		require.True(t, m.Ties(), "%+v", m)
		require.Equal(t, "USD", m.Currencies[1].Currency)
		c := m.Currencies[1]
		for what, pair := range map[string][2]string{
			"approved": {"100000.00", c.Approved.StringFixed(2)}, "posted": {"97250.00", c.Posted.StringFixed(2)}, "saved": {"0.00", c.Saved.StringFixed(2)},
			"open": {"1500.00", c.Open.StringFixed(2)}, "recalled": {"1250.00", c.Recalled.StringFixed(2)}, "skipped": {"0.00", c.Skipped.StringFixed(2)},
			"difference": {"0.00", c.Difference.StringFixed(2)},
		} {
			require.Equal(t, pair[0], pair[1], what)
		}
		words := map[engine.Word]int{}
		for _, d := range m.Documents {
			if d.Currency == "USD" {
				words[d.Word]++
			}
		}
		require.Equal(t, map[engine.Word]int{engine.WordPosted: 4, engine.WordOpen: 2, engine.WordRecalled: 1}, words)
	})
}
