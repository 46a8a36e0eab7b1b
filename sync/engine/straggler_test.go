package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// hesitant is a sink whose first delivery is paused right before its write.
type hesitant struct {
	*toyERP
	pause  func(ctx context.Context) error // nil: none
	refuse *bool
}

func (s hesitant) Deliver(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	if s.pause != nil {
		if err := s.pause(ctx); err != nil {
			return connector.Receipt{}, err
		}
	}
	if *s.refuse {
		return connector.Receipt{}, &connector.Rejection{Issues: []connector.Issue{{Code: "period_closed"}}}
	}
	return s.toyERP.Deliver(ctx, d)
}

// hesitantLog is an audit log that pauses once the attempt is written.
type hesitantLog struct {
	audit.Log
	pause func()
}

func (l *hesitantLog) Append(ctx context.Context, rs []audit.Record) error {
	err := l.Log.Append(ctx, rs)
	if rs[0].Action == "deliver" && rs[0].Outcome == "attempt" {
		l.pause()
	}
	return err
}

// straggler plays a process that pauses in the middle of a delivery while another
// one takes over, is refused, takes back and parks. The first one wakes before the
// replay or after it; the numbers of two generations differ, so that the target
// would take both.
func straggler(t *testing.T, log func(b *bench, pause func()) audit.Log, within func(pause func()) func(ctx context.Context) error, early bool) {
	in(t, func(t *testing.T, b *bench) {
		store := &stalled{Store: b.store, linger: time.Second}
		paused, first := make(chan struct{}), true
		var resume func()
		pause := func() {
			if first {
				first = false
				resume = store.stop()
				<-paused
			}
		}
		refuse := false
		e, err := engine.New(store, audit.NewTrail(log(b, pause), nil), &b.opts)
		require.NoError(t, err)
		add := func(e *engine.Engine, s hesitant) {
			require.NoError(t, engine.Add(e, engine.Flow[claim, bills]{
				Tenant: tenant, Name: "claims", Target: "erp", Source: b.source, Mapper: b.mapper, Sink: s, Policy: &b.policy,
			}))
		}
		add(e, hesitant{toyERP: b.erp, pause: within(pause), refuse: &refuse})
		b.source.put("R1", 1, connector.Ready, map[string]int64{"a": 1000})
		b.notify(e, "R1")
		b.start(e)
		pass(time.Second)
		require.False(t, first, "nothing was paused")
		refuse = true
		other := b.engineOn(b.store)
		add(other, hesitant{toyERP: b.erp, refuse: &refuse})
		b.start(other)
		pass(10 * time.Minute)
		require.Equal(t, engine.Parked, b.status("R1").State)
		refuse = false
		wake := func() {
			close(paused)
			resume()
			pass(10 * time.Minute)
		}
		if early {
			wake()
		}
		require.Equal(t, 1, b.replay(other, storage.Query{}))
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		if !early {
			wake()
		}
		require.Len(t, b.erp.all(), 1, "the document stands twice")
		require.Equal(t, "R1-2", b.erp.all()[0].Number)
	})
}

func plainLog(b *bench, _ func()) audit.Log { return b.log }

func unpaused(func()) func(context.Context) error { return nil }

func TestProcessThatPausedBeforeASinkWasCalledSendsNothingOnceItsLeaseIsOver(t *testing.T) {
	straggler(t, func(b *bench, pause func()) audit.Log { return &hesitantLog{b.log, pause} }, unpaused, false)
}

func TestSinkThatAsksBeforeItsWriteSendsNothingOnceTheLeaseIsOver(t *testing.T) {
	straggler(t, plainLog, func(pause func()) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			pause()
			return audit.Held(ctx)
		}
	}, false)
}

func TestWhatALatecomerMadeOfAnEarlierGenerationIsTakenBackBeforeTheNextIsSent(t *testing.T) {
	straggler(t, plainLog, func(pause func()) func(ctx context.Context) error {
		return func(context.Context) error {
			pause()
			return nil // its request was on its way already
		}
	}, true)
}

// greedy is a runner that asks for the same transfer as often as it is told to.
type greedy struct{ got chan engine.Worker }

func (r greedy) Run(ctx context.Context, w engine.Worker) error {
	r.got <- w
	<-ctx.Done()
	return nil
}

func TestWhateverTheRunnerAsksForATransferIsInOneDeliveryOfAProcess(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		store := &failing{Store: b.store}
		runner := greedy{make(chan engine.Worker, 1)}
		b.opts.Runner = runner
		release, first := make(chan struct{}), true
		b.erp.pause = func(_ context.Context, op string, _ int) { // an end that does not heed its context
			if op == "deliver" && first {
				first = false
				<-release
			}
		}
		e := b.engineOn(store)
		b.add(e)
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(e, "R1")
		b.start(e)
		w := <-runner.got
		ended := make(chan error, 1)
		go func() { ended <- w.Work(t.Context(), id("R1")) }()
		pass(time.Second)
		store.set(true) // the lease cannot be extended
		pass(5 * time.Minute)
		store.set(false)
		require.NoError(t, w.Work(t.Context(), id("R1")))
		require.Equal(t, 1, b.erp.most)
		close(release)
		require.NoError(t, <-ended)
	})
}

// seized is a store in which something happens right after a row was created.
type seized struct {
	storage.Store
	then func()
}

func (s *seized) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	t, err := s.Store.Create(ctx, t)
	if f := s.then; f != nil {
		s.then = nil
		f()
	}
	return t, err
}

func TestWhatASweepBringsOfADocumentIsNotTakenInForTheFlowThatHasItNow(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		store := &seized{Store: b.store}
		e := b.engineOn(store)
		a, other := newToySource(), newToySource()
		a.listed, a.carry = true, true
		a.put("R1", 1, connector.Ready, map[string]int64{"a": 1000})
		other.put("R1", 1, connector.NotYet, map[string]int64{"b": 1000})
		add := func(name string, s connector.Source[claim], sweep time.Duration) {
			require.NoError(t, engine.Add(e, engine.Flow[claim, bills]{
				Tenant: tenant, Name: name, Target: "erp", Source: s, Mapper: toyMapper{prefix: name + "-"}, Sink: b.erp, Policy: &engine.Policy{Sweep: sweep},
			}))
		}
		add("swept", trippedSource{a, nil}, 10*time.Minute)
		add("told", trippedSource{other, nil}, -1)
		store.then = func() {
			require.NoError(t, e.Notify(t.Context(), connector.Notice{Tenant: tenant, Flow: "told", Ref: connector.Ref{Kind: "claim", ID: "R1"}}))
		}
		b.start(e)
		pass(2 * time.Hour)
		for _, d := range b.erp.all() {
			require.Equal(t, "swept-a", d.Party, "one flow's content was mapped by the other's rules")
		}
		require.Len(t, b.erp.all(), 1)
	})
}

// engineOn is an engine over a store that behaves in its own way.
func (b *bench) engineOn(store storage.Store) *engine.Engine {
	e, err := engine.New(store, b.trail(), &b.opts)
	require.NoError(b.t, err)
	return e
}
