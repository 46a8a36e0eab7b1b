package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

// claim is the toy source's document: amounts by party.
type claim struct {
	ID      string
	Amounts map[string]int64
}

// bill is one document of the toy posting.
type bill struct {
	Party  string
	Number string
	Amount int64
}

type bills struct{ Bills []bill }

// tripwire counts points and fails for ever from the k-th on, as a process does
// that was killed there.
type tripwire struct {
	mu    sync.Mutex
	count int
	at    int    // 0: never
	name  string // kill at the nth time of this point instead
	nth   int
	seen  map[string]int
	names []string
	dead  chan struct{}
}

var errKilled = errors.New("killed")

func newTripwire(at int) *tripwire { return &tripwire{at: at, dead: make(chan struct{})} }

func (w *tripwire) hit(name string) error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	w.names = append(w.names, name)
	if w.seen == nil {
		w.seen = map[string]int{}
	}
	w.seen[name]++
	if w.at == 0 && w.name == name && w.seen[name] == w.nth {
		w.at = w.count
	}
	if w.at == 0 || w.count < w.at {
		return nil
	}
	if w.count == w.at {
		close(w.dead)
	}
	return errKilled
}

// kill makes the next point fail, and all that follow.
func (w *tripwire) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.count + 1
}

// around runs f between two points.
func around[T any](w *tripwire, name string, f func() (T, error)) (T, error) {
	var zero T
	if err := w.hit("before " + name); err != nil {
		return zero, err
	}
	v, err := f()
	if terr := w.hit("after " + name); terr != nil {
		return zero, terr
	}
	return v, err
}

func around0(w *tripwire, name string, f func() error) error {
	_, err := around(w, name, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// trippedStore is a store whose process may be killed at each call.
type trippedStore struct {
	storage.Store
	w *tripwire
}

func (s trippedStore) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	return around(s.w, "Create", func() (storage.Transfer, error) { return s.Store.Create(ctx, t) })
}

func (s trippedStore) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	return around(s.w, "Get", func() (storage.Transfer, error) { return s.Store.Get(ctx, id) })
}

func (s trippedStore) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	return around(s.w, "Update "+t.State, func() (storage.Transfer, error) { return s.Store.Update(ctx, t) })
}

func (s trippedStore) Due(ctx context.Context, q string, by time.Time, n int) ([]storage.Transfer, error) {
	return around(s.w, "Due", func() ([]storage.Transfer, error) { return s.Store.Due(ctx, q, by, n) })
}

func (s trippedStore) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	return around(s.w, "Load", func() (storage.Value, error) { return s.Store.Load(ctx, tenant, name) })
}

func (s trippedStore) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	return around(s.w, "Save", func() (storage.Value, error) { return s.Store.Save(ctx, v) })
}

func (s trippedStore) Put(ctx context.Context, tenant, name string, b []byte) error {
	return around0(s.w, "Put", func() error { return s.Store.Put(ctx, tenant, name, b) })
}

func (s trippedStore) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	return around(s.w, "Read", func() ([]byte, error) { return s.Store.Read(ctx, tenant, name) })
}

func (s trippedStore) Drop(ctx context.Context, tenant, prefix string) error {
	return around0(s.w, "Drop", func() error { return s.Store.Drop(ctx, tenant, prefix) })
}

func (s trippedStore) Purge(ctx context.Context, id storage.ID, rev string) error {
	return around0(s.w, "Purge", func() error { return s.Store.Purge(ctx, id, rev) })
}

type trippedLog struct {
	audit.Log
	w *tripwire
}

func (l trippedLog) Append(ctx context.Context, rs []audit.Record) error {
	return around0(l.w, "audit "+rs[0].Action+" "+rs[0].Outcome, func() error { return l.Log.Append(ctx, rs) })
}

