// Package monitor shows how a running connector is: metrics for Prometheus,
// health and readiness. Neither says anything about a document or a person.
//
// A Monitor looks at the ledger by itself from time to time; being asked costs
// the ledger nothing.
package monitor

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// How often the ledger is looked at: what is open often, what is at rest, of
// which there are many, seldom. What comes to rest meanwhile is counted as it
// happens.
const (
	openEvery = 15 * time.Second
	restEvery = 10 * time.Minute
	// changeWait is how soon after a change what is open is looked at again.
	changeWait = time.Second
)

// Monitor watches one connector. Make one with New, give Watch and Changed to
// app.Open, then call Run. Safe for concurrent use.
type Monitor struct {
	app      *app.App
	registry *prometheus.Registry
	now      func() time.Time
	woken    chan struct{} // a transfer changed since the last look

	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	changes *prometheus.CounterVec
	sweeps  *prometheus.GaugeVec
	swept   *prometheus.GaugeVec
	events  *prometheus.Desc
	states  *prometheus.Desc
	value   *prometheus.Desc
	age     *prometheus.Desc
	lag     *prometheus.Desc
	shut    *prometheus.Desc

	mu     sync.Mutex
	sample sample
}

// sample is what was seen at the last look.
type sample struct {
	states map[stateKey]int
	rest   map[stateKey]int // those at rest: they change seldom and are many
	value  map[valueKey]decimal.Decimal
	oldest map[string]time.Time // tenant: the oldest document that is open
	late   map[string]time.Time // tenant: the longest due document that nobody works on
}

type (
	stateKey struct {
		tenant string
		state  engine.State
	}
	valueKey struct{ tenant, company, currency, word string }
)

// New makes the metrics.
func New() *Monitor {
	const prefix = "mlconnector_"
	m := &Monitor{registry: prometheus.NewRegistry(), now: time.Now, woken: make(chan struct{}, 1)}
	m.calls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "vendor_calls_total", Help: "Calls to both systems by the status of their answer; status none: no answer came.",
	}, []string{"system", "method", "status"})
	m.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: prefix + "vendor_call_seconds", Help: "How long calls took until the head of their answer.",
		Buckets: prometheus.ExponentialBuckets(0.02, 2, 12),
	}, []string{"system"})
	m.changes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "transfer_changes_total", Help: "Changes of transfers into a state since the start, with the cause where there is one.",
	}, []string{"state", "cause"})
	m.sweeps = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: prefix + "sweep_found", Help: "Documents that sweeps found: created, or woken although no event had come.",
	}, []string{"tenant", "flow"})
	m.swept = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: prefix + "sweep_last_timestamp_seconds", Help: "End of the last whole sweep.",
	}, []string{"tenant", "flow"})
	m.events = prometheus.NewDesc(prefix+"events_total", "Events that came, by what became of them.", []string{"outcome"}, nil)
	m.states = prometheus.NewDesc(prefix+"transfers", "Transfers by state.", []string{"tenant", "state"}, nil)
	m.value = prometheus.NewDesc(prefix+"value", "Money of documents that are not at rest: waiting (not approved), open (on its way), saved (entered, not final), parked (a person must act), returned (the source was told that it failed), in the unit of its currency. For alarms; the reconciliation counts to the cent.", []string{"tenant", "company", "currency", "word"}, nil)
	m.age = prometheus.NewDesc(prefix+"oldest_open_seconds", "Age of the oldest document that is approved and not posted.", []string{"tenant"}, nil)
	m.lag = prometheus.NewDesc(prefix+"queue_lag_seconds", "How long the longest due document has been due.", []string{"tenant"}, nil)
	m.shut = prometheus.NewDesc(prefix+"systems_shut", "Systems that are not being asked at present; mend is true where a person must act.", []string{"tenant", "system", "mend"}, nil)
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "build_info", Help: "Which program runs."}, []string{"version", "revision", "goversion"})
	version, revision, goVersion := Build()
	build.WithLabelValues(version, revision, goVersion).Set(1)
	m.registry.MustRegister(m.calls, m.seconds, m.changes, m.sweeps, m.swept, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Build returns what the module system recorded of this program.
func Build() (version, revision, goVersion string) {
	version = "(devel)"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, "", ""
	}
	version = cmp.Or(info.Main.Version, version)
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return version, revision, info.GoVersion
}

