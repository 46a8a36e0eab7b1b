package proof

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/audit/pglog"
	"github.com/ml-connector/ml-connector/audit/sqlitelog"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/storage/pgstore"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
)

// blow is what strikes one call.
type blow string

// What strikes a call of a vendor.
const (
	refused     blow = "refused"
	reset       blow = "reset before the answer"
	lost        blow = "answer lost after the commit"
	html        blow = "HTML in place of JSON"
	lostInHTML  blow = "HTML after the commit"
	truncated   blow = "truncated JSON"
	timeOut     blow = "time-out after the commit"
	killedFirst blow = "killed before it"
	killedAfter blow = "killed after it"
)

// late strikes a call of the store or the audit log: it takes longer than its
// caller waits, or than a lease lasts where the caller waits for ever, and has its
// effect in the end.
const late blow = "longer than its caller waits, then done"

var (
	statuses   = []int{401, 403, 409, 410, 429, 500, 503}
	callBlows  = []blow{refused, reset, lost, "401", "403", "409", "410", "429", "500", "503", html, lostInHTML, truncated, timeOut, killedFirst, killedAfter}
	writeBlows = []blow{refused, lost, killedFirst, killedAfter, late}
)

// strike is one blow at the nth call of a kind. Without a blow it counts.
type strike struct {
	mu        sync.Mutex
	kind      string
	nth       int
	blow      blow
	what      string        // that was struck
	slow      time.Duration // longer than a lease lasts
	lingering sync.WaitGroup
	count     map[string]int
	dead      chan struct{}
	gone      bool
}

func newStrike(kind string, nth int, b blow) *strike {
	return &strike{kind: kind, nth: nth, blow: b, count: map[string]int{}, dead: make(chan struct{}), slow: 10 * time.Minute}
}

// meet counts a call and returns what strikes it.
func (s *strike) meet(kind, name string) (blow, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return "", errKilled
	}
	s.count[kind]++
	if kind != s.kind || s.count[kind] != s.nth {
		return "", nil
	}
	s.what = name
	return s.blow, nil
}

func (s *strike) die() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone {
		s.gone = true
		close(s.dead)
	}
	return errKilled
}

func (s *strike) killed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

func (s *strike) around(ctx context.Context, kind, name string, do func(context.Context) error) error {
	b, err := s.meet(kind, name)
	if err != nil {
		return err
	}
	switch b {
	case refused:
		return errTrouble
	case killedFirst:
		return s.die()
	case late:
		return s.linger(ctx, do)
	default:
	}
	err = do(ctx)
	if s.killed() {
		return errKilled
	}
	switch b {
	case lost:
		return errTrouble
	case killedAfter:
		return s.die()
	default:
	}
	return err
}

// linger has the effect of a call after its caller gave up: in the same moment, or
// a second later, when the caller may have looked or tried again.
func (s *strike) linger(ctx context.Context, do func(context.Context) error) error {
	whole := context.WithoutCancel(ctx)
	select {
	case <-ctx.Done():
	case <-time.After(s.slow):
		return do(whole)
	}
	if s.nth%2 == 0 {
		_ = do(whole) // nobody hears of it
	} else {
		s.lingering.Go(func() {
			pass(time.Second)
			_ = do(whole)
		})
	}
	return ctx.Err()
}