// toySource holds one claim per id.
type toySource struct {
	mu       sync.Mutex
	docs     map[string]connector.Snapshot[claim]
	fetches  int
	fetchErr func(n int) error
	listed   bool // the sweep shows the documents
	sweepErr error
	acks     []connector.Signal
	ackErr   func(s connector.Signal) error
	carry    bool                            // the sweep carries the documents with it
	person   string                          // whose documents they are
	pages    int                             // how often Changes was asked
	head     bool                            // a queue that is always read from its head: told documents leave it
	between  func(ctx context.Context) error // before a Fetch, without the lock
	onPage   func() error
}

func newToySource() *toySource { return &toySource{docs: map[string]connector.Snapshot[claim]{}} }

func (s *toySource) put(id string, revision int64, phase connector.Phase, amounts map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := int64(0)
	for _, a := range amounts {
		sum += a
	}
	s.docs[id] = connector.Snapshot[claim]{
		Ref: connector.Ref{Kind: "claim", ID: id}, Revision: revision, Phase: phase, Why: "phase " + string(phase), Period: "2026-10", Person: s.person,
		Totals:  []connector.Total{{Company: "C", Currency: "USD", Amount: decimal.New(sum, -2)}},
		Content: claim{ID: id, Amounts: amounts},
	}
}

func (s *toySource) Kinds() []string { return []string{"claim"} }

func (s *toySource) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[claim], error) {
	if err := ctx.Err(); err != nil {
		return connector.Snapshot[claim]{}, err
	}
	s.mu.Lock()
	between := s.between
	s.mu.Unlock()
	if between != nil {
		if err := between(ctx); err != nil {
			return connector.Snapshot[claim]{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetches++
	if s.fetchErr != nil {
		if err := s.fetchErr(s.fetches); err != nil {
			return connector.Snapshot[claim]{}, err
		}
	}
	d, ok := s.docs[ref.ID]
	if !ok {
		return d, connector.ErrNotFound
	}
	return d, nil
}

func (s *toySource) Changes(ctx context.Context, _ connector.Cursor) (connector.Page[claim], error) {
	if err := ctx.Err(); err != nil {
		return connector.Page[claim]{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages++
	if s.onPage != nil {
		if err := s.onPage(); err != nil {
			return connector.Page[claim]{}, err
		}
	}
	var p connector.Page[claim]
	if s.sweepErr != nil {
		return p, s.sweepErr
	}
	if !s.listed {
		return p, nil
	}
	for id, d := range s.docs {
		if s.head && s.told(id, d.Revision) {
			continue
		}
		c := connector.Change[claim]{Ref: connector.Ref{Kind: "claim", ID: id}, Version: fmt.Sprint(d.Revision, d.Phase)}
		if s.carry {
			c.Snapshot = &d
		}
		p.Changes = append(p.Changes, c)
	}
	p.Hold, p.More = s.head, s.head
	return p, nil
}

func (s *toySource) told(id string, revision int64) bool {
	return slices.ContainsFunc(s.acks, func(a connector.Signal) bool {
		return a.Kind == connector.Taken && a.Ref.ID == id && a.Revision == revision
	})
}

// signals are the kinds of what the source was told, with their revisions.
func (s *toySource) signals() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, a := range s.acks {
		out = append(out, fmt.Sprint(a.Kind, " ", a.Revision))
	}
	return out
}

// set changes the source under its lock.
func (s *toySource) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *toySource) fetched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}

// telling is a toySource that wants to be told.
type telling struct{ trippedSource }

func (s telling) Acknowledge(ctx context.Context, sig connector.Signal) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return around0(s.w, "Acknowledge "+string(sig.Kind), func() error { return s.acknowledge(sig) })
}

func (s *toySource) acknowledge(sig connector.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ackErr != nil {
		if err := s.ackErr(sig); err != nil {
			return err
		}
	}
	s.acks = append(s.acks, sig)
	return nil
}

// trippedSource is a source whose caller may be killed at each call.
type trippedSource struct {
	*toySource
	w *tripwire
}

func (s trippedSource) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[claim], error) {
	return around(s.w, "Fetch", func() (connector.Snapshot[claim], error) { return s.toySource.Fetch(ctx, ref) })
}

