package engine_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// till is what a target tells of payments: two on a page, the cursor is how many
// were told.
type till struct {
	mu    sync.Mutex
	paid  []connector.Payment
	asked int
	err   error
}

func (p *till) pay(id, doc, kind string, cents int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paid = append(p.paid, connector.Payment{
		ID: id, Key: keyOf(doc, 1, 1), Kind: kind, Date: time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC),
		Amount: connector.Total{Company: "C", Currency: "USD", Amount: decimal.New(cents, -2)},
	})
}

// set pays what bears a key.
func (p *till) set(id, key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paid = append(p.paid, connector.Payment{ID: id, Key: key, Kind: "partial", Amount: connector.Total{Company: "C", Currency: "USD", Amount: decimal.New(1, 0)}})
}

type paying struct {
	*toyERP
	till *till
	w    *tripwire
}

type paidPage struct {
	ps   []connector.Payment
	next connector.Cursor
	more bool
}

func (p paying) Payments(ctx context.Context, after connector.Cursor) ([]connector.Payment, connector.Cursor, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, after, false, err
	}
	page, err := around(p.w, "Payments", func() (paidPage, error) {
		p.till.mu.Lock()
		defer p.till.mu.Unlock()
		p.till.asked++
		if p.till.err != nil {
			return paidPage{}, p.till.err
		}
		from, err := strconv.Atoi("0" + string(after))
		if err != nil {
			return paidPage{}, err
		}
		to := min(from+2, len(p.till.paid))
		return paidPage{slices.Clone(p.till.paid[from:to]), connector.Cursor(strconv.Itoa(to)), to < len(p.till.paid)}, nil
	})
	return page.ps, page.next, page.more, err
}

// payable is a bench with R1 posted whose target tells of payments.
func (b *bench) payable() *engine.Engine {
	b.t.Helper()
	b.tell, b.payer = true, &till{}
	return b.posted(ten)
}

// payments are what the source was told of payments, with their signal IDs.
func (s *toySource) payments() (told, ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.acks {
		if a.Kind == connector.Paid {
			told = append(told, a.Payment.ID+" "+a.Payment.Kind+" "+a.Payment.Amount.Amount.StringFixed(2))
			ids = append(ids, a.ID)
		}
	}
	return told, ids
}

func TestPaymentIsToldToTheSourceOnceWithRevisionAndReceipt(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.payable()
		b.payer.pay("P1", "R1", "complete", 10000)
		pass(3 * time.Hour)
		require.Equal(t, []string{"taken 1", "posted 1", "paid 1"}, b.source.signals())
		sig := b.source.acks[2]
		require.Equal(t, "P1", sig.Payment.ID)
		require.Len(t, sig.Receipt.Made, 1)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Len(t, s.Payments, 1)
		require.Greater(t, b.payer.asked, 10, "asked every 15 minutes")
	})
}

func TestPaymentsInPartsAndTheReturnOfOneAreToldEach(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.payable()
		b.payer.pay("P1", "R1", "partial", 1000)
		b.payer.pay("P2", "R1", "complete", 1100)
		b.payer.pay("P2/void", "R1", "returned", 1100)
		pass(time.Hour)
		told, ids := b.source.payments()
		require.Equal(t, []string{"P1 partial 10.00", "P2 complete 11.00", "P2/void returned 11.00"}, told)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), 3, "each under an ID of its own")
	})
}

func TestPaymentThatTheTargetShowsAgainIsToldOnce(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.payable()
		b.payer.pay("P1", "R1", "complete", 10000)
		pass(time.Hour)
		b.payer.pay("P1", "R1", "complete", 10000)
		pass(time.Hour)
		told, _ := b.source.payments()
		require.Len(t, told, 1)
	})
}

