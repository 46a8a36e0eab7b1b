package riverrunner_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/engine/riverrunner"
	"github.com/ml-connector/ml-connector/sync/storage/pgstore"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const tenant = "acme"

type paper struct{ ID string }

// desk is a source and a mapper that do nothing.
type desk struct{ latency time.Duration }

func (desk) Changes(context.Context, connector.Cursor) (connector.Page[paper], error) {
	return connector.Page[paper]{}, nil
}

func (d desk) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[paper], error) {
	return connector.Snapshot[paper]{Ref: ref, Revision: 1, Phase: connector.Ready, Period: "2026-10", Content: paper{ref.ID}}, pause(ctx, d.latency)
}

func (desk) Map(_ context.Context, p paper) (mapping.Result[paper], error) {
	return mapping.Result[paper]{Posting: p, Version: "1"}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tray is a sink in memory that may fail.
type tray struct {
	mu    sync.Mutex
	made  map[string]int
	tries int
	fail  func(try int) error
}

func (s *tray) Find(_ context.Context, d connector.Delivery[paper]) (connector.Finding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made[d.Posting.ID] == 0 {
		return connector.Finding{Presence: connector.Absent}, nil
	}
	return connector.Finding{Presence: connector.Same, Receipt: receipt(d)}, nil
}

func (s *tray) Deliver(_ context.Context, d connector.Delivery[paper]) (connector.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.fail != nil {
		if err := s.fail(s.tries); err != nil {
			return connector.Receipt{}, err
		}
	}
	s.made[d.Posting.ID]++
	return receipt(d), nil
}

func (s *tray) Reverse(context.Context, connector.Delivery[paper]) (connector.Receipt, error) {
	return connector.Receipt{}, nil
}

func receipt(d connector.Delivery[paper]) connector.Receipt {
	return connector.Receipt{Final: true, Made: []connector.Made{{ID: d.Posting.ID, Number: d.Posting.ID}}}
}

// process is what one process of an installation has.
type process struct {
	*engine.Engine
	confirmed chan string
}

func start(t *testing.T, dsn string, sink connector.Sink[paper], opts riverrunner.Options, policy engine.Policy) *process {
	t.Helper()
	runner, err := riverrunner.Open(t.Context(), dsn, &opts)
	require.NoError(t, err)
	store, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{OnWrite: runner.OnWrite})
	require.NoError(t, err)
	p := &process{confirmed: make(chan string, 1000)}
	p.Engine, err = engine.New(store, audit.NewTrail(memlog.New(), nil), &engine.Options{Runner: runner, Observer: engine.Observer{
		Changed: func(c engine.Change) {
			if c.To == engine.Confirmed {
				p.confirmed <- c.ID.Document
			}
		},
	}})
	require.NoError(t, err)
	policy.Sweep = -1
	require.NoError(t, engine.Add(p.Engine, engine.Flow[paper, paper]{
		Tenant: tenant, Name: "papers", Target: "tray", Source: desk{}, Mapper: desk{}, Sink: sink, Policy: &policy,
	}))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, store.Close())
		runner.Close()
	})
	return p
}

func (p *process) notify(t *testing.T, id string) {
	t.Helper()
	require.NoError(t, p.Notify(t.Context(), connector.Notice{Tenant: tenant, Ref: connector.Ref{Kind: "paper", ID: id}}))
}

func await(t *testing.T, from <-chan string) string {
	t.Helper()
	limit := time.NewTimer(5 * time.Minute)
	defer limit.Stop()
	select {
	case id := <-from:
		return id
	case <-limit.C:
		require.FailNow(t, "a document was not worked on")
		return ""
	}
}

