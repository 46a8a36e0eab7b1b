package proof

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

// trouble lets a connector work, breaks what it writes to while documents are
// approved, mends it, and sees every document posted by itself.
type trouble struct {
	t    *testing.T
	p    *parent
	load *burden
}

func newTrouble(t *testing.T, dir, dsn string) *trouble {
	t.Helper()
	tn := newTown(&concurtest.Options{DeliveryBackoff: 50 * time.Millisecond})
	p := newParent(t, tn, dir, dsn)
	tn.concur.Subscribe(concur.TopicExpenseReport, "http://"+p.tell.Listen+"/concur/events", &concurtest.SubscribeOptions{Filter: "^statusChanged$"})
	return &trouble{t: t, p: p, load: &burden{town: tn, rng: rand.New(rand.NewPCG(3, 3))}}
}

// begin starts the connector and sees it post.
func (b *trouble) begin() {
	b.t.Helper()
	b.p.begin()
	b.p.up()
	b.load.add(3)
	b.load.posted(b.t)
	// A sweep may have been faster than an event, which comes yet.
	require.Eventually(b.t, func() bool { return b.load.town.concur.Pending() == 0 }, patience, 20*time.Millisecond, "events are not delivered")
}

// meets approves documents meanwhile and sees their events answered so.
func (b *trouble) meets(status int) {
	b.t.Helper()
	tn := b.load.town
	seen := len(tn.concur.Deliveries())
	b.load.add(4)
	require.Eventually(b.t, func() bool {
		n := 0
		for _, d := range tn.concur.Deliveries()[seen:] {
			if d.Status == status {
				n++
			}
		}
		return n >= 3
	}, patience, 20*time.Millisecond, "events are not answered %d", status)
	for _, d := range tn.concur.Deliveries()[seen:] {
		require.NotEqual(b.t, http.StatusOK, d.Status, "taken although it cannot be durable")
		require.NotEqual(b.t, concurtest.Dropped, d.Outcome, "Concur does not send it again")
	}
}

// ends sees everything posted, the rows and the trail whole.
func (b *trouble) ends() {
	b.t.Helper()
	b.load.posted(b.t)
	require.Eventually(b.t, func() bool { return b.p.idle(b.load) }, patience, 200*time.Millisecond, "rows do not come to rest")
	b.p.kill()
	_, wrong := b.load.count()
	require.Empty(b.t, wrong)
	b.load.settled(b.t, b.p.tell)
}

func TestAFullDiskIsAnswered503AndWorkGoesOnByItselfWhenThereIsRoomAgain(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a process bounds its files on Linux alone")
	}
	b := newTrouble(t, t.TempDir(), "")
	b.begin()
	bound := func(query string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+b.p.tell.Listen+"/limit"+query, nil)
		require.NoError(t, err)
		res, err := (&http.Client{Timeout: patience}).Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode, string(text))
	}
	bound("?bytes=1") // no file grows or changes beyond its first byte
	b.meets(http.StatusServiceUnavailable)
	bound("")
	b.ends()
}

func TestAFileThatAnotherProcessLocksIsAnswered503AndWorkGoesOnByItself(t *testing.T) {
	for _, file := range []string{"ledger.db", "audit.db"} {
		t.Run(file, func(t *testing.T) {
			b := newTrouble(t, t.TempDir(), "")
			b.begin()
			db, err := sql.Open("sqlite", filepath.Join(b.p.tell.Dir, file)+"?_pragma=busy_timeout(240000)") // the connector may be writing
			require.NoError(t, err)
			defer func() { require.NoError(t, db.Close()) }()
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
			require.NoError(t, err)
			if file == "ledger.db" {
				b.meets(http.StatusServiceUnavailable)
			} else {
				// An event is durable without a record; nothing is sent without one.
				b.load.add(4)
				before := len(b.load.town.epicor.Invoices(book))
				pass(2 * time.Second)
				require.Len(t, b.load.town.epicor.Invoices(book), before)
			}
			_, err = conn.ExecContext(t.Context(), "ROLLBACK")
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			b.ends()
		})
	}
}

func TestAConnectorWhoseFilesAreReadOnlyTakesNothingAndWorksWhenTheyAreNot(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("users and modes are Linux's here")
	}
	dir, err := os.MkdirTemp("", "proof") //nolint:usetesting // t.TempDir stands below folders that others may not enter
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	b := newTrouble(t, dir, "")
	files := func(mode, folder os.FileMode) {
		matches, err := filepath.Glob(filepath.Join(dir, "*.db*"))
		require.NoError(t, err)
		for _, f := range matches {
			require.NoError(t, os.Chmod(f, mode))
			if os.Geteuid() == 0 {
				require.NoError(t, os.Chown(f, nobody, nobody))
			}
		}
		require.NoError(t, os.Chmod(dir, folder))
	}
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(dir, nobody, nobody))
		b.p.asNobody(dir)
	}
	files(0o600, 0o755)
	b.begin()
	b.p.kill()
	files(0o444, 0o555)
	b.p.begin()
	b.load.add(4)
	// It does not come up, or it answers 503; nothing is taken either way.
	ended := make(chan error, 1)
	child := b.p.child
	go func() { ended <- child.Wait() }()
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(3 * time.Second):
		require.NoError(t, child.Process.Kill())
		require.Error(t, <-ended)
	}
	b.p.child = nil
	for _, d := range b.load.town.concur.Deliveries() {
		require.NotEqual(t, concurtest.Dropped, d.Outcome)
	}
	files(0o600, 0o755)
	b.p.begin()
	b.ends()
}