func TestPaymentOfWhatIsNotOursStopsNoOther(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.payable()
		b.payer.pay("P0", "nobody's", "complete", 1)
		b.payer.pay("P1", "R1", "complete", 10000)
		pass(time.Hour)
		told, _ := b.source.payments()
		require.Equal(t, []string{"P1 complete 100.00"}, told)
	})
}

func TestPaymentOfAnUnchangedLaterRevisionNamesTheLaterOne(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.payable()
		b.change(e, 2, connector.Ready, ten)
		b.payer.pay("P1", "R1", "complete", 10000) // bears the key of revision 1
		pass(time.Hour)
		require.Equal(t, "paid 2", b.source.signals()[len(b.source.signals())-1])
	})
}

func TestPaymentsAreNotAskedForWhereNobodyWantsToBeTold(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.payer = &till{}
		b.posted(ten)
		pass(time.Hour)
		require.Zero(t, b.payer.asked)
	})
}

func TestPaymentsThatCannotBeReadAreAskedForAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.payable()
		b.payer.pay("P1", "R1", "complete", 10000)
		b.payer.mu.Lock()
		b.payer.err = errDown
		b.payer.mu.Unlock()
		pass(time.Hour)
		b.payer.mu.Lock()
		b.payer.err = nil
		b.payer.mu.Unlock()
		pass(time.Hour)
		told, _ := b.source.payments()
		require.Len(t, told, 1)
	})
}

func TestPaymentThatCannotBeToldIsParkedAndToldAfterAReplay(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.MaxTries, b.policy.CircuitFailures = 3, 100
		fault := errors.New("busy")
		b.source.ackErr = func(s connector.Signal) error {
			if s.Kind == connector.Paid {
				return fault
			}
			return nil
		}
		e := b.payable()
		b.payer.pay("P1", "R1", "complete", 10000)
		pass(2 * time.Hour)
		require.Equal(t, engine.Parked, b.status("R1").State)
		b.source.set(func() { fault = nil })
		b.replay(e, storage.Query{})
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Equal(t, []string{"taken 1", "posted 1", "paid 1"}, b.source.signals())
	})
}

func TestPaymentOfANewerVersionsRowIsLeftToIt(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.payable()
		row, err := b.store.Get(t.Context(), id("R1"))
		require.NoError(t, err)
		format := row.Format
		row.Format = 99
		row, err = b.store.Update(t.Context(), row)
		require.NoError(t, err)
		b.payer.pay("P1", "R1", "complete", 10000)
		require.Error(t, e.Payments(t.Context(), tenant, "claims"))
		row, err = b.store.Get(t.Context(), id("R1"))
		require.NoError(t, err)
		require.Equal(t, 99, row.Format)
		row.Format = format
		_, err = b.store.Update(t.Context(), row)
		require.NoError(t, err)
		pass(time.Hour)
		told, _ := b.source.payments()
		require.Len(t, told, 1, "the position was not saved behind it")
	})
}

func TestKilledAtAnyPointOfAPaymentTellsEachPaymentUnderOneID(t *testing.T) {
	story{
		prepare: func(b *bench) { b.tell, b.payer, b.policy.Payments = true, &till{}, 5*time.Minute },
		before:  func(b *bench, e *engine.Engine) { ready(b); b.notify(e, "R1"); b.run(e, time.Minute) },
		act: func(b *bench) {
			for i := range 3 {
				b.payer.pay("P"+strconv.Itoa(i), "R1", "partial", int64(100+i))
			}
		},
		check: func(b *bench, where string) {
			oneSet(b, where)
			told, ids := b.source.payments()
			slices.Sort(told)
			require.Equal(b.t, []string{"P0 partial 1.00", "P1 partial 1.01", "P2 partial 1.02"}, slices.Compact(told), where)
			slices.Sort(ids)
			require.Len(b.t, slices.Compact(ids), 3, where)
			require.Len(b.t, b.status("R1").Payments, 3, where)
		},
	}.tell(t, "before Payments", "after Payments", "before audit pay seen", "after Acknowledge paid", "after Save")
}
