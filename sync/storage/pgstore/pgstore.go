// Package pgstore is a storage.Store in PostgreSQL: one ledger for many
// processes on many machines.
//
//	store, err := pgstore.Open(ctx, os.Getenv("LEDGER_DSN"), nil)
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	e, err := engine.New(store, trail, nil)
//
// Everything stands in one schema, ml_connector by default; a second
// installation in the same database takes another one. Open brings an older
// schema forward, one process at a time, and refuses one that a newer program
// wrote. No superuser and no extension is needed: a role that owns the database
// or may create a schema in it, or a lesser one for which another prepared the
// schema (Migrate). Written for PostgreSQL 13 and later, tested with 15.
//
// Names and texts are stored as bytes (bytea), not as text: they may hold any
// character, NUL included, whatever the database's encoding, and their order is
// the order of bytes, whatever its collation; an upgrade of the system's
// locales cannot spoil an index. For people there is the view transfers_text.
//
// # What durable means
//
// Each write is one transaction that is waited for, also where the server's
// default is synchronous_commit=off. A server with fsync=off loses what it
// confirmed; so does a failover to a standby that is not synchronous. Every
// connection goes to a server that takes writes: name all servers in the
// connection string, and after a failover the store goes on with the new one.
// Reads go there too, since Get must see every finished write. A pooler between
// (PgBouncer) must be in session mode, because the store sets up its sessions.
//
// # How it fails
//
// Besides the three errors of package storage: the context's error, the
// database's, and an error once the store was closed. After any of these the
// write may have happened; read again. Nothing is repeated inside. A statement
// ends after StatementTimeout on the server, and a call that gets no answer at
// all returns ten seconds later. When the server restarts, calls that were
// under way fail; later ones connect again by themselves. No error holds the
// connection string. Everything is safe for concurrent use.
package pgstore

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/internal/pg"
	"github.com/ml-connector/ml-connector/sync/storage"
)

const (
	defaultLimit  = 100
	defaultSchema = "ml_connector"
)

// Options change how a store behaves. The zero value is good.
type Options struct {
	// Schema is the database schema that holds everything, 1 to 63 bytes.
	// Empty: ml_connector.
	Schema string
	// StatementTimeout ends a statement that takes longer, on the server. Raise it
	// for a slow one, never for a slow query: all are found by an index. 0: 30 seconds.
	StatementTimeout time.Duration
	// MaxConns bounds the connections of this store. 0: what the connection string
	// says (pool_max_conns), else the greater of 4 and the number of processors.
	MaxConns int
	// OnWrite runs in the transaction of every Create and Update, after the row was
	// written; t bears its new Rev. What it writes through tx appears together with
	// the row or not at all: a job for another process, for example. Its error takes
	// the row's write back and is returned, wrapped. It must not end tx, nor call
	// the store, which does not see the row yet. It may run for a write that is
	// given up afterwards, and concurrently with itself. Nil: nothing runs, and
	// writes cost one round trip instead of four.
	OnWrite func(ctx context.Context, tx pgx.Tx, t storage.Transfer) error
	// Role is used by Migrate only: the role that gets the rights that a store
	// needs and no more. Empty: none.
	Role string
}

// Store keeps transfers, values and contents in PostgreSQL.
type Store struct {
	db      *pg.DB
	onWrite func(ctx context.Context, tx pgx.Tx, t storage.Transfer) error
}

var (
	_ storage.Store  = (*Store)(nil)
	_ storage.Queuer = (*Store)(nil)
)

// Open connects and brings the schema up to date. dsn is a connection string as
// PostgreSQL's own programs take it: "postgres://user@host:5432/database" or
// "host=… user=… dbname=…"; what it leaves out comes from the environment
// (PGHOST, PGPASSWORD, PGPASSFILE and so on).
func Open(ctx context.Context, dsn string, opts *Options) (*Store, error) {
	if opts == nil {
		opts = &Options{}
	}
	db, err := pg.Open(ctx, dsn, config(opts))
	if err != nil {
		return nil, err
	}
	return &Store{db: db, onWrite: opts.OnWrite}, nil
}

// Migrate brings the schema up to date as Open does, gives Options.Role the
// rights that a store needs to work in it, and closes again. It serves an
// installation in which the program's role may not create or alter anything:
// run it as the owner before the new program starts. It may be repeated.
func Migrate(ctx context.Context, dsn string, opts *Options) error {
	if opts == nil {
		opts = &Options{}
	}
	return pg.Migrate(ctx, dsn, config(opts))
}

func config(opts *Options) pg.Config {
	c := pg.Config{
		Name:             "pgstore",
		Schema:           opts.Schema,
		Version:          "store_version",
		Migrations:       migrations,
		Role:             opts.Role,
		Grants:           grants,
		StatementTimeout: opts.StatementTimeout,
		MaxConns:         opts.MaxConns,
	}
	if c.Schema == "" {
		c.Schema = defaultSchema
	}
	return c
}

// Close waits for the calls that were begun and closes the connections. Nothing
// is lost by not calling it.
func (s *Store) Close() error {
	s.db.Close()
	return nil
}

func formatRev(n int64) string { return strconv.FormatInt(n, 10) }

// parseRev returns a number that no row has if the text was never given out.
func parseRev(rev string) int64 {
	n, err := strconv.ParseInt(rev, 10, 64)
	if err != nil || formatRev(n) != rev {
		return -1
	}
	return n
}

// owned returns a copy that is not nil, for columns that are not null.
func owned(data []byte) []byte {
	return append(make([]byte, 0, len(data)), data...)
}

// prefixEnd returns the first bytes behind everything that begins with prefix,
// or nil if there are none.
func prefixEnd(prefix string) []byte {
	end := []byte(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}