func TestADatabaseThatRestartsIsAnswered503AndWorkGoesOnByItself(t *testing.T) {
	server := pgtest.Start(t)
	b := newTrouble(t, "", server.Database(t, "proof"))
	b.begin()
	server.Stop(t)
	b.meets(http.StatusServiceUnavailable)
	server.Run(t)
	if os.Getenv("ML_CONNECTOR_KILLS") != "" { // its recovery takes some seconds
		b.load.posted(t)
		server.Crash(t)
		b.meets(http.StatusServiceUnavailable)
		server.Run(t)
	}
	b.ends()
}

// turning sets the clock at one call.
type turning struct {
	mu    sync.Mutex
	shift time.Duration
	by    time.Duration
	at    int // call at which it is set; 0: never
	n     int
}

func (c *turning) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.shift)
}

func (c *turning) tick() {
	c.mu.Lock()
	c.n++
	if c.n == c.at {
		c.shift += c.by
	}
	c.mu.Unlock()
	pass(50 * time.Millisecond)
}

func (c *turning) around(ctx context.Context, _, _ string, do func(context.Context) error) error {
	c.tick()
	return do(ctx)
}

func (c *turning) call(base http.RoundTripper, r *http.Request) (*http.Response, error) {
	c.tick()
	return base.RoundTrip(r)
}

// post posts one report while the clock is set; an outage lies in its way.
func (c *turning) post(t *testing.T) {
	t.Helper()
	where := fmt.Sprintf("the clock jumps by %s at call %d", c.by, c.at)
	tn := newTown(nil)
	defer tn.concur.Close()
	store, log := memstore.New(), memlog.New()
	p := plant{
		tenant: connectorID, store: brittleStore{store, c}, log: brittleLog{log, c}, carrier: brittleWire{tn, c}, places: tn.places(), book: newRulebook("park"),
		from: time.Now().AddDate(0, -1, 0), policy: engine.Policy{Sweep: 10 * time.Minute}, options: engine.Options{Now: c.now, Poll: 30 * time.Second}, final: epicorsync.Saved,
	}
	m, err := p.wire()
	require.NoError(t, err)
	require.NoError(t, m.connect(t.Context(), tn.company.RequestToken()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.engine.Run(ctx) }()
	ref := tn.approved(threeParties)
	require.NoError(t, m.engine.Notify(t.Context(), connector.Notice{Tenant: connectorID, Ref: ref}), where)
	pass(15 * time.Second)
	tn.epicor.Inject(concurtest.Fault{Drop: true, Times: 6})
	late := tn.approved(refund)
	require.NoError(t, m.engine.Notify(t.Context(), connector.Notice{Tenant: connectorID, Ref: late}), where)
	pass(30 * time.Minute)
	cancel()
	require.NoError(t, <-ended)
	for r, p := range map[connector.Ref]paper{ref: threeParties, late: refund} {
		have, wrong := stands(tn.of(r), 1)
		require.Empty(t, wrong, where)
		want := p.must(0)
		require.True(t, have.equal(want), "%s: %s stands, not %s", where, have, want)
		st, err := m.engine.Get(t.Context(), storage.ID{Tenant: connectorID, Target: targetID, Document: r.Kind + "/" + r.ID})
		require.NoError(t, err)
		require.Equal(t, engine.Confirmed, st.State, "%s: %s", where, st.Why)
	}
	_, err = m.trail.Verify(t.Context(), connectorID)
	require.NoError(t, err, where)
}

func TestAClockThatJumpsByAnHourHoldsNothingUpAndDoublesNothing(t *testing.T) {
	calls := 0
	synctest.Test(t, func(t *testing.T) {
		c := &turning{}
		c.post(t)
		calls = c.n
	})
	stride := 97
	if os.Getenv("ML_CONNECTOR_MATRIX") != "" {
		stride = matrixStride(t, stride)
	}
	ran := 0
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		for at := 1; at <= calls; at += stride {
			synctest.Test(t, func(t *testing.T) { (&turning{by: by, at: at}).post(t) })
			ran++
		}
	}
	t.Logf("%d moments of %d: 0 lost, 0 doubled, 0 wrong", ran, 2*calls)
}