// toyMapper makes one bill per party; prefix stands for the mapping's version.
type toyMapper struct {
	prefix string
	issues func(claim) mapping.Issues
	err    error
	poison string // the document that cannot be mapped
	stop   func() error
}

func (m toyMapper) Map(_ context.Context, c claim) (mapping.Result[bills], error) {
	if m.poison != "" && m.poison == c.ID {
		return mapping.Result[bills]{}, errors.New("the mapper choked")
	}
	if m.stop != nil {
		if err := m.stop(); err != nil {
			return mapping.Result[bills]{}, err
		}
	}
	if m.err != nil {
		return mapping.Result[bills]{}, m.err
	}
	if m.issues != nil {
		if is := m.issues(c); len(is) > 0 {
			return mapping.Result[bills]{}, is
		}
	}
	var out bills
	sum := int64(0)
	for party, a := range c.Amounts {
		out.Bills = append(out.Bills, bill{Party: m.prefix + party, Number: c.ID, Amount: a})
		sum += a
	}
	slices.SortFunc(out.Bills, func(a, b bill) int { return strings.Compare(a.Party, b.Party) })
	return mapping.Result[bills]{Posting: out, Empty: sum == 0, Version: "v-" + m.prefix}, nil
}

// toyERP refuses a second document of one party and number, as an ERP does.
type toyERP struct {
	mu       sync.Mutex
	docs     map[string]standing // party/number
	final    bool
	refuse   map[string]bool // parties that are refused
	lose     int             // answers to lose after the commit
	fail     func(op string) error
	w        *tripwire
	finds    int
	sends    int
	backs    int                                         // calls of Reverse
	party    string                                      // in receipts
	watch    func(d connector.Delivery[bills])           // sees each delivery before it takes effect, under the lock
	midway   func() error                                // after each document that is made
	step     func() error                                // before each document that is made or taken back
	presence connector.Presence                          // instead of looking
	inside   map[string]int                              // calls that are in Deliver or Reverse, by document
	most     int                                         // of them at once for one document
	slow     time.Duration                               // each call takes so long
	pause    func(ctx context.Context, op string, n int) // in the middle of a call, without the lock
}

// trippedSink is a sink whose caller may be killed at each call.
type trippedSink struct {
	*toyERP
	w *tripwire
}

func (s trippedSink) Find(ctx context.Context, d connector.Delivery[bills]) (connector.Finding, error) {
	return around(s.w, "Find", func() (connector.Finding, error) { return s.toyERP.Find(ctx, d) })
}

func (s trippedSink) Deliver(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	return around(s.w, "Deliver", func() (connector.Receipt, error) { return s.toyERP.Deliver(ctx, d) })
}

func (s trippedSink) Reverse(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	return around(s.w, "Reverse", func() (connector.Receipt, error) { return s.toyERP.Reverse(ctx, d) })
}

// enter counts a call of an end that changes something and takes its time.
func (e *toyERP) enter(ctx context.Context, op, doc string) (leave func()) {
	e.mu.Lock()
	if e.inside == nil {
		e.inside = map[string]int{}
	}
	e.inside[doc]++
	e.most = max(e.most, e.inside[doc])
	slow, pause, n := e.slow, e.pause, e.sends
	e.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
		}
	}
	if pause != nil {
		pause(ctx, op, n)
	}
	return func() {
		e.mu.Lock()
		e.inside[doc]--
		e.mu.Unlock()
	}
}

