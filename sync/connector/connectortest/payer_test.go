package connectortest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// till is the toys' target that pays.
type till struct {
	mu     sync.Mutex
	paid   []connector.Payment
	broken bool
}

func (l *till) pay(key, kind string) {
	n := len(l.paid) + 1
	l.paid = append(l.paid, connector.Payment{
		ID: fmt.Sprint("P", n), Key: key, Kind: kind, Date: time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC),
		Amount: connector.Total{Company: "C", Currency: "USD", Amount: decimal.New(int64(100*n), -2)},
	})
}

// cashier is a payer that keeps the contract, unless one of its faults is set. The
// cursor is how many payments were told.
type cashier struct {
	l      *till
	faults map[string]bool
	mu     sync.Mutex
	told   int
}

func (p *cashier) Payments(ctx context.Context, after connector.Cursor) (ps []connector.Payment, next connector.Cursor, more bool, err error) {
	if err := ctx.Err(); err != nil && !p.faults["deaf to its context"] {
		return nil, after, false, err
	}
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	if p.l.broken {
		switch {
		case p.faults["an empty page instead of an error"]:
			return nil, after, false, nil
		case p.faults["claims refusals"]:
			return nil, after, false, &connector.Rejection{Err: errFault}
		}
		return nil, after, false, errFault
	}
	from, err := strconv.Atoi("0" + string(after))
	if err != nil {
		return nil, after, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.faults["goes on from memory"] {
		from = max(from, p.told)
	}
	if p.faults["a cursor of its own"] && p.told == 0 {
		from = len(p.l.paid) * min(from, 1)
	}
	to := min(from+2, len(p.l.paid))
	for i, at := range p.l.paid[min(from, to):to] {
		switch {
		case p.faults["no currency"]:
			at.Amount.Currency = ""
		case p.faults["IDs of the page"]:
			at.ID = fmt.Sprint(p.told, i)
		case p.faults["one ID for all"]:
			at.ID = "P"
		case p.faults["void under the ID of the payment"] && at.Kind == "void":
			at.ID = p.l.paid[0].ID
		case p.faults["void like a payment"]:
			at.Kind = "payment"
		case p.faults["what is new has the ID of what was"]:
			at.ID = fmt.Sprint("P", min(from+i+1, 3))
		}
		ps = append(ps, at)
	}
	p.told = to
	more = to < len(p.l.paid)
	switch {
	case p.faults["one page only"]:
		more = false
	case p.faults["always more"]:
		more = true
	}
	return ps, connector.Cursor(strconv.Itoa(to)), more, nil
}

func cashiers(faults ...string) PayerHarness {
	make1 := func(l *till) connector.Payer {
		p := &cashier{l: l, faults: map[string]bool{}}
		for _, f := range faults {
			p.faults[f] = true
		}
		return p
	}
	at := func(target any) *till { l, _ := target.(*till); return l }
	return PayerHarness{
		Open: func(*testing.T) (connector.Payer, any) {
			l := &till{}
			for _, key := range []string{"A", "B", "A", "other", "C"} {
				l.pay(key, "payment")
			}
			return make1(l), l
		},
		Paid: func(_ *testing.T, target any) (out []string) {
			for _, p := range at(target).paid {
				if p.Key == "other" {
					p.Key = ""
				}
				out = append(out, p.Key)
			}
			return out
		},
		Pay:      func(_ *testing.T, target any) string { at(target).pay("B", "payment"); return "B" },
		TakeBack: func(_ *testing.T, target any) string { at(target).pay("A", "void"); return "A" },
		Again:    func(_ *testing.T, target any) connector.Payer { return make1(at(target)) },
		Break:    func(_ *testing.T, target any, broken bool) { at(target).broken = broken },
	}
}

func TestPayerThatKeepsTheContractPasses(t *testing.T) { RunPayer(t, cashiers()) }

func TestHarnessOfThreeFunctionsIsEnoughForAPayer(t *testing.T) {
	h := cashiers()
	RunPayer(t, PayerHarness{Open: h.Open, Paid: h.Paid, Pay: h.Pay})
}

func payerFaults(t *testing.T, h PayerHarness) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range payerRules() {
		fault := faultOf(t, func(ctx context.Context, t *testing.T, rep reporter) {
			payer, target := h.Open(t)
			r.run(ctx, &payerCheck{check: check{t: rep, text: r.text}, h: h, tt: t, payer: payer, target: target})
		})
		if fault != "" {
			found[r.name] = fault
		}
	}
	return found
}

// brokenCashiers are examples of payers that break a rule.
var brokenCashiers = map[string]string{
	"no currency":                        "a payment is whole",
	"one page only":                      "every payment is read and the reading ends",
	"always more":                        "every payment is read and the reading ends",
	"one ID for all":                     "every payment is read and the reading ends",
	"IDs of the page":                    "an ID stays",
	"goes on from memory":                "a page may come twice",
	"what is new has the ID of what was": "a new payment is found from the last cursor",
	"a cursor of its own":                "another process reads on",
	"void under the ID of the payment":   "what is taken back is told",
	"void like a payment":                "what is taken back is told",
	"an empty page instead of an error":  "a look that fails says so",
	"claims refusals":                    "a look that fails says so",
	"deaf to its context":                "a context that ended is an error",
}

func TestBrokenPayersAreCaughtAndEveryRuleCatchesOne(t *testing.T) {
	require.Empty(t, payerFaults(t, cashiers()))
	caught := map[string]bool{}
	for fault, rule := range brokenCashiers {
		t.Run(fault, func(t *testing.T) {
			found := payerFaults(t, cashiers(fault))
			require.Contains(t, found, rule)
			require.Contains(t, found[rule], "the rule: ")
			caught[rule] = true
		})
	}
	for _, r := range payerRules() {
		require.True(t, caught[r.name], "no broken payer is caught by %q", r.name)
		require.True(t, strings.HasSuffix(r.text, "."), r.name)
	}
}
