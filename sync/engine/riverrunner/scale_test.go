package riverrunner_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/engine/riverrunner"
	"github.com/ml-connector/ml-connector/sync/storage/pgstore"
)

// lease is longer than a process that lives is ever held up, even on a machine
// that is overloaded: the table would show what two make at once as doubled.
const lease = 10 * time.Second

// latency is how long the vendors take for each call.
const latency = 50 * time.Millisecond

// ledger is a sink that several processes share: a table in which nothing keeps
// a document from being made twice.
type ledger struct{ pool *pgxpool.Pool }

func (s ledger) Find(ctx context.Context, d connector.Delivery[paper]) (connector.Finding, error) {
	n := 0
	err := s.pool.QueryRow(ctx, `SELECT count(*) FROM made WHERE document = $1`, d.Posting.ID).Scan(&n)
	if err != nil || n == 0 {
		return connector.Finding{Presence: connector.Absent}, err
	}
	return connector.Finding{Presence: connector.Same, Receipt: receipt(d)}, nil
}

func (s ledger) Deliver(ctx context.Context, d connector.Delivery[paper]) (connector.Receipt, error) {
	if err := pause(ctx, latency); err != nil {
		return connector.Receipt{}, err
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO made VALUES ($1, clock_timestamp())`, d.Posting.ID)
	return receipt(d), err
}

func (ledger) Reverse(context.Context, connector.Delivery[paper]) (connector.Receipt, error) {
	return connector.Receipt{}, nil
}

// open returns an engine over a database as every process of the installation
// has it, and what to call at its end.
func open(ctx context.Context, t *testing.T, dsn string) *engine.Engine {
	t.Helper()
	runner, err := riverrunner.Open(ctx, dsn, &riverrunner.Options{Workers: 4})
	require.NoError(t, err)
	t.Cleanup(runner.Close)
	store, err := pgstore.Open(ctx, dsn, &pgstore.Options{OnWrite: runner.OnWrite})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	pool, err := pgxpool.New(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	e, err := engine.New(store, audit.NewTrail(memlog.New(), nil), &engine.Options{Runner: runner})
	require.NoError(t, err)
	require.NoError(t, engine.Add(e, engine.Flow[paper, paper]{
		Tenant: tenant, Name: "papers", Target: "ledger", Source: desk{latency}, Mapper: desk{}, Sink: ledger{pool},
		Policy: &engine.Policy{Sweep: -1, Lease: lease},
	}))
	return e
}

// installation is a database with processes that work on it.
type installation struct {
	dsn      string
	children []*exec.Cmd
}

func install(t *testing.T, processes int) *installation {
	t.Helper()
	in := &installation{dsn: pgtest.Database(t)}
	pgtest.Exec(t, in.dsn, `CREATE TABLE made (document text, at timestamptz)`)
	for range processes {
		in.add(t)
	}
	return in
}

// add starts a process and waits until it works.
func (in *installation) add(t *testing.T) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFourProcessesDoTheWorkOfFour$")
	child.Env = append(os.Environ(), "RIVERRUNNER_CHILD="+in.dsn)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "working", strings.TrimSpace(line))
	in.children = append(in.children, child)
	t.Cleanup(func() {
		_ = child.Process.Signal(os.Interrupt) // it may have been killed
		_ = child.Wait()
	})
	return child
}

// work takes documents in and waits until each was made. It returns how long the
// sink saw work.
func (in *installation) work(t *testing.T, documents int) (took time.Duration, made, doubled int) {
	t.Helper()
	web := open(t.Context(), t, in.dsn) // takes in and does not run
	var group errgroup.Group
	group.SetLimit(16)
	for n := range documents {
		group.Go(func() error {
			return web.Notify(t.Context(), connector.Notice{Tenant: tenant, Ref: connector.Ref{Kind: "paper", ID: strconv.Itoa(n)}})
		})
	}
	require.NoError(t, group.Wait())
	conn := pgtest.Connect(t, in.dsn)
	require.Eventually(t, func() bool {
		n := 0
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(DISTINCT document) FROM made`).Scan(&n))
		return n == documents
	}, 5*time.Minute, 20*time.Millisecond)
	var seconds int64
	require.NoError(t, conn.QueryRow(t.Context(),
		`SELECT count(DISTINCT document), count(*) - count(DISTINCT document), (extract(epoch FROM max(at) - min(at)) * 1000000)::bigint FROM made`).
		Scan(&made, &doubled, &seconds))
	return time.Duration(seconds) * time.Microsecond, made, doubled
}

// With RIVERRUNNER_DOCUMENTS set, to 1000 for example, it measures: four
// processes shall do 3.6 times the work of one.
func TestFourProcessesDoTheWorkOfFour(t *testing.T) {
	if dsn := os.Getenv("RIVERRUNNER_CHILD"); dsn != "" {
		ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
		defer stop()
		e := open(ctx, t, dsn)
		fmt.Println("working")
		require.NoError(t, e.Run(ctx))
		return
	}
	documents, runs, measured := 40, 1, false
	if n, err := strconv.Atoi(os.Getenv("RIVERRUNNER_DOCUMENTS")); err == nil {
		documents, runs, measured = n, 3, true
	}
	var ratios []int64
	for range runs {
		var took [2]time.Duration
		for i, processes := range []int{1, 4} {
			in := install(t, processes)
			var made, doubled int
			took[i], made, doubled = in.work(t, documents)
			require.Equal(t, documents, made)
			require.Zero(t, doubled, "of %d documents", documents)
			t.Logf("%d processes: %d documents in %s, 0 lost, 0 doubled", processes, documents, took[i].Round(time.Millisecond))
			for _, child := range in.children {
				require.NoError(t, child.Process.Signal(os.Interrupt))
				require.NoError(t, child.Wait(), "a process did not stop in order")
			}
		}
		ratios = append(ratios, int64(100*took[0]/took[1]))
	}
	slices.Sort(ratios)
	t.Logf("P5   rate of 4 processes in hundredths of that of 1: %v", ratios)
	if measured {
		require.GreaterOrEqual(t, ratios[len(ratios)/2], int64(360))
	}
}

// Rows that a killed process held are worked on by the others once their leases
// have run out, and nothing is made twice.
func TestWhatAKilledProcessHeldIsDoneByAnother(t *testing.T) {
	in := install(t, 1)
	victim := in.children[0]
	done := make(chan struct{})
	go func() {
		defer close(done)
		wait := time.NewTimer(400 * time.Millisecond)
		<-wait.C
		_ = victim.Process.Kill() // the documents tell
		_ = victim.Wait()
	}()
	in.add(t)
	_, made, doubled := in.work(t, 30)
	<-done
	require.Equal(t, 30, made)
	require.Zero(t, doubled)
}