// set changes the target under its lock.
func (e *toyERP) set(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

func (e *toyERP) counts() (finds, sends, backs int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.finds, e.sends, e.backs
}

type standing struct {
	bill
	Key string
	Doc string
}

func newToyERP() *toyERP { return &toyERP{docs: map[string]standing{}, final: true} }

func (e *toyERP) number(d connector.Delivery[bills], b bill) string {
	if d.Generation > 1 {
		return fmt.Sprintf("%s-%d", b.Number, d.Generation)
	}
	return b.Number
}

func (e *toyERP) receipt(d connector.Delivery[bills]) connector.Receipt {
	r := connector.Receipt{Final: e.final}
	for _, b := range d.Posting.Bills {
		r.Made = append(r.Made, connector.Made{ID: b.Party, Number: e.number(d, b), Party: e.party})
	}
	return r
}

// textLogger writes a log that a test can read when the engine has stopped.
func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func (e *toyERP) Find(ctx context.Context, d connector.Delivery[bills]) (connector.Finding, error) {
	if err := ctx.Err(); err != nil {
		return connector.Finding{}, err
	}
	if err := e.w.hit("before Find"); err != nil {
		return connector.Finding{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.finds++
	if e.fail != nil {
		if err := e.fail("find"); err != nil {
			return connector.Finding{}, err
		}
	}
	if e.presence != "" {
		return connector.Finding{Presence: e.presence}, nil
	}
	ours, other := 0, 0
	for _, b := range d.Posting.Bills {
		s, ok := e.docs[b.Party+"/"+e.number(d, b)]
		switch {
		case !ok:
		case s.Key == d.Key() && s.Amount == b.Amount:
			ours++
		default:
			other++
		}
	}
	f := connector.Finding{Presence: connector.Absent}
	switch {
	case other > 0:
		f = connector.Finding{Presence: connector.Different, Why: "another document stands there"}
	case ours == len(d.Posting.Bills):
		f = connector.Finding{Presence: connector.Same, Receipt: e.receipt(d)}
	case ours > 0:
		f.Presence = connector.Partial
	}
	return f, e.w.hit("after Find")
}

func (e *toyERP) Deliver(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return connector.Receipt{}, err
	}
	e.mu.Lock()
	e.sends++
	e.mu.Unlock()
	defer e.enter(ctx, "deliver", d.Ref.ID)()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		if err := e.fail("deliver"); err != nil {
			return connector.Receipt{}, err
		}
	}
	if e.watch != nil {
		e.watch(d)
	}
	for _, b := range d.Posting.Bills {
		if err := e.w.hit("before create " + b.Party); err != nil {
			return connector.Receipt{}, err
		}
		if e.refuse[b.Party] {
			return connector.Receipt{}, &connector.Rejection{Issues: []connector.Issue{{Code: "party_unknown", Value: b.Party}}}
		}
		at := b.Party + "/" + e.number(d, b)
		if e.step != nil {
			if err := e.step(); err != nil {
				return connector.Receipt{}, err
			}
		}
		if s, ok := e.docs[at]; ok && (s.Key != d.Key() || s.Amount != b.Amount) {
			return connector.Receipt{}, &connector.Rejection{Issues: []connector.Issue{{Code: "number_taken", Value: at}}}
		}
		e.docs[at] = standing{bill: bill{Party: b.Party, Number: e.number(d, b), Amount: b.Amount}, Key: d.Key(), Doc: d.Ref.ID}
		if e.midway != nil {
			if err := e.midway(); err != nil {
				return connector.Receipt{}, err
			}
		}
		if err := e.w.hit("after create " + b.Party); err != nil {
			return connector.Receipt{}, err
		}
	}
	if e.lose > 0 {
		e.lose--
		return connector.Receipt{}, errors.New("connection reset")
	}
	return e.receipt(d), nil
}

func (e *toyERP) Reverse(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return connector.Receipt{}, err
	}
	if err := e.w.hit("before Reverse"); err != nil {
		return connector.Receipt{}, err
	}
	defer e.enter(ctx, "reverse", d.Ref.ID)()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.backs++
	if e.fail != nil {
		if err := e.fail("reverse"); err != nil {
			return connector.Receipt{}, err
		}
	}
	var r connector.Receipt
	for at, s := range e.docs {
		if s.Key == d.Key() {
			if e.step != nil {
				if err := e.step(); err != nil {
					return connector.Receipt{}, err
				}
			}
			delete(e.docs, at)
			if err := e.w.hit("after taking back"); err != nil {
				return connector.Receipt{}, err
			}
			r.Made = append(r.Made, connector.Made{ID: s.Party, Number: s.Number})
		}
	}
	return r, e.w.hit("after Reverse")
}

