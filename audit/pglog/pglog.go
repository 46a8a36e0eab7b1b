// Package pglog is an audit.Log in PostgreSQL: one chain per tenant for many
// processes on many machines.
//
//	log, err := pglog.Open(ctx, os.Getenv("AUDIT_DSN"), nil)
//	if err != nil {
//		return err
//	}
//	defer log.Close()
//	trail := audit.NewTrail(log, nil)
//
// Everything stands in one schema, ml_connector_audit by default, apart from the
// ledger's, so that the two can have different owners and backups. Open brings
// an older schema forward and refuses one that a newer program wrote. Each
// Append is one transaction that is waited for.
//
// # Who can change a record
//
// Nobody by accident, and the program never. Triggers refuse whatever is not an
// INSERT of the tenant's next record, UPDATE, DELETE and TRUNCATE included,
// whoever asks; and the right to those three is taken from everybody, the
// table's owner included. An owner can give himself both back. So let one role
// own the schema and the program run as another: Migrate prepares the schema as
// the owner and gives Options.Role the right to read and to add, nothing else.
// That role can neither change a record nor remove what forbids it. What an
// owner or a superuser does shows when Trail.Verify walks the chain.
//
// Texts are stored as bytes (bytea), since they may hold any character, and
// Detail must come back byte for byte. For people there is the view
// records_text.
//
// # How it fails
//
// With the errors of package audit, the context's, the database's, and an error
// once the log was closed. An Append that failed is there whole or not at all.
// A statement ends after StatementTimeout; when the server restarts, calls that
// were under way fail and later ones connect again. No error holds the
// connection string. Everything is safe for concurrent use.
package pglog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/internal/pg"
)

const (
	defaultLimit  = 100
	defaultSchema = "ml_connector_audit"
)

// Options change how a log behaves. The zero value is good.
type Options struct {
	// Schema is the database schema that holds everything, 1 to 63 bytes.
	// Empty: ml_connector_audit.
	Schema string
	// StatementTimeout ends a statement that takes longer, on the server. 0: 30 seconds.
	StatementTimeout time.Duration
	// MaxConns bounds the connections of this log. 0: what the connection string
	// says (pool_max_conns), else the greater of 4 and the number of processors.
	MaxConns int
	// Role is used by Migrate only: the role that may read and add records, and
	// nothing else. It must exist, and should not own anything. Empty: none.
	Role string
}

// Log keeps records in PostgreSQL.
type Log struct {
	db *pg.DB
}

var _ audit.Log = (*Log)(nil)

// Open connects and brings the schema up to date. dsn is a connection string as
// PostgreSQL's own programs take it: "postgres://user@host:5432/database" or
// "host=… user=… dbname=…"; what it leaves out comes from the environment.
func Open(ctx context.Context, dsn string, opts *Options) (*Log, error) {
	if opts == nil {
		opts = &Options{}
	}
	db, err := pg.Open(ctx, dsn, config(opts))
	if err != nil {
		return nil, err
	}
	return &Log{db: db}, nil
}

// Migrate brings the schema up to date as Open does, gives Options.Role the
// right to read and to add records, and closes again. Run it as the schema's
// owner before the new program starts. It may be repeated.
func Migrate(ctx context.Context, dsn string, opts *Options) error {
	if opts == nil {
		opts = &Options{}
	}
	return pg.Migrate(ctx, dsn, config(opts))
}

func config(opts *Options) pg.Config {
	c := pg.Config{
		Name:             "pglog",
		Schema:           opts.Schema,
		Version:          "audit_version",
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

// Close waits for the calls that were begun and closes the connections.
func (l *Log) Close() error {
	l.db.Close()
	return nil
}

// Append implements audit.Log: all records or none.
func (l *Log) Append(ctx context.Context, rs []audit.Record) error {
	if len(rs) == 0 {
		return ctx.Err()
	}
	tenant, first := rs[0].Tenant, rs[0].Seq
	for i, r := range rs {
		if r.Tenant != tenant || r.Seq != first+int64(i) {
			return fmt.Errorf("pglog: append to tenant %q: record %d is number %d of tenant %q, not the successor of the one before", tenant, i, r.Seq, r.Tenant)
		}
	}
	err := l.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, l.db.SQL(sqlAppend), columnsOf(rs)...)
		return err
	})
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == codeTaken {
		err = audit.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("pglog: append record %d of tenant %q: %w", first, tenant, err)
	}
	return nil
}

