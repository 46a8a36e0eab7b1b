package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Options change how an Engine behaves. The zero value of each field is good.
type Options struct {
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Logger gets what an operator should know; never documents, secrets or
	// personal data. Nil: nothing is logged.
	Logger *slog.Logger
	// Runner decides when and where work is done. Nil: in this process.
	Runner Runner
	// Workers is how many transfers the default runner works on at once: 8.
	Workers int
	// Poll is how often the default runner asks the store for work that nobody
	// announced, such as another process's: 1 s.
	Poll time.Duration
	// Drain is how long a stopping engine lets running work finish: 20 s. After
	// that the contexts of the ends are cancelled; Run returns when they have come back.
	Drain time.Duration
	// Sealer encrypts contents at rest. Nil: they are stored as they are.
	Sealer Sealer
	// Limits returns what one tenant may take of this process; it is asked once for
	// each. Nil: the defaults of Limits.
	Limits func(tenant string) Limits
	// Observer is told what happens.
	Observer Observer
	// TracerProvider and MeterProvider take OpenTelemetry's spans and metrics; no
	// global one is ever used. Nil: none are made.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider
}

// Sealer encrypts contents (documents, postings, reasons) before they reach the
// store. Person, which may be empty, says whose data it is. It is safe for
// concurrent use.
type Sealer interface {
	Seal(ctx context.Context, tenant, person string, plain []byte) ([]byte, error)
	// Open returns what Seal was given. When the person's key was destroyed its
	// error is storage.ErrNotFound: then only that document is parked. Every other
	// error stops all work for a while.
	Open(ctx context.Context, tenant, person string, sealed []byte) ([]byte, error)
	// Name returns a keyed hash of plain, at most 64 characters: names of contents
	// must not tell what is in them.
	Name(tenant string, plain []byte) string
}

// Change is one change of a transfer's state.
type Change struct {
	ID       storage.ID
	From, To State
	Cause    string
}

// Engine moves documents from sources to sinks. Make one with New, register
// flows with Add, and call Run. It is safe for concurrent use.
type Engine struct {
	store   storage.Store
	trail   *audit.Trail
	opts    Options
	now     func() time.Time
	log     *slog.Logger
	gates   *gates
	idle    idle
	mirrors *mirrors
	pauses  *pauses
	quotas  *quotas
	marks   *marks
	tel     telemetry
	foreign bool // Options.Runner was given: how many workers it has is not known

	inHand sync.Map // storage.ID of the transfers that are worked on in this process

	mu    sync.RWMutex
	flows map[string]map[string]*flow // tenant, name
	order []*flow

	wake     chan struct{}
	added    chan struct{}
	nextMu   sync.Mutex
	next     dues  // when rows that this process let go are due
	unrouted int64 // notices that no flow takes
	turn     int   // where the round over the queues begins

	figuresMu sync.Mutex
	figures   map[string]Figures // of each tenant, for metrics
}

// New returns an Engine over a store and an audit trail.
func New(store storage.Store, trail *audit.Trail, opts *Options) (*Engine, error) {
	if store == nil || trail == nil {
		return nil, errors.New("engine: New needs a store and an audit trail")
	}
	e := &Engine{
		store: store, trail: trail, flows: map[string]map[string]*flow{},
		wake: make(chan struct{}, 1), added: make(chan struct{}, 1),
	}
	if opts != nil {
		e.opts = *opts
	}
	e.now = e.opts.Now
	if e.now == nil {
		e.now = time.Now
	}
	e.log = e.opts.Logger
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.opts.Workers <= 0 {
		e.opts.Workers = 8
	}
	if e.opts.Poll <= 0 {
		e.opts.Poll = time.Second
	}
	if e.opts.Drain <= 0 {
		e.opts.Drain = 20 * time.Second
	}
	e.foreign = e.opts.Runner != nil
	if e.opts.Runner == nil {
		e.opts.Runner = &localRunner{
			workers: e.opts.Workers, poll: e.opts.Poll, drain: e.opts.Drain, now: e.clock, log: e.log,
		}
	}
	e.gates = newGates(e.clock)
	e.mirrors = &mirrors{added: make(chan struct{}, 1)}
	e.pauses = &pauses{store: store, now: e.clock}
	e.marks = &marks{store: store, now: e.clock}
	e.quotas = &quotas{limits: e.opts.Limits, shared: e.share, now: e.clock}
	if err := e.instrument(); err != nil {
		return nil, fmt.Errorf("engine: metrics: %w", err)
	}
	return e, nil
}

// clock returns the time as the store keeps it: UTC, microseconds.
func (e *Engine) clock() time.Time { return e.now().UTC().Truncate(time.Microsecond) }

func (e *Engine) add(f *flow) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	byName := e.flows[f.tenant]
	if byName == nil {
		byName = map[string]*flow{}
		e.flows[f.tenant] = byName
	}
	if _, ok := byName[f.name]; ok {
		return fmt.Errorf("engine: tenant %q has a flow %q already", f.tenant, f.name)
	}
	byName[f.name] = f
	e.order = append(e.order, f)
	select {
	case e.added <- struct{}{}:
	default:
	}
	e.kick()
	return nil
}

func (e *Engine) flow(tenant, name string) *flow {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.flows[tenant][name]
}

func (e *Engine) all() []*flow {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return append([]*flow(nil), e.order...)
}

// Run works until ctx ends, then lets running work finish for Options.Drain. It
// returns nil after an orderly stop. It may be called once.
func (e *Engine) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	sweeps, stop := context.WithCancel(ctx)
	defer wg.Wait()
	defer stop()
	defer func() {
		if e.tel.gauges != nil {
			_ = e.tel.gauges.Unregister()
		}
	}()
	wg.Go(func() { e.sweepAll(sweeps) })
	wg.Go(func() { e.mirrorAll(sweeps) })
	return e.opts.Runner.Run(ctx, worker{e})
}

// kick tells the runner that there is work now.
func (e *Engine) kick() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// plan remembers when the next row known to this process is due.
func (e *Engine) plan(due time.Time) {
	if due.IsZero() {
		return
	}
	if !due.After(e.clock()) {
		e.kick()
		return
	}
	e.nextMu.Lock()
	first := e.next.first()
	e.next.add(due)
	e.nextMu.Unlock()
	if first.IsZero() || due.Before(first) {
		e.kick()
	}
}

// errOurs marks a failure of the store or the audit trail: our own, never the
// document's.
type errOurs struct{ err error }

func (e *errOurs) Error() string { return e.err.Error() }
func (e *errOurs) Unwrap() error { return e.err }

func ours(what string, err error) error {
	if err == nil {
		return nil
	}
	return &errOurs{fmt.Errorf("engine: %s: %w", what, err)}
}

func isOurs(err error) bool {
	var o *errOurs
	return errors.As(err, &o) || errors.Is(err, audit.ErrUnavailable)
}

// scope puts around a call of an end that it is made for this transfer, and as
// long as this worker holds it.
func (w *work) scope(ctx context.Context, attempt int) context.Context {
	return audit.NewContext(ctx, audit.Scope{Tenant: w.t.Tenant, Subject: w.t.Document, Actor: "engine", Attempt: attempt, Held: w.mine})
}

// scope puts around a call of an end who makes it and for what.
func scope(ctx context.Context, tenant, subject string, attempt int) context.Context {
	return audit.NewContext(ctx, audit.Scope{Tenant: tenant, Subject: subject, Actor: "engine", Attempt: attempt})
}

var _ connector.Notifier = (*Engine)(nil)