func (s *strike) call(base http.RoundTripper, r *http.Request) (*http.Response, error) {
	b, err := s.meet(ofCall, r.Method+" "+r.URL.Path)
	if err != nil {
		return nil, err
	}
	page := func(status int, body string) *http.Response {
		return &http.Response{
			StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {"text/html"}}, Body: io.NopCloser(strings.NewReader(body)),
		}
	}
	switch b {
	case refused:
		return nil, syscall.ECONNREFUSED
	case reset:
		return nil, syscall.ECONNRESET
	case html:
		return page(http.StatusOK, "<html><body>Sign in</body></html>"), nil
	case killedFirst:
		return nil, s.die()
	default:
	}
	for _, status := range statuses {
		if string(b) == strconv.Itoa(status) {
			p := page(status, "<html><body>gateway</body></html>")
			if status == http.StatusTooManyRequests {
				p.Header.Set("Retry-After", "1")
			}
			return p, nil
		}
	}
	res, err := base.RoundTrip(r)
	if err != nil {
		return res, err
	}
	if b == "" && !s.killed() {
		return res, nil
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	if s.killed() {
		return nil, errKilled
	}
	switch b {
	case lost:
		return nil, syscall.ECONNRESET
	case lostInHTML:
		return page(http.StatusOK, "<html><body>Sign in</body></html>"), nil
	case timeOut:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case killedAfter:
		return nil, s.die()
	case truncated:
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
		return res, nil
	default:
		return nil, fmt.Errorf("no such blow: %s", b)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// way is what one document does. What is struck is its last step; what was
// approved before was posted undisturbed, and corrections are deltas.
type way struct {
	name     string
	paper    paper   // what was approved in the end
	queue    bool    // through the Financial Integration Service
	before   []paper // what was approved and posted earlier, the oldest first
	recalled bool    // the paper was posted too; the last step takes it back
}

// revisions are all that was ever approved.
func (w way) revisions() []paper { return append(slices.Clone(w.before), w.paper) }

// must is what stands in the end.
func (w way) must() set {
	if w.recalled {
		return set{}
	}
	return w.paper.must(0)
}

// invoices are how many stand in the end, and how many of them the last revision
// made: a later one makes one for each vendor whose bill it changes.
func (w way) invoices() (all, last int) {
	if w.recalled {
		return 0, 0
	}
	had := set{}
	for _, p := range w.revisions() {
		last = had.changed(p.must(0))
		had = p.must(0)
		all += last
	}
	return all, last
}

func (w way) end() engine.State {
	if w.recalled {
		return engine.Reversed
	}
	return engine.Confirmed
}

var (
	threeParties = paper{owner: people[0], items: []item{
		{kind: "AIRFR", pay: "IBCP", cents: 42860, centre: "420"},
		{kind: "TOOLS", pay: "CBCP", cents: 14675, centre: "420"},
		{kind: "HOTEL", pay: "CBCP", cents: 8500, centre: "420", personal: true},
		{kind: "MEALS", pay: "CASH", cents: 15835, centre: "200", percent: 33, second: "310"},
	}}
	supplied = paper{owner: people[1], supplier: "DELTA", tax: 52075, items: []item{
		{kind: "TOOLG", cents: 630000, centre: "420"}, {kind: "CLOUD", cents: 120000, centre: "310"},
	}}
	refund = paper{owner: people[2], items: []item{
		{kind: "AIRFR", pay: "IBCP", cents: -34900, centre: "200"}, {kind: "TAXI", pay: "CASH", cents: 2215, centre: "200"},
	}}
	credit = paper{owner: people[3], supplier: "CLOUDY", items: []item{{kind: "CLOUD", cents: -12500, centre: "100"}}}

	// Two lines are matched with what was received of an order, one is not.
	matchedLines = paper{owner: people[1], supplier: "DELTA", tax: 5075, items: []item{
		{kind: "TOOLG", cents: 63000, centre: "420", order: 4500017, line: 1, slip: "PS-9", quantity: 10},
		{kind: "TOOLG", cents: 10000, centre: "420", order: 4500017, line: 2, slip: "PS-10", quantity: 4},
		{kind: "CLOUD", cents: 12000, centre: "310"},
	}}

	// One vendor's cost moves to another cost centre, one is owed less, one more.
	changedParties = paper{owner: people[0], items: []item{
		{kind: "AIRFR", pay: "IBCP", cents: 42860, centre: "310"},
		{kind: "TOOLS", pay: "CBCP", cents: 9675, centre: "420"},
		{kind: "HOTEL", pay: "CBCP", cents: 8500, centre: "420"},
		{kind: "MEALS", pay: "CASH", cents: 18001, centre: "200", percent: 33, second: "100"},
		{kind: "TAXI", pay: "CASH", cents: 2215, centre: "200"},
	}}

	ways = []way{
		{name: "report to three counterparties", paper: threeParties},
		{name: "supplier's invoice", paper: supplied},
		{name: "refund to a debit memo", paper: refund},
		{name: "supplier's credit to a debit memo", paper: credit},
		{name: "supplier's invoice matched with receipts", paper: matchedLines},
		{name: "queued report to three counterparties", paper: threeParties, queue: true},
		{name: "queued supplier's invoice", paper: supplied, queue: true},
		{name: "queued refund to a debit memo", paper: refund, queue: true},
		{name: "report changed after it was posted", paper: changedParties, before: []paper{threeParties}},
		{name: "report recalled after its correction was posted", paper: changedParties, before: []paper{threeParties}, recalled: true},
	}
)

// keeper makes the stores of a cell: what stays when a process dies.
type keeper struct {
	name    string
	virtual bool // works in a bubble
	stride  int  // between the cells of a brief run
	open    func(t *testing.T) (storage.Store, audit.Log, func())
}

func keepers(t *testing.T) []keeper {
	return []keeper{
		{"memstore", true, 719, func(*testing.T) (storage.Store, audit.Log, func()) { return memstore.New(), memlog.New(), func() {} }},
		{"sqlitestore", true, 2203, func(t *testing.T) (storage.Store, audit.Log, func()) {
			base := "/dev/shm" // no machine is lost here, only a process: the files need no disk
			if i, err := os.Stat(base); err != nil || !i.IsDir() {
				base = ""
			}
			dir, err := os.MkdirTemp(base, "proof") //nolint:usetesting // removed with its cell: there are thousands
			require.NoError(t, err)
			s, err := sqlitestore.Open(context.Background(), filepath.Join(dir, "ledger.db"), nil)
			require.NoError(t, err)
			l, err := sqlitelog.Open(context.Background(), filepath.Join(dir, "audit.db"), nil)
			require.NoError(t, err)
			return s, l, func() {
				require.NoError(t, s.Close())
				require.NoError(t, l.Close())
				require.NoError(t, os.RemoveAll(dir))
			}
		}},
		{"pgstore", false, 2203, pgKeeper(t)},
	}
}

// pgKeeper opens one store and log for all cells; each is a tenant of its own.
func pgKeeper(t *testing.T) func(*testing.T) (storage.Store, audit.Log, func()) {
	type pair struct {
		s storage.Store
		l audit.Log
	}
	both := sync.OnceValue(func() pair {
		dsn := pgtest.Database(t)
		s, err := pgstore.Open(context.Background(), dsn, &pgstore.Options{MaxConns: 24})
		require.NoError(t, err)
		l, err := pglog.Open(context.Background(), dsn, &pglog.Options{MaxConns: 24})
		require.NoError(t, err)
		t.Cleanup(func() { _, _ = s.Close(), l.Close() })
		return pair{s, l}
	})
	return func(*testing.T) (storage.Store, audit.Log, func()) { p := both(); return p.s, p.l, func() {} }
}

// cell is one blow at one call of one way over one store.
type cell struct {
	way    way
	keeper keeper
	kind   string
	nth    int
	blow   blow
}

func (c cell) String() string {
	return fmt.Sprintf("%s, %s, %s call %d, %s", c.keeper.name, c.way.name, c.kind, c.nth, c.blow)
}

// outcome is how a cell ended.
type outcome struct {
	count  map[string]int // of calls, by kind
	parked bool           // a person was asked; after a replay it was posted
	killed bool
	met    bool // the call was made and struck
	wrong  []string
}

var cells atomic.Int64

// live runs a cell. In the end one right and whole set stands in the ERP.
func (c cell) live(t *testing.T) (out outcome) {
	say := func(format string, args ...any) { out.wrong = append(out.wrong, fmt.Sprintf(format, args...)) }
	ctx := context.Background()
	town := newTownOf(nil, &concurtest.CompanyOptions{FinancialIntegration: c.way.queue})
	defer town.concur.Close()
	store, log, done := c.keeper.open(t)
	defer done()
	p := plant{
		tenant: fmt.Sprint("cell", cells.Add(1)), store: store, log: log, places: town.places(), book: newRulebook("delta"), from: time.Now().AddDate(0, -1, 0),
		policy:  engine.Policy{Sweep: -1, MaxTries: 6, Poll: time.Hour},
		options: engine.Options{Poll: time.Hour, Workers: 1}, final: epicorsync.Saved, carrier: town, queue: c.way.queue, matched: c.way.paper.matched,
	}
	limit, step := 3*time.Hour, 5*time.Second
	if !c.keeper.virtual {
		// In real time everything is as short as it may be.
		p.policy = engine.Policy{Sweep: -1, MaxTries: 6, MinWait: 5 * time.Millisecond, MaxWait: 20 * time.Millisecond, CircuitOpen: 20 * time.Millisecond, Lease: 1500 * time.Millisecond}
		p.options.Poll, p.timeout = 300*time.Millisecond, 2*time.Second
		limit, step = patience, 50*time.Millisecond
	}
	calm := p
	calm.timeout = 0 // connecting is no part of the cell and happens once
	first, err := calm.wire()
	if err == nil {
		err = first.connect(ctx, town.company.RequestToken())
	}
	if err != nil {
		say("connect: %v", err)
		return out
	}
	ref := town.approved(c.way.revisions()[0])
	notice := connector.Notice{Tenant: p.tenant, Ref: ref}
	id := storage.ID{Tenant: p.tenant, Target: targetID, Document: ref.Kind + "/" + ref.ID}
	s := newStrike(c.kind, c.nth, c.blow)
	blow := s
	defer blow.lingering.Wait()
	if !c.keeper.virtual {
		s.slow = 2 * time.Second
	}
	state := func() engine.State {
		st, err := first.engine.Get(ctx, id)
		if err != nil || !st.Due.IsZero() {
			return "" // it is confirmed before Concur was told so
		}
		return st.State
	}
	running := func(m *machine, until func() bool) {
		run, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- m.engine.Run(run) }()
		for began := time.Now(); !until() && time.Since(began) < limit && !s.killed(); {
			pass(step)
		}
		cancel()
		if err := <-ended; err != nil {
			say("run: %v", err)
		}
	}
	rest := func() bool { st := state(); return st == c.way.end() || st == engine.Parked }
	had := set{} // stands before the last step
	post := func(p paper) {
		if err := first.engine.Notify(ctx, notice); err != nil {
			say("notify: %v", err)
		}
		running(first, func() bool { return state() == engine.Confirmed })
		had = p.must(0)
		if why := town.finance(nil); len(why) > 0 {
			say("finance cannot post: %v", why)
		}
		if have, wrong := stands(town.of(ref), len(c.way.before)+1); !have.equal(had) || len(wrong) > 0 {
			say("before the last step: %s stands, not %s; %v", have, had, wrong)
		}
	}
	for i, earlier := range c.way.before {
		post(earlier)
		town.revised(ref, c.way.revisions()[i+1])
	}
	if c.way.recalled {
		post(c.way.paper)
		town.company.SendBack(ref.ID, "once more")
	}

	struck := p
	struck.store, struck.log, struck.carrier = brittleStore{store, s}, brittleLog{log, s}, brittleWire{town, s}
	m, err := struck.wire()
	if err != nil {
		say("wire: %v", err)
		return out
	}
	notify := func() bool {
		event, cancel := context.WithCancel(ctx)
		if c.keeper.virtual { // an event's handler gives up; in real time that would be a race with the machine
			event, cancel = context.WithTimeout(ctx, 8*time.Second)
		}
		defer cancel()
		return m.engine.Notify(event, notice) == nil
	}
	taken := notify()
	for n := 0; !taken && !s.killed() && n < 3; n++ {
		taken = notify() // Concur sends again
	}
	running(m, rest)
	s.mu.Lock()
	out.count, out.killed, out.met = s.count, s.gone, s.what != ""
	s.mu.Unlock()
	if s.killed() {
		s = newStrike("", 0, "")
		again, err := p.wire()
		if err != nil {
			say("wire: %v", err)
			return out
		}
		if !taken {
			if err := again.engine.Notify(ctx, notice); err != nil {
				say("notify: %v", err)
			}
		}
		running(again, rest)
	}
	if state() == engine.Parked {
		out.parked = true
		st, err := first.engine.Get(ctx, id)
		if err != nil || st.Cause == "" || len(st.Issues) == 0 || st.Issues[0].Remedy == "" {
			say("parked without a reason that helps: %+v, %v", st, err)
		}
		// A correction that made nothing leaves what stood before it.
		if have, _ := stands(town.of(ref), len(c.way.before)+1); st.Effect == engine.None && (c.way.recalled || !have.equal(had)) {
			say("parked without effect, and %s stands", have)
		}
		mended, err := p.wire()
		if err != nil {
			say("wire: %v", err)
			return out
		}
		if n, err := mended.replay(ctx); n != 1 || err != nil {
			say("replay woke %d: %v", n, err)
		}
		running(mended, func() bool { return state() == c.way.end() })
	}
	blow.lingering.Wait()
	c.judge(ctx, town, p, first, ref, id, &out, say)
	return out
}

// approved puts the paper into Concur and approves it.
func (t *town) approved(p paper) connector.Ref {
	if p.supplier != "" {
		r := t.company.AddApprovedPaymentRequest(t.request(p, "INV-1"))
		return connector.Ref{Kind: "invoice", ID: r.ID}
	}
	r := t.company.AddApprovedReport(concurtest.Report{Owner: p.owner.login, Name: "Trip", Expenses: t.expenses(p)})
	return connector.Ref{Kind: "report", ID: r.ID, Hint: t.users[r.Owner]}
}

// revised puts another content into an approved report and has it approved anew.
func (t *town) revised(ref connector.Ref, p paper) {
	t.company.SendBack(ref.ID, "once more")
	expenses := t.expenses(p)
	t.company.EditReport(ref.ID, func(r *concurtest.Report) { r.Expenses = expenses })
	t.company.Submit(ref.ID)
	t.company.Approve(ref.ID)
}

func (t *town) request(p paper, number string) concurtest.PaymentRequest {
	r := concurtest.PaymentRequest{
		InvoiceNumber: number, Owner: p.owner.login, Policy: "AP", Lines: lines(p), Shipping: money(p.shipping), Tax: money(p.tax),
	}
	for _, s := range suppliers {
		if s.Code == p.supplier {
			r.Vendor = s
		}
	}
	return r
}

// of are the AP invoices of a document, found by the numbers that people use.
func (t *town) of(ref connector.Ref) (out []epicortest.Invoice) {
	number := ""
	if ref.Kind == "report" {
		r, _ := t.company.Report(ref.ID)
		number = "-" + r.Number + "-"
	} else {
		r, _ := t.company.PaymentRequest(ref.ID)
		number = r.InvoiceNumber
	}
	for _, inv := range t.epicor.Invoices(book) {
		if ref.Kind == "report" && strings.Contains(inv.Number, number) || inv.Number == number {
			out = append(out, inv)
		}
	}
	return out
}

// judge checks the ERP, the row, the locks, the token and the trail.
func (c cell) judge(ctx context.Context, town *town, p plant, m *machine, ref connector.Ref, id storage.ID, out *outcome, say func(string, ...any)) {
	have, wrong := stands(town.of(ref), len(c.way.before)+1)
	for _, w := range wrong {
		say("wrong: %s", w)
	}
	want := c.way.must()
	most, last := c.way.invoices()
	all, cancelled, cancels := town.epicor.Invoices(book), 0, 0
	for _, inv := range all {
		if inv.CancelledBy != "" {
			cancelled++
		}
		if inv.Cancels {
			cancels++
		}
	}
	switch {
	case len(have) == 0 && len(want) > 0:
		say("lost: nothing stands")
	case len(standing(all)) > most:
		say("doubled: %d invoices stand, not %d", len(standing(all)), most)
	case !have.equal(want) || len(standing(all)) != most:
		say("wrong: %d invoices, %s, stand, not %d, %s", len(standing(all)), have, most, want)
	case cancels != cancelled:
		say("doubled: %d invoices are cancelled and %d cancel", cancelled, cancels)
	}
	st, err := m.engine.Get(ctx, id)
	if err != nil || st.State != c.way.end() || !c.way.recalled && (st.Receipt == nil || len(st.Receipt.Made) != last) {
		say("the row says %s %s %s, %v; history %v", st.State, st.Cause, st.Why, err, st.History)
	}
	for _, f := range town.company.FinancialDocuments() {
		if c.way.queue && f.Status != concurtest.FinancialPosted {
			say("wrong: Concur was told %s: %v", f.Status, f.Messages)
		}
	}
	for _, group := range town.locks() {
		say("group %s stays locked: %v", group, st.Receipt)
	}
	if _, err := m.tokens.Token(audit.NewContext(ctx, audit.Scope{Tenant: p.tenant, Subject: "judge", Actor: "judge"})); err != nil {
		say("the token is of no use: %v", err)
	}
	if _, err := m.trail.Verify(ctx, p.tenant); err != nil {
		say("the trail: %v", err)
	}
}

// tally counts cells.
type tally struct {
	mu                                     sync.Mutex
	cells, unmet, posted, parked, restarts int
	wrong                                  []string
}

func (y *tally) add(c cell, out outcome) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, w := range out.wrong {
		y.wrong = append(y.wrong, c.String()+": "+w)
	}
	if !out.met {
		y.unmet++ // in real time a run may make fewer calls than the one that counted them
		return
	}
	y.cells++
	switch {
	case out.parked:
		y.parked++
	default:
		y.posted++
	}
	if out.killed {
		y.restarts++
	}
}