// columnsOf returns the arguments of sqlAppend: the tenant, and an array for
// each other column.
func columnsOf(rs []audit.Record) []any {
	seqs := make([]int64, len(rs))
	times := make([]time.Time, len(rs))
	texts := make([][][]byte, 10)
	for i, r := range rs {
		seqs[i], times[i] = r.Seq, time.UnixMicro(r.Time.UnixMicro()).UTC()
		for c, value := range [][]byte{
			[]byte(r.ID), []byte(r.Actor), []byte(r.Action), []byte(r.Subject), []byte(r.Outcome), []byte(r.Reason),
			r.Detail, r.Sealed, []byte(r.Prev), []byte(r.Hash),
		} {
			if value == nil {
				value = []byte{} // the columns are not null
			}
			texts[c] = append(texts[c], value)
		}
	}
	args := []any{[]byte(rs[0].Tenant), seqs, times}
	for _, column := range texts {
		args = append(args, column)
	}
	return args
}

// Last implements audit.Log.
func (l *Log) Last(ctx context.Context, tenant string) (audit.Record, error) {
	var r audit.Record
	err := l.db.Do(ctx, func(ctx context.Context, q pg.Querier) (err error) {
		r, err = scanRecord(q.QueryRow(ctx, l.db.SQL(sqlLast), []byte(tenant)))
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = audit.ErrNotFound
	}
	if err != nil {
		return audit.Record{}, fmt.Errorf("pglog: last of tenant %q: %w", tenant, err)
	}
	return r, nil
}

// Read implements audit.Log.
func (l *Log) Read(ctx context.Context, q audit.Query) (rs []audit.Record, next int64, err error) {
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	// One more than a page has tells whether there is another page.
	statement, args := l.db.SQL(sqlRead), []any{[]byte(q.Tenant), q.After, q.Limit + 1}
	if q.Subject != "" {
		statement, args = l.db.SQL(sqlSubject), append(args, []byte(q.Subject))
	}
	err = l.db.Do(ctx, func(ctx context.Context, querier pg.Querier) error {
		rows, err := querier.Query(ctx, statement, args...)
		if err != nil {
			return err
		}
		rs, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (audit.Record, error) { return scanRecord(row) })
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("pglog: read tenant %q: %w", q.Tenant, err)
	}
	if len(rs) > q.Limit {
		rs = rs[:q.Limit]
		next = rs[q.Limit-1].Seq
	}
	return rs, next, nil
}

// scanRecord reads columns.
func scanRecord(row pgx.Row) (audit.Record, error) {
	var r audit.Record
	var detail, sealed []byte
	err := row.Scan((*text)(&r.Tenant), &r.Seq, &r.Time, (*text)(&r.ID), (*text)(&r.Actor), (*text)(&r.Action), (*text)(&r.Subject),
		(*text)(&r.Outcome), (*text)(&r.Reason), &detail, &sealed, (*text)(&r.Prev), (*text)(&r.Hash))
	if err != nil {
		return audit.Record{}, err
	}
	r.Time = r.Time.UTC()
	if len(detail) > 0 {
		r.Detail = json.RawMessage(detail)
	}
	if len(sealed) > 0 {
		r.Sealed = sealed
	}
	return r, nil
}

// text is a string that stands as bytes in the database.
type text string

// ScanBytes implements pgtype.BytesScanner.
func (s *text) ScanBytes(b []byte) error {
	*s = text(b)
	return nil
}