func (e *toyERP) all() []standing {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []standing
	for _, s := range e.docs {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b standing) int { return strings.Compare(a.Party+a.Number, b.Party+b.Number) })
	return out
}

// bench is an engine with toy ends.
type bench struct {
	t      *testing.T
	store  *memstore.Store
	log    *memlog.Log
	source *toySource
	erp    *toyERP
	mapper toyMapper
	policy engine.Policy
	opts   engine.Options
	tell   bool
	wire   *tripwire
	differ bool     // the mapper makes deltas
	payer  *till    // where set, the sink tells of payments
	files  *cabinet // where set, the sink adds files
}

func newBench(t *testing.T) *bench {
	return &bench{
		t: t, store: memstore.New(), log: memlog.New(), source: newToySource(), erp: newToyERP(),
		policy: engine.Policy{Sweep: -1},
		// Nothing but this process writes, so that idle polls would only add points.
		opts: engine.Options{Poll: time.Hour},
	}
}

const tenant = "acme"

func id(doc string) storage.ID {
	return storage.ID{Tenant: tenant, Target: "erp", Document: "claim/" + doc}
}

func (b *bench) engine() *engine.Engine {
	b.t.Helper()
	e, err := engine.New(trippedStore{b.store, b.wire}, audit.NewTrail(trippedLog{b.log, b.wire}, nil), &b.opts)
	require.NoError(b.t, err)
	b.erp.w = b.wire
	var src connector.Source[claim] = trippedSource{b.source, b.wire}
	if b.tell {
		src = telling{trippedSource{b.source, b.wire}}
	}
	var sink connector.Sink[bills] = b.erp
	if b.payer != nil {
		sink = paying{b.erp, b.payer, b.wire}
	}
	if b.files != nil {
		sink = filing{b.erp, b.files, b.wire}
	}
	var mapper mapping.Mapper[claim, bills] = b.mapper
	if b.differ {
		mapper = deltaMapper{b.mapper}
	}
	require.NoError(b.t, engine.Add(e, engine.Flow[claim, bills]{
		Tenant: tenant, Name: "claims", Target: "erp", Source: src, Mapper: mapper, Sink: sink, Policy: &b.policy,
	}))
	return e
}

// run runs an engine for d of virtual time; call it inside a synctest bubble.
func (b *bench) run(e *engine.Engine, d time.Duration) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	defer cancel()
	if w := b.wire; w != nil {
		go func() {
			select {
			case <-w.dead:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	require.NoError(b.t, e.Run(ctx))
}

// start runs an engine in the background until the test ends or stop is called.
func (b *bench) start(e *engine.Engine) (stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(b.t, <-done)
	})
	b.t.Cleanup(stop)
	return stop
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (b *bench) notify(e *engine.Engine, doc string) {
	b.t.Helper()
	require.NoError(b.t, e.Notify(b.t.Context(), notice(doc)))
}

// replay replays whatever is parked.
func (b *bench) replay(e *engine.Engine, q storage.Query) int {
	b.t.Helper()
	q.Tenant = tenant
	p, err := e.Plan(b.t.Context(), q)
	require.NoError(b.t, err)
	n, err := e.Replay(b.t.Context(), p, engine.Act{Actor: "ann", Reason: "mended"})
	require.NoError(b.t, err)
	return n
}

func notice(doc string) connector.Notice {
	return connector.Notice{Tenant: tenant, Ref: connector.Ref{Kind: "claim", ID: doc}, Correlation: "corr-" + doc}
}

func (b *bench) status(doc string) engine.Status {
	b.t.Helper()
	e, err := engine.New(b.store, audit.NewTrail(b.log, nil), nil)
	require.NoError(b.t, err)
	s, err := e.Get(b.t.Context(), id(doc))
	require.NoError(b.t, err)
	return s
}

func (b *bench) verifyAudit() {
	b.t.Helper()
	_, err := audit.NewTrail(b.log, nil).Verify(context.WithoutCancel(b.t.Context()), tenant)
	require.NoError(b.t, err)
}
