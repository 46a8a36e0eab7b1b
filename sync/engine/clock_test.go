package engine_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// clock is a process's clock that somebody sets.
type clock struct {
	mu    sync.Mutex
	shift time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.shift)
}

func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift += d
}

// jumps are an hour each way.
func jumps(t *testing.T, f func(t *testing.T, b *bench, jump func(), late time.Duration)) {
	t.Helper()
	for name, d := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				c := &clock{}
				b.opts.Now = c.now
				f(t, b, func() { c.jump(d) }, max(0, -d))
			})
		})
	}
}

func TestClockThatJumpsAnHourInTheMiddleOfADeliveryDoublesNothing(t *testing.T) {
	jumps(t, func(t *testing.T, b *bench, jump func(), _ time.Duration) {
		b.source.put("R1", 1, connector.Ready, three)
		b.mapper.prefix = "a-"
		once := sync.OnceFunc(jump)
		b.erp.pause = func(context.Context, string, int) { once() }
		b.erp.slow = 5 * time.Minute // longer than a lease
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		b.start(b.engine())
		pass(2 * time.Hour)
		oneSet(b, "after the jump")
	})
}

func TestClockThatJumpsAnHourWhileThingsWaitLosesNothing(t *testing.T) {
	jumps(t, func(t *testing.T, b *bench, jump func(), late time.Duration) {
		b.tell = true
		b.policy.Sweep = 10 * time.Minute
		b.source.listed = true
		b.policy.MaxTries = 1000
		b.erp.final = false
		e := b.engine()
		b.source.put("R1", 1, connector.Ready, ten) // saved, polled until it is final
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Equal(t, engine.Delivered, b.status("R1").State)
		b.erp.set(func() { b.erp.fail = func(string) error { return errDown } })
		b.source.put("R2", 1, connector.Ready, ten) // is tried again and again
		b.notify(e, "R2")
		pass(time.Minute)
		jump()
		b.erp.set(func() { b.erp.fail, b.erp.final = nil, true })
		b.source.put("R3", 1, connector.Ready, ten) // its event never comes
		pass(30 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R3").State, "what is new goes on at once")
		pass(late + 30*time.Minute)
		for _, doc := range []string{"R1", "R2", "R3"} {
			require.Equal(t, engine.Confirmed, b.status(doc).State, doc)
		}
		require.Len(t, b.erp.all(), 3)
		ids := map[string]bool{}
		for _, a := range b.source.acks {
			ids[a.ID] = true
		}
		require.Len(t, ids, 6, "each was told twice, taken and posted, at least once")
	})
}

func TestClockThatJumpsAnHourTellsAPaymentOnce(t *testing.T) {
	jumps(t, func(t *testing.T, b *bench, jump func(), late time.Duration) {
		e := b.payable()
		b.payer.pay("P1", "R1", "complete", 10000)
		jump()
		pass(late + 2*time.Hour)
		jump()
		require.NoError(t, e.Payments(t.Context(), tenant, "claims"))
		pass(late + 2*time.Hour)
		told, _ := b.source.payments()
		require.Len(t, told, 1)
	})
}
