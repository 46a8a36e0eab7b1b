package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// crowded counts how many calls of its target are under way at once.
type crowded struct {
	*toyERP
	mu        sync.Mutex
	now, most int
	began     []time.Time
}

func (c *crowded) Deliver(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.began = append(c.began, time.Now())
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.now--
		c.mu.Unlock()
	}()
	return c.toyERP.Deliver(ctx, d)
}

// addTenant adds a flow of another tenant.
func (b *bench) addTenant(e *engine.Engine, name string, source *toySource, sink connector.Sink[bills]) {
	b.t.Helper()
	require.NoError(b.t, engine.Add(e, engine.Flow[claim, bills]{
		Tenant: name, Name: "claims", Target: "erp", Source: source, Mapper: b.mapper, Sink: sink, Policy: &b.policy,
	}))
}

func notifyAll(t *testing.T, e *engine.Engine, tenant string, source *toySource, n int) {
	t.Helper()
	for i := range n {
		doc := fmt.Sprint("D", i)
		source.put(doc, 1, connector.Ready, map[string]int64{"emp": 5})
		require.NoError(t, e.Notify(t.Context(), connector.Notice{Tenant: tenant, Ref: connector.Ref{Kind: "claim", ID: doc}}))
	}
}

// confirmed counts a tenant's documents that are at their end.
func confirmed(t *testing.T, e *engine.Engine, tenant string) int {
	t.Helper()
	n := 0
	for s, err := range e.List(t.Context(), storage.Query{Tenant: tenant}) {
		require.NoError(t, err)
		if s.State == engine.Confirmed {
			n++
		}
	}
	return n
}

func TestTenantIsWorkedOnWithinItsConcurrency(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.opts.Limits = func(string) engine.Limits { return engine.Limits{Concurrency: 2} }
		erp, source := &crowded{toyERP: newToyERP()}, newToySource()
		erp.slow = 10 * time.Second
		e := b.engine()
		b.addTenant(e, "busy", source, erp)
		notifyAll(t, e, "busy", source, 20)
		b.start(e)
		pass(5 * time.Minute)
		require.Equal(t, 2, erp.most)
		require.Equal(t, 20, confirmed(t, e, "busy"), "a place that becomes free is taken at once")
	})
}

func TestTenantIsWorkedOnWithinItsRate(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.opts.Limits = func(string) engine.Limits { return engine.Limits{Interval: time.Second, Burst: 3} }
		erp, source := &crowded{toyERP: newToyERP()}, newToySource()
		e := b.engine()
		b.addTenant(e, "busy", source, erp)
		notifyAll(t, e, "busy", source, 30)
		began := time.Now()
		b.start(e)
		pass(2 * time.Minute)
		require.Equal(t, 30, confirmed(t, e, "busy"))
		require.Len(t, erp.began, 30)
		for i, at := range erp.began {
			require.GreaterOrEqual(t, at.Sub(began), time.Duration(i-2)*time.Second, "delivery %d", i)
		}
		require.Less(t, erp.began[29].Sub(began), 40*time.Second, "and no slower than asked")
	})
}

func TestSlowTenantLeavesWorkersToTheOthers(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		slow, source := newToyERP(), newToySource()
		slow.slow = time.Hour
		e := b.engine()
		b.addTenant(e, "slow", source, slow)
		notifyAll(t, e, "slow", source, 50)
		b.start(e)
		pass(time.Minute)
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(e, "R1")
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestDrainReturnsWhenWhatWasBegunIsFinished(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.slow = 5 * time.Minute
		b.opts.Workers = 1
		b.source.put("R1", 1, connector.Ready, ten)
		b.source.put("R2", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		b.notify(e, "R2")
		held := b.status("R1").Held
		require.True(t, held.After(time.Now()), "the status shows the lease")
		began := time.Now()
		other := b.engine() // a process that does not work on it waits as well
		require.NoError(t, other.Drain(t.Context(), tenant, "claims", engine.Act{Actor: "ann"}))
		require.Greater(t, time.Since(began), 3*time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Zero(t, b.status("R1").Held)
		require.Equal(t, engine.Received, b.status("R2").State)
		require.NoError(t, e.Resume(t.Context(), tenant, "claims", engine.Act{Actor: "ann"}))
		pass(10 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R2").State)
	})
}

func TestDrainEndsWithItsContextAndLeavesTheFlowPaused(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.slow = time.Hour
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, e.Drain(ctx, tenant, "claims", engine.Act{Actor: "ann"}), context.DeadlineExceeded)
		b.source.put("R2", 1, connector.Ready, ten)
		b.notify(e, "R2")
		pass(time.Minute)
		require.Equal(t, engine.Received, b.status("R2").State)
	})
}