// Watch counts calls to both systems.
func (m *Monitor) Watch(base http.RoundTripper) http.RoundTripper { return watched{base, m} }

type watched struct {
	base http.RoundTripper
	m    *Monitor
}

// RoundTrip implements http.RoundTripper.
func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	system := System(r)
	began := time.Now()
	res, err := w.base.RoundTrip(r)
	w.m.seconds.WithLabelValues(system).Observe(time.Since(began).Seconds())
	status := "none"
	if err == nil {
		status = strconv.Itoa(res.StatusCode)
	}
	w.m.calls.WithLabelValues(system, r.Method, status).Inc()
	return res, err
}

// System tells which of both systems a request is for: only Epicor speaks OData
// and has a Token Resource.
func System(r *http.Request) string {
	if path := r.URL.Path; strings.Contains(path, "/odata/") || strings.Contains(path, "TokenResource") {
		return "epicor"
	}
	return "concur"
}

// Changed counts changes of transfers; it is app.Config.OnChange.
func (m *Monitor) Changed(c engine.Change) {
	m.changes.WithLabelValues(string(c.To), c.Cause).Inc()
	select {
	case m.woken <- struct{}{}:
	default: // a look is to come already
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sample.rest == nil {
		return
	}
	if atRest(c.To) {
		m.sample.rest[stateKey{c.ID.Tenant, c.To}]++
	}
	if atRest(c.From) {
		m.sample.rest[stateKey{c.ID.Tenant, c.From}]--
	}
}

// atRest reports whether a state is one in which documents stay.
func atRest(s engine.State) bool {
	switch s {
	case engine.Confirmed, engine.Reversed, engine.Void, engine.Returned:
		return true
	case engine.Received, engine.Waiting, engine.Pending, engine.Delivering, engine.Delivered, engine.Parked, engine.Reversing:
		return false
	}
	return false
}

func restStates() []engine.State {
	return []engine.State{engine.Confirmed, engine.Reversed, engine.Void, engine.Returned}
}

// Run looks at the ledger from time to time until ctx ends. A ledger that cannot
// be read shows in readiness and in the log.
func (m *Monitor) Run(ctx context.Context, a *app.App, log *slog.Logger) {
	m.mu.Lock()
	m.app = a
	m.mu.Unlock()
	m.registry.MustRegister(ledger{m})
	rest := time.Time{}
	tick := time.NewTicker(openEvery)
	defer tick.Stop()
	for {
		whole := time.Since(rest) >= restEvery
		switch err := m.look(ctx, a, whole); {
		case err == nil && whole:
			rest = time.Now()
		case err != nil && ctx.Err() == nil:
			log.WarnContext(ctx, "the ledger could not be looked at for the metrics", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			continue
		case <-m.woken:
		}
		// Changes come in crowds: one look is enough for those of a moment.
		soon := time.NewTimer(changeWait)
		select {
		case <-ctx.Done():
			soon.Stop()
			return
		case <-soon.C:
		}
	}
}

// look reads what is not at rest, and with whole also what is.
func (m *Monitor) look(ctx context.Context, a *app.App, whole bool) error {
	s := sample{states: map[stateKey]int{}, value: map[valueKey]decimal.Decimal{}, oldest: map[string]time.Time{}, late: map[string]time.Time{}}
	for _, tenant := range a.Tenants() {
		f, err := a.Engine.Figures(ctx, tenant)
		if err != nil {
			return err
		}
		s.add(tenant, f)
		if whole {
			if s.rest == nil {
				s.rest = map[stateKey]int{}
			}
			for _, state := range restStates() {
				n, err := count(ctx, a, tenant, state)
				if err != nil {
					return err
				}
				s.rest[stateKey{tenant, state}] = n
			}
		}
		for _, flow := range a.Flows(tenant) {
			p, err := a.Engine.Progress(ctx, tenant, flow)
			if err != nil {
				return err
			}
			m.sweeps.WithLabelValues(tenant, flow).Set(asFloat(decimal.NewFromInt(p.Found)))
			if !p.LastSweep.IsZero() {
				m.swept.WithLabelValues(tenant, flow).Set(asFloat(decimal.NewFromInt(p.LastSweep.Unix())))
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.rest == nil {
		s.rest = m.sample.rest
	}
	m.sample = s
	return nil
}

func count(ctx context.Context, a *app.App, tenant string, state engine.State) (n int, err error) {
	for _, err := range storage.All(ctx, a.Store, storage.Query{Tenant: tenant, State: string(state)}) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// add takes a tenant's figures into the sample.
func (s *sample) add(tenant string, f engine.Figures) {
	for state, n := range f.States {
		if !atRest(state) {
			s.states[stateKey{tenant, state}] = n
		}
	}
	for _, m := range f.Money {
		k := valueKey{tenant, m.Company, m.Currency, word(m.State)}
		s.value[k] = s.value[k].Add(m.Amount)
	}
	s.oldest[tenant], s.late[tenant] = f.Oldest, f.Late
}

// word is how the metric of money calls a state.
func word(s engine.State) string {
	switch s {
	case engine.Parked, engine.Waiting, engine.Returned:
		return string(s)
	case engine.Delivered:
		return string(engine.WordSaved)
	case engine.Received, engine.Pending, engine.Delivering, engine.Reversing, engine.Confirmed, engine.Reversed, engine.Void:
	}
	return string(engine.WordOpen)
}

// Handler serves the metrics.
func (m *Monitor) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// ledger shows the last look.
type ledger struct{ m *Monitor }

// Describe implements prometheus.Collector.
func (l ledger) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{l.m.events, l.m.states, l.m.value, l.m.age, l.m.lag, l.m.shut} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (l ledger) Collect(ch chan<- prometheus.Metric) {
	l.m.mu.Lock()
	a, s, now := l.m.app, l.m.sample, l.m.now()
	states := map[stateKey]int{}
	for k, n := range s.states {
		states[k] = n
	}
	for k, n := range s.rest {
		states[k] = n
	}
	l.m.mu.Unlock()
	gauge := func(d *prometheus.Desc, v decimal.Decimal, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, asFloat(v), labels...)
	}
	for k, n := range states {
		gauge(l.m.states, decimal.NewFromInt(int64(n)), k.tenant, string(k.state))
	}
	for k, v := range s.value {
		gauge(l.m.value, v, k.tenant, k.company, k.currency, k.word)
	}
	for _, tenant := range a.Tenants() {
		gauge(l.m.age, since(now, s.oldest[tenant]), tenant)
		gauge(l.m.lag, since(now, s.late[tenant]), tenant)
	}
	for outcome, n := range a.Events() {
		ch <- prometheus.MustNewConstMetric(l.m.events, prometheus.CounterValue, asFloat(decimal.NewFromInt(int64(n))), string(outcome))
	}
	shut := map[[3]string]int{}
	for _, x := range a.Engine.Shut() {
		system := "epicor"
		if x.Flow != "" {
			system = "concur"
		}
		shut[[3]string{x.Tenant, system, strconv.FormatBool(x.Mend)}]++
	}
	for k, n := range shut {
		gauge(l.m.shut, decimal.NewFromInt(int64(n)), k[0], k[1], k[2])
	}
}

// since is how many seconds ago t was; never is 0.
func since(now, t time.Time) decimal.Decimal {
	if t.IsZero() || t.After(now) {
		return decimal.Zero
	}
	return decimal.NewFromInt(int64(now.Sub(t) / time.Second))
}

// asFloat is for gauges alone, whose library knows nothing else: a picture of an
// amount, which nothing is computed from.
func asFloat(v decimal.Decimal) float64 { //nolint:forbidigo // a gauge is a float in its library; no amount is ever taken from it
	return v.InexactFloat64() //nolint:forbidigo // as above
}
