package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// board is the toys' system that is told things.
type board struct {
	mu       sync.Mutex
	told     []connector.Signal
	recalled bool
	broken   bool
	lose     bool
}

func (b *board) knows(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.told, func(s connector.Signal) bool { return s.ID == id })
}

// teller is an acknowledger that keeps the contract, unless one of its faults is
// set.
type teller struct {
	b      *board
	lock   *sync.Mutex // of the system
	faults map[string]bool
	mine   map[string]bool
	mu     sync.Mutex
}

func (a *teller) Acknowledge(ctx context.Context, s connector.Signal) error {
	if err := ctx.Err(); err != nil && !a.faults["deaf to its context"] {
		return err
	}
	if !a.faults["no order between processes"] {
		a.lock.Lock()
		defer a.lock.Unlock()
	}
	if a.faults["tells nobody"] {
		return nil
	}
	known := a.b.knows(s.ID)
	if a.faults["knows from memory"] {
		a.mu.Lock()
		known = a.mine[s.ID]
		a.mine[s.ID] = true
		a.mu.Unlock()
	}
	switch {
	case known && a.faults["a repeat is a refusal"]:
		return &connector.Rejection{Err: errors.New("already told")}
	case known && a.faults["a repeat is late"] && s.Kind == connector.Taken && len(a.b.told) > 1:
		a.b.mu.Lock()
		defer a.b.mu.Unlock()
		a.b.told = a.b.told[:1]
		return nil
	case known && !a.faults["tells each time"]:
		return nil
	}
	if a.faults["no order between processes"] {
		<-time.After(2 * time.Millisecond) // between looking and telling
	}
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	switch {
	case a.b.broken && a.faults["claims refusals"]:
		return &connector.Rejection{Err: errFault}
	case a.b.broken && a.faults["swallows errors"]:
		return nil
	case a.b.broken:
		return errFault
	case a.b.recalled && !a.faults["blind to recalls"]:
		return fmt.Errorf("paper: %w", connector.ErrWithdrawn)
	}
	if a.faults["failed is posted"] && s.Kind == connector.Failed {
		s.Kind = connector.Posted
	}
	if a.faults["a lost answer is told again"] && a.b.lose {
		s.ID += "?"
	}
	a.b.told = append(a.b.told, s)
	if a.b.lose {
		a.b.lose = false
		return errFault
	}
	return nil
}

type desktop struct {
	b    *board
	lock *sync.Mutex
}

func tellers(faults ...string) AcknowledgerHarness {
	make1 := func(d desktop) connector.Acknowledger {
		a := &teller{b: d.b, lock: d.lock, faults: map[string]bool{}, mine: map[string]bool{}}
		for _, f := range faults {
			a.faults[f] = true
		}
		return a
	}
	at := func(system any) *board { d, _ := system.(desktop); return d.b }
	change := func(system any, f func(b *board)) {
		b := at(system)
		b.mu.Lock()
		defer b.mu.Unlock()
		f(b)
	}
	return AcknowledgerHarness{
		Open: func(*testing.T) (connector.Acknowledger, any) {
			d := desktop{&board{}, &sync.Mutex{}}
			return make1(d), d
		},
		Signal: func(_ *testing.T, _ any, kind connector.SignalKind, n int) connector.Signal {
			return connector.Signal{ID: fmt.Sprint(kind, n), Kind: kind, Ref: connector.Ref{Kind: "paper", ID: "P1"}, Revision: 1}
		},
		Told: func(_ *testing.T, system any) (out []string) {
			change(system, func(b *board) {
				for _, s := range b.told {
					out = append(out, string(s.Kind))
				}
			})
			return out
		},
		Payments: 2,
		Again: func(_ *testing.T, system any) connector.Acknowledger {
			d, _ := system.(desktop)
			return make1(d)
		},
		Recall: func(_ *testing.T, system any) { change(system, func(b *board) { b.recalled = true }) },
		Break: func(_ *testing.T, system any, broken bool) {
			change(system, func(b *board) { b.broken = broken })
		},
		Lose: func(_ *testing.T, system any) { change(system, func(b *board) { b.lose = true }) },
	}
}

func TestAcknowledgerThatKeepsTheContractPasses(t *testing.T) { RunAcknowledger(t, tellers()) }

func TestHarnessOfThreeFunctionsIsEnoughForAnAcknowledger(t *testing.T) {
	h := tellers()
	RunAcknowledger(t, AcknowledgerHarness{Open: h.Open, Signal: h.Signal, Told: h.Told})
}

func acknowledgerFaults(t *testing.T, h AcknowledgerHarness) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range acknowledgerRules() {
		fault := faultOf(t, func(ctx context.Context, t *testing.T, rep reporter) {
			source, system := h.Open(t)
			r.run(ctx, &acknowledgerCheck{check: check{t: rep, text: r.text}, h: h, tt: t, source: source, system: system})
		})
		if fault != "" {
			found[r.name] = fault
		}
	}
	return found
}

// brokenTellers are examples of acknowledgers that break a rule.
var brokenTellers = map[string]string{
	"tells nobody":                "what is told is held",
	"failed is posted":            "posted and failed differ",
	"a repeat is a refusal":       "a repeat returns nil",
	"tells each time":             "a repeat returns nil",
	"knows from memory":           "a repeat of another process returns nil",
	"a repeat is late":            "a late repeat undoes nothing",
	"no order between processes":  "repeats at once tell once",
	"a lost answer is told again": "a lost answer is no second telling",
	"claims refusals":             "a system that fails is no refusal",
	"swallows errors":             "a system that fails is no refusal",
	"blind to recalls":            "a recalled document is ErrWithdrawn",
	"deaf to its context":         "a context that ended is an error",
}

func TestBrokenAcknowledgersAreCaughtAndEveryRuleCatchesOne(t *testing.T) {
	require.Empty(t, acknowledgerFaults(t, tellers()))
	caught := map[string]bool{}
	for fault, rule := range brokenTellers {
		t.Run(fault, func(t *testing.T) {
			found := acknowledgerFaults(t, tellers(fault))
			require.Contains(t, found, rule)
			require.Contains(t, found[rule], "the rule: ")
			caught[rule] = true
		})
	}
	for _, r := range acknowledgerRules() {
		require.True(t, caught[r.name], "no broken acknowledger is caught by %q", r.name)
		require.True(t, strings.HasSuffix(r.text, "."), r.name)
	}
}
