package app

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// tripwire counts the points at which a process may be killed. From the one that
// is chosen on, everything that the process does fails, and nothing of it
// reaches the outside.
type tripwire struct {
	mu    sync.Mutex
	at    int // 0: never
	names []string
	dead  chan struct{}
}

var errKilled = errors.New("the process was killed")

func newTripwire(at int) *tripwire { return &tripwire{at: at, dead: make(chan struct{})} }

func (w *tripwire) hit(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names = append(w.names, name)
	switch {
	case w.at == 0 || len(w.names) < w.at:
		return nil
	case len(w.names) == w.at:
		close(w.dead)
	}
	return errKilled
}

// where is the point at which the process was killed.
func (w *tripwire) where() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at == 0 || w.at > len(w.names) {
		return "never"
	}
	return "at point " + strconv.Itoa(w.at) + ", " + w.names[w.at-1]
}

func (w *tripwire) points() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.names)
}

// around runs f between two points.
func around[T any](w *tripwire, name string, f func() (T, error)) (T, error) {
	var none T
	if err := w.hit("before " + name); err != nil {
		return none, err
	}
	v, err := f()
	if killed := w.hit("after " + name); killed != nil {
		return none, killed
	}
	return v, err
}

func around0(w *tripwire, name string, f func() error) error {
	_, err := around(w, name, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// fragileStore is a store of a process that may be killed at each call.
type fragileStore struct {
	storage.Store
	w *tripwire
}

func (s fragileStore) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	return around(s.w, "Create", func() (storage.Transfer, error) { return s.Store.Create(ctx, t) })
}

func (s fragileStore) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	return around(s.w, "Get", func() (storage.Transfer, error) { return s.Store.Get(ctx, id) })
}

func (s fragileStore) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	return around(s.w, "Update "+t.State, func() (storage.Transfer, error) { return s.Store.Update(ctx, t) })
}

func (s fragileStore) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	return around(s.w, "Due", func() ([]storage.Transfer, error) { return s.Store.Due(ctx, queue, by, limit) })
}

func (s fragileStore) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	return around(s.w, "Load "+name, func() (storage.Value, error) { return s.Store.Load(ctx, tenant, name) })
}

func (s fragileStore) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	return around(s.w, "Save "+v.Name, func() (storage.Value, error) { return s.Store.Save(ctx, v) })
}

func (s fragileStore) Put(ctx context.Context, tenant, name string, data []byte) error {
	return around0(s.w, "Put", func() error { return s.Store.Put(ctx, tenant, name, data) })
}

func (s fragileStore) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	return around(s.w, "Read", func() ([]byte, error) { return s.Store.Read(ctx, tenant, name) })
}

// fragileLog is its audit log.
type fragileLog struct {
	audit.Log
	w *tripwire
}

func (l fragileLog) Append(ctx context.Context, rs []audit.Record) error {
	return around0(l.w, "audit "+rs[0].Action+" "+rs[0].Outcome, func() error { return l.Log.Append(ctx, rs) })
}

// fragileWire carries its calls to both vendors. Killed before a call, the
// vendor never sees it; killed after it, the vendor has done it.
type fragileWire struct {
	base http.RoundTripper
	w    *tripwire
}

func (f fragileWire) RoundTrip(r *http.Request) (*http.Response, error) {
	return around(f.w, r.Method+" "+r.URL.Path, func() (*http.Response, error) { return f.base.RoundTrip(r) })
}

// fragileSource is its end in Concur.
type fragileSource struct {
	kindSource
	w *tripwire
}

func (s fragileSource) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	return around(s.w, "Fetch", func() (connector.Snapshot[document.Document], error) { return s.kindSource.Fetch(ctx, ref) })
}

func (s fragileSource) Changes(ctx context.Context, after connector.Cursor) (connector.Page[document.Document], error) {
	return around(s.w, "Changes", func() (connector.Page[document.Document], error) { return s.kindSource.Changes(ctx, after) })
}

// fragileSink is its end in Epicor.
type fragileSink struct {
	connector.Sink[document.Posting]
	w *tripwire
}

func (s fragileSink) Find(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Finding, error) {
	return around(s.w, "Find", func() (connector.Finding, error) { return s.Sink.Find(ctx, d) })
}

func (s fragileSink) Deliver(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Receipt, error) {
	return around(s.w, "Deliver", func() (connector.Receipt, error) { return s.Sink.Deliver(ctx, d) })
}

func (s fragileSink) Reverse(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Receipt, error) {
	return around(s.w, "Reverse", func() (connector.Receipt, error) { return s.Sink.Reverse(ctx, d) })
}

// threeParties is a report that owes an employee and two card companies.
const threeParties = "K7M4QX"

