// Package pg opens a PostgreSQL database the way the store and the audit log
// need it: a pool whose sessions have the same settings whatever the server's
// defaults are, a schema of its own that is brought forward step by step, and
// calls that always come back.
//
//	db, err := pg.Open(ctx, dsn, pg.Config{Name: "ledger", Schema: "ml_connector", Version: "store_version", Migrations: steps})
//	err = db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
//		return q.QueryRow(ctx, db.SQL("SELECT data FROM {schema}.small WHERE name = $1"), name).Scan(&data)
//	})
//
// Every connection goes to a server that takes writes, reads committed data,
// and waits for its commits to be durable, also where the server's own default
// is synchronous_commit=off. A statement ends after Config.StatementTimeout on
// the server; a server that does not answer at all is given up a little later.
//
// When a connection breaks because the server went away, all idle connections
// are thrown away with it, so that a restart of the server costs each caller at
// most the call that was under way. Nothing is repeated here: whether a write
// that failed so was done is for the caller to find out.
//
// Everything is safe for concurrent use.
package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says what the schema is.
type Config struct {
	// Name is what error texts call it: "ledger".
	Name string
	// Schema holds everything; 1 to 63 bytes. It is created if it is missing.
	Schema string
	// Version is the table in Schema that holds how many migrations were done.
	Version string
	// Migrations lead from an empty schema to the present one, one step each;
	// "{schema}" stands for the schema's quoted name. Steps are only ever added.
	Migrations []string
	// Role, where set, is given Grants after a migration: statements in which
	// "{schema}" and "{role}" are replaced. It must exist.
	Role   string
	Grants []string
	// StatementTimeout ends a statement on the server. 0: 30 seconds.
	StatementTimeout time.Duration
	// MaxConns bounds the pool. 0: what the DSN says (pool_max_conns), else the
	// greater of 4 and the number of processors.
	MaxConns int
}

const (
	defaultStatementTimeout = 30 * time.Second
	connectTimeout          = 10 * time.Second
	maxIdentifier           = 63 // longer names are cut off by the server, and two could become one
)

// Querier runs statements: a pool or a transaction.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// DB is an open schema.
type DB struct {
	pool     *pgxpool.Pool
	config   Config
	patience time.Duration // how long one call may take, connecting included
}

// Open connects, brings the schema up to date if it is not, and refuses one
// that a newer program wrote.
func Open(ctx context.Context, dsn string, config Config) (*DB, error) {
	db, err := connect(dsn, config)
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

func connect(dsn string, config Config) (*DB, error) {
	if n := len(config.Schema); n == 0 || n > maxIdentifier || strings.ContainsRune(config.Schema, 0) {
		return nil, fmt.Errorf("%s: the schema's name %q must have 1 to %d bytes", config.Name, config.Schema, maxIdentifier)
	}
	if config.StatementTimeout <= 0 {
		config.StatementTimeout = defaultStatementTimeout
	}
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		// The driver's text holds parts of the DSN, and a DSN may hold a password.
		return nil, fmt.Errorf("%s: the connection string is not understood; write postgres://user@host:5432/database or host=… user=… dbname=…", config.Name)
	}
	if config.MaxConns > 0 {
		pc.MaxConns = int32(min(config.MaxConns, 1<<16))
		pc.MinConns = min(pc.MinConns, pc.MaxConns)
		pc.MinIdleConns = min(pc.MinIdleConns, pc.MaxConns)
	}
	if pc.ConnConfig.ConnectTimeout == 0 {
		pc.ConnConfig.ConnectTimeout = connectTimeout
		pc.ConnConfig.DialFunc = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}).DialContext
	}
	if pc.ConnConfig.RuntimeParams["application_name"] == "" {
		pc.ConnConfig.RuntimeParams["application_name"] = "ml-connector " + config.Name
	}
	if pc.ConnConfig.ValidateConnect == nil {
		pc.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	pc.PingTimeout = connectTimeout
	pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sqlSession, fmt.Sprintf("%dms", config.StatementTimeout.Milliseconds()))
		return err
	}
	// Without a context of its own: connections are made by the calls that need them.
	pool, err := pgxpool.NewWithConfig(context.Background(), pc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.Name, oneLine(err))
	}
	return &DB{pool: pool, config: config, patience: config.StatementTimeout + pc.ConnConfig.ConnectTimeout}, nil
}

// sqlSession makes sessions alike. A commit that is not waited for is lost with
// the server; every other setting of synchronous_commit is the operator's.
const sqlSession = `SELECT set_config('statement_timeout', $1, false),
	set_config('idle_in_transaction_session_timeout', $1, false),
	set_config('default_transaction_isolation', 'read committed', false),
	set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)`

// Close waits for the calls that were begun and closes the connections.
func (db *DB) Close() { db.pool.Close() }

// SQL returns the statement with "{schema}" replaced.
func (db *DB) SQL(statement string) string {
	return strings.ReplaceAll(statement, "{schema}", pgx.Identifier{db.config.Schema}.Sanitize())
}

// Do runs f with the pool as Querier: each of its statements is a transaction.
// f must use the context that it is given. pgx.ErrNoRows comes back as it is.
func (db *DB) Do(ctx context.Context, f func(ctx context.Context, q Querier) error) error {
	return db.bounded(ctx, func(ctx context.Context) error { return f(ctx, db.pool) })
}

// InTx runs f in one transaction, which an error of f rolls back. An error may
// come from the commit, and then it says nothing about whether it was done.
func (db *DB) InTx(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	return db.bounded(ctx, func(ctx context.Context) error {
		return pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error { return f(ctx, tx) })
	})
}

// bounded runs f so that it comes back even when the server's machine is gone
// without a word, and judges its error.
func (db *DB) bounded(ctx context.Context, f func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	inner, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	err := f(inner)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return err
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return oneLine(err)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), oneLine(err))
	case inner.Err() != nil:
		db.pool.Reset()
		// Not wrapped: the caller's own context has not ended, and must not seem to.
		return fmt.Errorf("no answer from the database within %s", db.patience)
	case broken(err):
		db.pool.Reset()
	}
	return oneLine(err)
}

// broken tells whether the error means that the other connections are no good
// either.
func broken(err error) bool {
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) {
		return false // a new connection failed; that is no news about the old ones
	}
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return slices.Contains([]string{
			"57P01", // admin_shutdown
			"57P02", // crash_shutdown
			"57P03", // cannot_connect_now
			"25006", // read_only_sql_transaction: another server writes now
		}, said.Code) || strings.HasPrefix(said.Code, "08")
	}
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed)
}

// oneLine keeps an error's identity and puts its text on one line.
func oneLine(err error) error {
	if text := err.Error(); strings.ContainsAny(text, "\n\t") {
		return flat{err}
	}
	return err
}

type flat struct{ error }

func (f flat) Error() string { return strings.Join(strings.Fields(f.error.Error()), " ") }

func (f flat) Unwrap() error { return f.error }
