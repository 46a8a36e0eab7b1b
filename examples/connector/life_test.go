package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// shown is the page of a transfer.
func shown(s engine.Status) string {
	s.ID = storage.ID{Tenant: "acme", Target: "epicor-ap", Document: "report/R1"}
	var out bytes.Buffer
	page := screen.New(&out, func(string) string { return "" })
	(&life{screen: page, transfer: &app.Transfer{Status: s, Label: app.Label{Kind: "report", Number: "R1"}}}).show()
	return out.String()
}

func usd(amount string) connector.Total {
	return connector.Total{Currency: "USD", Amount: decimal.RequireFromString(amount)}
}

func TestTheLifeShowsWhatStandsBesideADelta(t *testing.T) {
	receipt := func(number, amount string) connector.Receipt {
		return connector.Receipt{Made: []connector.Made{{Number: number, Party: "E1042", Totals: []connector.Total{usd(amount)}}}}
	}
	delta := receipt("CX-R1-2-E", "50.00")
	text := shown(engine.Status{State: engine.Confirmed, Word: engine.WordPosted, Receipt: &delta, Beside: []connector.Receipt{receipt("CX-R1-1-E", "450.00")}})
	require.Contains(t, text, "Beside it stands: AP invoice CX-R1-1-E, vendor E1042, USD 450.00, of an earlier revision")
}

func TestTheLifeShowsWhatWasPaid(t *testing.T) {
	text := shown(engine.Status{State: engine.Confirmed, Word: engine.WordPosted, Payments: []connector.Payment{
		{Kind: "check", Amount: usd("450.00"), Date: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)},
	}})
	require.Contains(t, text, "Paid: USD 450.00 on 2026-11-20, check")
}

func TestTheLifeShowsUntilWhenItIsHeld(t *testing.T) {
	until := time.Now().Add(time.Minute)
	require.Contains(t, shown(engine.Status{State: engine.Pending, Held: until}), "holds it until "+until.UTC().Format(time.TimeOnly))
	require.NotContains(t, shown(engine.Status{State: engine.Pending, Held: time.Now().Add(-time.Minute)}), "holds it")
}

func TestTheLifeShowsWhoGaveItBackAndWhetherConcurKnows(t *testing.T) {
	s := engine.Status{State: engine.Returned, Word: engine.WordOpen, History: []engine.Moment{{What: "returned", Text: "typo", Actor: "ann"}, {What: "noticed"}}}
	text := shown(s)
	require.Contains(t, text, "state: open (returned)")
	require.Contains(t, text, "Given back to Concur: typo, by ann")
	require.Contains(t, text, "Concur was told that it failed")
	s.Due = time.Now()
	require.Contains(t, shown(s), "Concur has not been told yet")
}