// plan lists every cell of a way over a store.
func (k keeper) plan(w way, count map[string]int) (all []cell) {
	for _, kind := range []string{ofCall, ofStore, ofAudit} {
		blows := writeBlows
		if kind == ofCall {
			blows = callBlows
		}
		for nth := 1; nth <= count[kind]; nth++ {
			for _, b := range blows {
				all = append(all, cell{w, k, kind, nth, b})
			}
		}
	}
	return all
}

// run runs a cell where its store works: in a bubble or in real time.
func (c cell) run(t *testing.T) (out outcome) {
	if !c.keeper.virtual {
		return c.live(t)
	}
	synctest.Test(t, func(t *testing.T) { out = c.live(t) })
	return out
}

// matrixStride is the distance between the cells that a run takes;
// ML_CONNECTOR_MATRIX overrides it, 1 takes all.
func matrixStride(t *testing.T, usual int) int {
	v := os.Getenv("ML_CONNECTOR_MATRIX")
	if v == "" {
		return usual
	}
	n, err := strconv.Atoi(v)
	require.NoError(t, err)
	return max(1, n)
}

// ML_CONNECTOR_MATRIX_WAY limits the run to the ways whose name holds it.
//
// Every call of a document's way from approval to posting, of the vendors, the
// store and the audit log, is struck by everything that may strike it.
func TestWhateverStrikesWhicheverCallEachDocumentIsPostedOnce(t *testing.T) {
	total := &tally{}
	var ran atomic.Int64
	for _, k := range keepers(t) {
		t.Run(k.name, func(t *testing.T) {
			lanes, stride := 2, matrixStride(t, k.stride)
			if !k.virtual {
				lanes = 16
			}
			sum := &tally{}
			var all []cell
			for _, w := range ways {
				if !strings.Contains(w.name, os.Getenv("ML_CONNECTOR_MATRIX_WAY")) {
					continue
				}
				dry := cell{way: w, keeper: k}.run(t)
				require.Empty(t, dry.wrong, w.name)
				all = append(all, k.plan(w, dry.count)...)
			}
			began := time.Now()
			t.Run("cells", func(t *testing.T) {
				for lane := range lanes {
					t.Run(strconv.Itoa(lane), func(t *testing.T) {
						t.Parallel()
						for i := lane * stride; i < len(all); i += lanes * stride {
							out := all[i].run(t)
							sum.add(all[i], out)
							if n := ran.Add(1); n%500 == 0 { // a whole run takes long
								fmt.Printf("%d cells, %d violations in %s\n", n, sum.failures(), k.name)
							}
							for _, w := range out.wrong {
								t.Errorf("%s: %s", all[i], w)
							}
						}
					})
				}
			})
			t.Logf("%s: %d of %d cells in %s: %d posted by itself, %d parked with a reason and posted after a replay, %d restarts; %d violations; %d cells not met",
				k.name, sum.cells, len(all), time.Since(began).Round(time.Second), sum.posted, sum.parked, sum.restarts, len(sum.wrong), sum.unmet)
			total.cells += sum.cells
			total.wrong = append(total.wrong, sum.wrong...)
		})
	}
	t.Logf("%d cells: %d lost, %d doubled, %d wrong", total.cells, total.of("lost"), total.of("doubled"), len(total.wrong)-total.of("lost")-total.of("doubled"))
}

func (y *tally) failures() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return len(y.wrong)
}

func (y *tally) of(word string) (n int) {
	for _, w := range y.wrong {
		if strings.Contains(w, ": "+word+":") {
			n++
		}
	}
	return n
}
