package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// Figures say what is not at rest, in numbers and money, from the totals that the
// sources gave. They are for screens and alarms: a tie-out reads both systems.
type Figures struct {
	At     time.Time     // when they were taken
	States map[State]int // transfers that are not at rest, also those of which no amount is known
	Money  []Money       // by company, currency and state
	Oldest time.Time     // when the oldest that is on its way or failed was first heard of; zero: none
	Late   time.Time     // since when the longest due transfer has been due; zero: none is
}

// Money is what the documents in one state come to in one company and currency.
// Parked and Returned failed; Waiting is not approved; Delivered stands in the
// target and is not final; every other state is on its way.
type Money struct {
	Company, Currency string
	State             State
	Count             int
	Amount            decimal.Decimal
	Oldest            time.Time // when the oldest of them was first heard of
}

// moving are the states in which transfers do not stay.
func moving() []State {
	return []State{Received, Waiting, Pending, Delivering, Delivered, Parked, Returned, Reversing}
}

// Figures counts a tenant's transfers that are not at rest. It reads each of
// their rows, and none of those at rest. A row that cannot be read counts in
// States.
func (e *Engine) Figures(ctx context.Context, tenant string) (Figures, error) {
	f := Figures{At: e.clock(), States: map[State]int{}}
	type key struct {
		company, currency string
		state             State
	}
	money := map[key]*Money{}
	for _, state := range moving() {
		f.States[state] = 0
		for t, err := range storage.All(ctx, e.store, storage.Query{Tenant: tenant, State: string(state)}) {
			if err != nil {
				return Figures{}, ours("list transfers", err)
			}
			f.States[state]++
			if state != Delivered && !t.Due.IsZero() && t.Due.Before(f.At) && (f.Late.IsZero() || t.Due.Before(f.Late)) {
				f.Late = t.Due
			}
			r, err := decode(t)
			if err != nil {
				continue
			}
			if state != Waiting && state != Delivered && !r.Since.IsZero() && (f.Oldest.IsZero() || r.Since.Before(f.Oldest)) {
				f.Oldest = r.Since
			}
			if r.current() == nil {
				continue
			}
			for _, total := range r.current().Totals {
				k := key{total.Company, total.Currency, state}
				m := money[k]
				if m == nil {
					m = &Money{Company: k.company, Currency: k.currency, State: state}
					money[k] = m
				}
				m.Count++
				m.Amount = m.Amount.Add(total.Amount)
				if !r.Since.IsZero() && (m.Oldest.IsZero() || r.Since.Before(m.Oldest)) {
					m.Oldest = r.Since
				}
			}
		}
	}
	for _, m := range money {
		f.Money = append(f.Money, *m)
	}
	slices.SortFunc(f.Money, func(a, b Money) int {
		return cmp.Or(cmp.Compare(a.Company, b.Company), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.State, b.State))
	})
	return f, nil
}

// figuresAge is how old the figures of metrics may be: a collector that asks
// often costs the ledger little.
const figuresAge = 15 * time.Second

func (e *Engine) recentFigures(ctx context.Context, tenant string) (Figures, error) {
	e.figuresMu.Lock()
	defer e.figuresMu.Unlock()
	f, ok := e.figures[tenant]
	if age := e.clock().Sub(f.At); ok && age >= 0 && age < figuresAge {
		return f, nil
	}
	f, err := e.Figures(ctx, tenant)
	if err != nil {
		return f, err
	}
	if e.figures == nil {
		e.figures = map[string]Figures{}
	}
	e.figures[tenant] = f
	return f, nil
}

// tenantNames returns the tenants that have flows.
func (e *Engine) tenantNames() []string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	names := make([]string, 0, len(e.flows))
	for name := range e.flows {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
