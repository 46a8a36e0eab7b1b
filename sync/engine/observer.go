package engine

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Observer is told what the engine does. Each field may be nil, and costs
// nothing then. Its functions are called from several goroutines, after what they
// tell is durable, and must return quickly; what they do changes nothing.
type Observer struct {
	// Changed is told of every change of a transfer's state.
	Changed func(Change)
	// Stepped is told of every step of a transfer that was tried.
	Stepped func(Step)
	// Mirrored is told of every run of a mirror that ended, well or not.
	Mirrored func(tenant string, r MirrorReport)
}

// Step is one thing that the engine tried for a transfer.
type Step struct {
	ID    storage.ID
	Flow  string
	Name  string // fetch, map, find, deliver, poll, reverse, signal, return, attach
	Began time.Time
	Took  time.Duration
	Err   error // nil: it went well. Bears no secret and no personal data
}

// outcome is a step's error as a metric's label.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case isOurs(err):
		return "ours"
	case errors.Is(err, errLeaseLost):
		return "lease_lost"
	case errors.Is(err, connector.ErrConnection):
		return "connection"
	case errors.Is(err, context.Canceled):
		return "stopped"
	default:
		return "failed"
	}
}

// String returns the name of a step.
func (s step) String() string {
	switch s {
	case stepNone:
		return "none"
	case stepReverse:
		return "reverse"
	case stepFind:
		return "find"
	case stepDeliver:
		return "deliver"
	case stepSignal:
		return "signal"
	case stepFetch:
		return "fetch"
	case stepMap:
		return "map"
	case stepPoll:
		return "poll"
	case stepReturn:
		return "return"
	case stepAttach:
		return "attach"
	}
	return "none"
}

// scopeName names this package to OpenTelemetry.
const scopeName = "github.com/ml-connector/ml-connector/sync/engine"

// telemetry is what OpenTelemetry is told. Labels of metrics name tenants, flows,
// states, codes, companies and currencies; a span also names its document by the
// source's id. Neither bears an amount beside the gauges of Figures, a text, a
// secret or a person.
type telemetry struct {
	on      bool // a provider was given
	tracer  trace.Tracer
	steps   metric.Int64Counter
	seconds metric.Float64Histogram
	changes metric.Int64Counter
	gauges  metric.Registration
}

func (e *Engine) instrument() error {
	tp, mp := e.opts.TracerProvider, e.opts.MeterProvider
	e.tel.on = tp != nil || mp != nil
	if tp == nil {
		tp = tracenoop.NewTracerProvider()
	}
	e.tel.tracer = tp.Tracer(scopeName)
	if mp == nil {
		mp = metricnoop.NewMeterProvider()
	}
	m := mp.Meter(scopeName)
	var errs [8]error
	e.tel.steps, errs[0] = m.Int64Counter("mlconnector.steps", metric.WithDescription("Steps that were tried, by what came of them."))
	e.tel.seconds, errs[1] = m.Float64Histogram("mlconnector.step.duration", metric.WithUnit("s"), metric.WithDescription("How long steps took."))
	e.tel.changes, errs[2] = m.Int64Counter("mlconnector.changes", metric.WithDescription("Changes of transfers into a state, with the cause where there is one."))
	transfers, err := m.Int64ObservableGauge("mlconnector.transfers", metric.WithDescription("Transfers that are not at rest, by state."))
	errs[3] = err
	value, err := m.Float64ObservableGauge("mlconnector.value", metric.WithDescription("Money of transfers that are not at rest, in the unit of its currency. For alarms; nothing is computed from it."))
	errs[4] = err
	oldest, err := m.Int64ObservableGauge("mlconnector.oldest", metric.WithUnit("s"), metric.WithDescription("Age of the oldest transfer in a state, by company and currency."))
	errs[5] = err
	lag, err := m.Int64ObservableGauge("mlconnector.lag", metric.WithUnit("s"), metric.WithDescription("How long the longest due transfer has been due."))
	errs[6] = err
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if e.opts.MeterProvider == nil {
		return nil
	}
	e.tel.gauges, err = m.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		return e.gauge(ctx, o, transfers, value, oldest, lag)
	}, transfers, value, oldest, lag)
	return err
}

func label(key, value string) attribute.KeyValue { return attribute.String("mlconnector."+key, value) }

// gauge observes the figures of every tenant.
func (e *Engine) gauge(ctx context.Context, o metric.Observer, transfers metric.Int64Observable, value metric.Float64Observable, oldest, lag metric.Int64Observable) error {
	for _, tenant := range e.tenantNames() {
		f, err := e.recentFigures(ctx, tenant)
		if err != nil {
			return err
		}
		name := label("tenant", tenant)
		for state, n := range f.States {
			o.ObserveInt64(transfers, int64(n), metric.WithAttributes(name, label("state", string(state))))
		}
		for _, m := range f.Money {
			of := metric.WithAttributes(name, label("company", m.Company), label("currency", m.Currency), label("state", string(m.State)))
			o.ObserveFloat64(value, m.Amount.InexactFloat64(), of) //nolint:forbidigo // a gauge is a float in its library; no amount is ever taken from it
			o.ObserveInt64(oldest, seconds(f.At, m.Oldest), of)
		}
		o.ObserveInt64(lag, seconds(f.At, f.Late), metric.WithAttributes(name))
	}
	return nil
}

// seconds is how long before now t was; never is 0.
func seconds(now, t time.Time) int64 {
	if t.IsZero() || t.After(now) {
		return 0
	}
	return int64(now.Sub(t) / time.Second)
}

// watched tells the observer and OpenTelemetry of a step.
func (w *work) watched(ctx context.Context, s step, do func(ctx context.Context) error) error {
	e := w.e
	if !e.tel.on && e.opts.Observer.Stepped == nil {
		return do(ctx)
	}
	began := e.now()
	ctx, span := e.tel.tracer.Start(ctx, s.String())
	err := do(ctx)
	took := max(0, e.now().Sub(began))
	what := outcome(err)
	if span.IsRecording() {
		span.SetAttributes(label("outcome", what))
		if err != nil {
			span.SetStatus(codes.Error, what)
		}
	}
	span.End()
	of := metric.WithAttributes(label("tenant", w.t.Tenant), label("flow", w.f.name), label("step", s.String()), label("outcome", what))
	e.tel.steps.Add(ctx, 1, of)
	e.tel.seconds.Record(ctx, took.Seconds(), of)
	if f := e.opts.Observer.Stepped; f != nil {
		f(Step{ID: w.t.ID, Flow: w.f.name, Name: s.String(), Began: began, Took: took, Err: err})
	}
	return err
}

// passing opens the span of a pass over a transfer.
func (w *work) passing(ctx context.Context) (context.Context, func()) {
	if !w.e.tel.on {
		return ctx, func() {}
	}
	ctx, span := w.e.tel.tracer.Start(ctx, "transfer", trace.WithAttributes(
		label("tenant", w.t.Tenant), label("flow", w.f.name), label("target", w.t.Target), label("document", w.t.Document),
	))
	return ctx, func() {
		if span.IsRecording() {
			span.SetAttributes(label("state", w.t.State), label("cause", w.t.Cause), label("correlation", w.r.Correlation))
		}
		span.End()
	}
}

// changed tells of a change of state.
func (e *Engine) changed(c Change) {
	if c.From == c.To {
		return
	}
	if e.tel.on {
		e.tel.changes.Add(context.Background(), 1, metric.WithAttributes(
			label("tenant", c.ID.Tenant), label("state", string(c.To)), label("cause", c.Cause)))
	}
	if f := e.opts.Observer.Changed; f != nil {
		f(c)
	}
}
