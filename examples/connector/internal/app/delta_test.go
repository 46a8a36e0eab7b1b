package app

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// fares changes the report to taxis, each an amount and a cost centre, and has it
// approved anew.
func (b *workbench) fares(amountCentre ...string) {
	b.t.Helper()
	var taxis []concurtest.Expense
	for i := 0; i < len(amountCentre); i += 2 {
		e := b.taxi()
		e.Amount, e.Custom = concurtest.Amount(amountCentre[i]), b.centre(amountCentre[i+1])
		taxis = append(taxis, e)
	}
	b.editReport(func(r *concurtest.Report) { r.Expenses = taxis })
	b.knock()
	pass(2 * time.Minute)
}

// books are what stands in Epicor for the report: by GL account, and as "owed"
// what the vendors are owed.
func (b *workbench) books() map[string]string {
	sums := map[string]decimal.Decimal{}
	for _, inv := range b.made() {
		sums["owed"] = sums["owed"].Add(inv.Amount)
		for _, l := range inv.Lines {
			for _, s := range l.Splits {
				sums[s.Account] = sums[s.Account].Add(s.Amount)
			}
		}
	}
	out := map[string]string{}
	for account, sum := range sums {
		if !sum.IsZero() || account == "owed" {
			out[account] = sum.StringFixed(2)
		}
	}
	return out
}

func (b *workbench) numbers() []string {
	var out []string
	for _, inv := range b.made() {
		out = append(out, inv.Number)
	}
	return out
}

// deltas runs a test in a world in which a report of 61.40 on cost centre 200 was
// posted.
func deltas(t *testing.T, run func(*testing.T, *workbench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &workbench{world: newWorld(t)}
		b.t = t
		b.begin()
		defer b.running(b.a)()
		b.id = storage.ID{Tenant: tenantName, Target: DefaultTarget, Document: report(nil)(b)}
		pass(2 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status().State)
		run(t, b)
	})
}

func TestR44ReportRevisedTwiceStandsAsItsLastRevision(t *testing.T) {
	deltas(t, func(t *testing.T, b *workbench) {
		b.fares("61.40", "310")
		s := b.status()
		require.Equal(t, engine.Confirmed, s.State, "%s %+v", s.Why, s.Issues)
		require.Equal(t, map[string]string{"owed": "61.40", "6410|310|00": "61.40"}, b.books())
		b.fares("20.00", "310", "15.00", "200")
		s = b.status()
		require.Equal(t, engine.Confirmed, s.State, "%s %+v", s.Why, s.Issues)
		require.Equal(t, map[string]string{"owed": "35.00", "6410|310|00": "20.00", "6410|200|00": "15.00"}, b.books())
		require.Len(t, s.Beside, 2)
		require.Len(t, b.made(), 3, "%v", b.numbers())
	})
}

func TestR44RevisionThatChangesNothingPostsNothing(t *testing.T) {
	deltas(t, func(t *testing.T, b *workbench) {
		b.fares("41.40", "200", "20.00", "200")
		require.Equal(t, engine.Confirmed, b.status().State)
		require.Len(t, b.made(), 1)
	})
}

func TestR44ReportThatIsRecalledAfterADifferenceLeavesNothing(t *testing.T) {
	deltas(t, func(t *testing.T, b *workbench) {
		b.fares("20.00", "310")
		require.Len(t, b.made(), 2)
		b.recall()
		b.knock()
		pass(2 * time.Minute)
		require.Equal(t, engine.Reversed, b.status().State)
		require.Empty(t, b.made())
	})
}

func TestR44ReportThatComesToNothingLeavesNothingOwed(t *testing.T) {
	deltas(t, func(t *testing.T, b *workbench) {
		b.fares("0.00", "200")
		s := b.status()
		require.Equal(t, engine.Confirmed, s.State, "%s %+v", s.Why, s.Issues)
		require.Equal(t, map[string]string{"owed": "0.00"}, b.books())
		b.fares("12.00", "310")
		s = b.status()
		require.Equal(t, engine.Confirmed, s.State, "%s %+v", s.Why, s.Issues)
		require.Equal(t, map[string]string{"owed": "12.00", "6410|310|00": "12.00"}, b.books())
	})
}

func TestChangedSuppliersInvoiceStandsUntilAPersonCorrectsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &workbench{world: newWorld(t)}
		b.t = t
		b.begin()
		defer b.running(b.a)()
		b.id = storage.ID{Tenant: tenantName, Target: DefaultTarget, Document: invoice(nil)(b)}
		pass(2 * time.Minute)
		before := b.made()
		require.Len(t, before, 1)
		b.editInvoice(func(p *concurtest.PaymentRequest) { p.InvoiceNumber += "-A" })
		b.knock()
		pass(2 * time.Minute)
		require.Equal(t, engine.CodeSecondRevision, b.status().Cause, "%+v", b.status())
		require.Equal(t, before, b.made())
	})
}

// hotelID is the business id in hotelBill.
const hotelID = "4D1E5C0F1A2B3C4D5E6F"

func TestCorrectedFinancialDocumentThatComesUnderItsOldNumberIsPostedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.t = t
		docs := []published{{"hotel", concurtest.FinancialExpense, hotelID, json.RawMessage(hotelBill), nil}}
		financialWorld(t, w, docs)
		queue := func() {
			w.company.AddFinancialDocument(concurtest.FinancialDocument{Kind: docs[0].kind, BusinessID: hotelID, Document: docs[0].content})
		}
		queue()
		cfg := w.config()
		cfg.Tenants[0].Concur.Financial = &concursync.FinancialOptions{}
		w.connector()
		b := &workbench{world: w, deliver: func(*connector.Delivery[document.Posting]) error {
			return &connector.Rejection{Issues: []connector.Issue{{Code: "wrong_in_concur", Owner: connector.ConcurAdmin}}}
		}}
		cfg.around.sink = func(s connector.Sink[document.Posting]) connector.Sink[document.Posting] { return mutatedSink{s, b} }
		a := w.start(cfg, w.store, w.log)
		defer w.running(a)()
		pass(10 * time.Minute)
		id := storage.ID{Tenant: tenantName, Target: DefaultTarget, Document: "report/" + hotelID}
		state := func() engine.State {
			s, err := a.Engine.Get(t.Context(), id)
			require.NoError(t, err)
			return s.State
		}
		require.Equal(t, engine.Parked, state())
		plan, err := a.Engine.Plan(t.Context(), storage.Query{Tenant: tenantName})
		require.NoError(t, err)
		n, err := a.Engine.Return(t.Context(), plan, engine.Act{Actor: "finance", Reason: "wrong in Concur"})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		pass(10 * time.Minute)
		require.Equal(t, engine.Returned, state())
		require.Equal(t, concurtest.FinancialFailed, w.company.FinancialDocuments()[0].Status)

		b.deliver = nil
		queue() // the same revision number, another id
		pass(10 * time.Minute)
		require.Equal(t, engine.Confirmed, state())
		have := w.company.FinancialDocuments()
		require.Equal(t, []string{concurtest.FinancialFailed, concurtest.FinancialPosted}, []string{have[0].Status, have[1].Status})
		require.NotEqual(t, have[0].ID, have[1].ID)
		s, err := a.Engine.Get(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, s.Receipt.Made, 2)
		require.Len(t, w.ours("HOTEL1"), 2, "posted once")
	})
}