// life lets a connector take one approved report in and kills it at a point (0:
// never); then another one starts over what is left, with another mapping. In
// the end one whole set has to stand in Epicor and no group be locked. It returns
// how many points the first one passed.
func life(t *testing.T, at int) (points int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.reports = concursync.ReportsOptions{Concurrency: 1} // the same points in each run
		w.policy = engine.Policy{Sweep: -1}
		report := w.report(threeParties)
		notice := connector.Notice{Tenant: tenantName, Ref: connector.Ref{Kind: "report", ID: report.ID, Hint: w.company.UserIDs[report.Owner]}}
		connected := w.start(w.config(), w.store, w.log)
		require.NoError(t, connected.Connect(t.Context(), tenantName, concur.Secret(w.company.RequestToken())))
		w.company.Approve(report.ID)

		wire := newTripwire(at)
		w.poll = time.Hour // nobody else writes: idle polls would only add points at which nothing happens
		cfg := w.config()
		cfg.Transport = fragileWire{w, wire}
		cfg.around = ends{
			source: func(s kindSource) kindSource { return fragileSource{s, wire} },
			sink:   func(s connector.Sink[document.Posting]) connector.Sink[document.Posting] { return fragileSink{s, wire} },
		}
		first := w.start(cfg, fragileStore{w.store, wire}, fragileLog{w.log, wire})
		taken := first.Engine.Notify(t.Context(), notice) == nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		go func() {
			select {
			case <-wire.dead:
			case <-ctx.Done():
			}
			cancel()
		}()
		require.NoError(t, first.Run(ctx))
		cancel()
		points = wire.points()

		// Nothing is left of the first but what is durable, and finance has changed
		// the mapping: new numbers, another account for travel, another card vendor.
		w.edit("prefix: CX-", "prefix: NX-")
		w.edit(`natural: "6410"`, `natural: "6412"`)
		w.edit("vendor: V0088", "vendor: V0340")
		w.poll = 10 * time.Second
		second := w.start(w.config(), w.store, w.log)
		if !taken {
			// Concur was not answered 200, so it sends the event again.
			require.NoError(t, second.Engine.Notify(t.Context(), notice))
		}
		w.run(second, time.Hour)
		checkOneSet(t, w, wire.where())

		require.Empty(t, w.locks(), "killed %s: a group stays locked", wire.where())
	})
	return points
}

// checkOneSet checks that exactly one right and whole set of AP invoices stands
// in Epicor for the report, of one mapping, whatever happened.
func checkOneSet(t *testing.T, w *world, where string) {
	t.Helper()
	set := w.epicor.Invoices(sample.EpicorCompany)
	require.Len(t, set, 3, "killed %s", where)
	sum := decimal.Zero
	for _, inv := range set {
		require.Equal(t, set[0].ExternalID, inv.ExternalID, "killed %s: one set bears one key", where)
		require.Equal(t, set[0].Number[:3], inv.Number[:3], "killed %s: one set is of one mapping", where)
		require.True(t, inv.Balanced(), "killed %s: %s is not balanced", where, inv.Number)
		require.True(t, inv.Amount.Equal(inv.VendorAmount), "killed %s: %s", where, inv.Number)
		sum = sum.Add(inv.Amount)
	}
	require.Equal(t, "1022.8", sum.String(), "killed %s", where)
	s := w.status(threeParties)
	require.Equal(t, engine.Confirmed, s.State, "killed %s: %s", where, s.Why)
	require.Len(t, s.Receipt.Made, 3, "killed %s", where)
	_, err := audit.NewTrail(w.log, nil).Verify(context.WithoutCancel(t.Context()), tenantName)
	require.NoError(t, err, "killed %s", where)
}

// stride is the distance between the crash points that a run takes: 1 takes
// them all, which the race detector makes too slow for every run.
// ML_CONNECTOR_CRASH_STRIDE overrides it.
func stride(t *testing.T) int {
	t.Helper()
	if v := os.Getenv("ML_CONNECTOR_CRASH_STRIDE"); v != "" {
		n, err := strconv.Atoi(v)
		require.NoError(t, err)
		return max(1, n)
	}
	if raceDetector || testing.Short() {
		return 17
	}
	return 1
}

func TestKilledAtAnyPointBetweenBothSystemsAndRestartedWithAnotherMappingPostsOneSet(t *testing.T) {
	points := life(t, 0)
	require.Greater(t, points, 300)
	step := stride(t)
	var ran atomic.Int64
	t.Run("killed", func(t *testing.T) {
		for at := 1; at <= points; at += step {
			t.Run(strconv.Itoa(at), func(t *testing.T) {
				t.Parallel()
				life(t, at)
				ran.Add(1)
			})
		}
	})
	t.Logf("%d of %d crash points: 0 lost, 0 doubled, 0 wrong", ran.Load(), points)
}