// The looks are so far apart that only the job of the write can bring the work.
func TestAWriteThatMakesARowDueBringsItsWork(t *testing.T) {
	s := &tray{made: map[string]int{}}
	dsn := pgtest.Database(t)
	p := start(t, dsn, s, riverrunner.Options{Poll: time.Hour}, engine.Policy{})
	for n := range 20 {
		p.notify(t, fmt.Sprint(n))
	}
	for range 20 {
		await(t, p.confirmed)
	}
	require.Len(t, s.made, 20)
	for id, times := range s.made {
		require.Equal(t, 1, times, id)
	}
}

func TestANoticeOfOneProcessIsWorkedOnByAnother(t *testing.T) {
	dsn := pgtest.Database(t)
	s := &tray{made: map[string]int{}}
	p := start(t, dsn, s, riverrunner.Options{Poll: time.Hour}, engine.Policy{})
	runner, err := riverrunner.Open(t.Context(), dsn, nil)
	require.NoError(t, err)
	defer runner.Close()
	store, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{OnWrite: runner.OnWrite})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	web, err := engine.New(store, audit.NewTrail(memlog.New(), nil), nil) // it takes in and never runs
	require.NoError(t, err)
	require.NoError(t, engine.Add(web, engine.Flow[paper, paper]{
		Tenant: tenant, Name: "papers", Target: "tray", Source: desk{}, Mapper: desk{}, Sink: s,
	}))
	require.NoError(t, web.Notify(t.Context(), connector.Notice{Tenant: tenant, Ref: connector.Ref{Kind: "paper", ID: "1"}}))
	require.Equal(t, "paper/1", await(t, p.confirmed))
}

func TestWhatIsDueLaterIsFoundByALook(t *testing.T) {
	s := &tray{made: map[string]int{}, fail: func(try int) error {
		if try < 3 {
			return errors.New("out of order")
		}
		return nil
	}}
	p := start(t, pgtest.Database(t), s, riverrunner.Options{Poll: 50 * time.Millisecond}, engine.Policy{
		MinWait: 50 * time.Millisecond, MaxWait: 100 * time.Millisecond,
	})
	p.notify(t, "1")
	await(t, p.confirmed)
	require.Equal(t, map[string]int{"1": 1}, s.made)
}

// A system that is down must not make jobs that make jobs.
func TestWhileASystemIsShutJobsDoNotSpin(t *testing.T) {
	dsn := pgtest.Database(t)
	mended := make(chan struct{})
	s := &tray{made: map[string]int{}, fail: func(int) error {
		select {
		case <-mended:
			return nil
		default:
			return errors.New("down")
		}
	}}
	p := start(t, dsn, s, riverrunner.Options{Poll: 50 * time.Millisecond}, engine.Policy{
		MinWait: 20 * time.Millisecond, MaxWait: 50 * time.Millisecond, CircuitFailures: 2, CircuitOpen: 5 * time.Second,
	})
	const documents = 5
	for n := range documents {
		p.notify(t, fmt.Sprint(n))
	}
	conn := pgtest.Connect(t, dsn)
	jobs := func() (n int) {
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM ml_connector_river.river_job`).Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return len(p.Shut()) > 0 }, 5*time.Minute, 10*time.Millisecond)
	for n := range documents { // they come as far as the system that is shut
		p.notify(t, fmt.Sprint("late ", n))
	}
	// Where each job makes another one, there is no half second without a new job.
	const still = 500 * time.Millisecond
	ticks := time.NewTicker(still / 10)
	defer ticks.Stop()
	count, since := jobs(), time.Now()
	for time.Since(since) < still {
		<-ticks.C
		if n := jobs(); n != count {
			count, since = n, time.Now()
		}
		require.NotEmpty(t, p.Shut(), "until the system was asked again each job made another one")
	}
	close(mended)
	for range 2 * documents {
		await(t, p.confirmed)
	}
}

func TestTheConnectionStringIsNotShown(t *testing.T) {
	_, err := riverrunner.Open(t.Context(), "postgres://u:hush@host:port/db", nil)
	require.ErrorContains(t, err, "the connection string is not understood")
	require.NotContains(t, err.Error(), "hush")
}
