// Package riverrunner is an engine.Runner that hands the engine's work to River,
// a job engine on PostgreSQL: many processes on many machines share it.
//
//	runner, err := riverrunner.Open(ctx, dsn, nil)
//	store, err := pgstore.Open(ctx, dsn, &pgstore.Options{OnWrite: runner.OnWrite})
//	e, err := engine.New(store, trail, &engine.Options{Runner: runner})
//	err = e.Run(ctx)
//
// The ledger stays the truth; a job only says when and where a transfer is
// worked on. OnWrite adds the job in the transaction that makes a row due, so
// that both appear together and no wake-up is lost, and River tells the
// processes at once. What becomes due later, by a retry or because the process
// that held it died, is found by the look that every process takes at the ledger
// once in Options.Poll. A job that finds nothing to do ends; a job too many costs
// a query, a job too few the time of a look.
//
// River's tables stand in a schema of their own in the ledger's database; its own
// tools work on them. Every process must have the same flows.
//
// # How it fails
//
// When the database does not answer, OnWrite fails the row's write, and jobs wait
// until it does. A job whose process died is not waited for: the row's lease runs
// out and the next look finds it. Everything is safe for concurrent use; Run is
// called once, by the engine.
package riverrunner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Options change how a Runner behaves. The zero value is good.
type Options struct {
	// Schema holds River's tables and is created if it is missing. Empty:
	// ml_connector_river.
	Schema string
	// Workers is how many transfers this process works on at once: 8.
	Workers int
	// Poll is how often this process looks for rows that became due without a
	// write: 1 s.
	Poll time.Duration
	// Drain is how long a stopping process lets running work finish: 20 s. After
	// that the contexts of the ends are cancelled.
	Drain time.Duration
	// Logger gets what an operator should know. Nil: nothing is logged.
	Logger *slog.Logger
}

const (
	defaultSchema  = "ml_connector_river"
	defaultWorkers = 8
	defaultPoll    = time.Second
	defaultDrain   = 20 * time.Second

	// River's own defaults cost every document 50 ms.
	fetchCooldown = 5 * time.Millisecond
	fetchPoll     = 250 * time.Millisecond

	// keep bounds how long River keeps what ended: the audit trail is the record.
	keep = time.Hour
)

// Runner hands work to River. Make one with Open.
type Runner struct {
	opts   Options
	pool   *pgxpool.Pool
	driver *riverpgxv5.Driver
	insert *river.Client[pgx.Tx] // adds jobs and works on none
}

var _ engine.Runner = (*Runner)(nil)

// Open connects and brings River's tables up to date. dsn leads to the ledger's
// database and is written as pgstore takes it.
func Open(ctx context.Context, dsn string, opts *Options) (*Runner, error) {
	r := &Runner{}
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.Schema == "" {
		r.opts.Schema = defaultSchema
	}
	if r.opts.Workers <= 0 {
		r.opts.Workers = defaultWorkers
	}
	if r.opts.Poll <= 0 {
		r.opts.Poll = defaultPoll
	}
	if r.opts.Drain <= 0 {
		r.opts.Drain = defaultDrain
	}
	if r.opts.Logger == nil {
		r.opts.Logger = slog.New(slog.DiscardHandler)
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		// The driver's text holds parts of the DSN, and a DSN may hold a password.
		return nil, errors.New("riverrunner: the connection string is not understood; write postgres://user@host:5432/database or host=… user=… dbname=…")
	}
	if r.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("riverrunner: %w", err)
	}
	r.driver = riverpgxv5.New(r.pool)
	if err := r.migrate(ctx); err != nil {
		r.pool.Close()
		return nil, fmt.Errorf("riverrunner: prepare schema %q: %w", r.opts.Schema, err)
	}
	r.insert, err = river.NewClient(r.driver, &river.Config{Schema: r.opts.Schema, Logger: r.opts.Logger})
	if err != nil {
		r.pool.Close()
		return nil, fmt.Errorf("riverrunner: %w", err)
	}
	return r, nil
}

// lock orders processes that open at the same time; its number is this package's.
const lock = 0x4d4c7272

func (r *Runner) migrate(ctx context.Context) error {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, lock); err != nil {
		return err
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, lock) // the session's end unlocks too
	}()
	if _, err := conn.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{r.opts.Schema}.Sanitize()); err != nil {
		return err
	}
	m, err := rivermigrate.New(r.driver, &rivermigrate.Config{Schema: r.opts.Schema, Logger: r.opts.Logger})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// Close lets go of the connections. Call it after the engine's Run has returned.
func (r *Runner) Close() { r.pool.Close() }

// job is what River keeps of a transfer that wants to be worked on.
type job struct {
	Tenant   string `json:"tenant"`
	Target   string `json:"target"`
	Document string `json:"document"`
	Queue    string `json:"queue"` // of the row
}

// Kind implements river.JobArgs.
func (job) Kind() string { return "ml_connector_transfer" }

func (j job) id() storage.ID {
	return storage.ID{Tenant: j.Tenant, Target: j.Target, Document: j.Document}
}

// one attempt: whatever is left is still due, and the next look finds it.
func once() *river.InsertOpts { return &river.InsertOpts{MaxAttempts: 1} }

// OnWrite is for pgstore.Options.OnWrite: it adds the job of a row that is due
// now, in the transaction of the row's write. A claim makes its row due at the
// lease's end and gets no job.
func (r *Runner) OnWrite(ctx context.Context, tx pgx.Tx, t storage.Transfer) error {
	if t.Due.IsZero() || t.Due.After(time.Now()) {
		return nil
	}
	_, err := r.insert.InsertTx(ctx, tx, job{Tenant: t.Tenant, Target: t.Target, Document: t.Document, Queue: t.Queue}, once())
	if err != nil {
		return fmt.Errorf("riverrunner: add the job of %q: %w", t.Document, err)
	}
	return nil
}
