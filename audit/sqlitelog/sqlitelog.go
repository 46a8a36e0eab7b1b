// Package sqlitelog is an audit.Log in one SQLite file of its own.
//
//	log, err := sqlitelog.Open(ctx, "audit.db", nil)
//	if err != nil {
//		return err
//	}
//	defer log.Close()
//	trail := audit.NewTrail(log, nil)
//
// The file has a write-ahead log and syncs every commit (synchronous=FULL), so
// nil means durable. Appends of concurrent callers, one for each tenant when a
// Trail stands in front, go into one commit. Triggers refuse whatever is not an
// INSERT of the tenant's next record: whoever opens the file with other means and
// removes them leaves a chain that Trail.Verify finds broken.
//
// Several processes may write to one file; keep it on a local disk, never on a
// network share, and apart from the ledger's, so that neither's growth or lock
// touches the other.
//
// # How it fails
//
// With the errors of package audit, the context's, the driver's (disk full,
// file locked by another process for longer than BusyTimeout), and an error
// once the log was closed. An Append that failed is there whole or not at all.
// Everything is safe for concurrent use.
package sqlitelog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/internal/sqlitefile"
)

const defaultLimit = 100

// application marks the file as an audit log ("MLca" in ASCII).
const application = 0x4d4c6361

// migrations lead from an empty file to the present schema. A step that was
// released is never changed; new ones are added behind it.
var migrations = []string{
	`
CREATE TABLE records (
	tenant  TEXT    NOT NULL,
	seq     INTEGER NOT NULL CHECK (seq > 0),
	time    INTEGER NOT NULL, -- microseconds since 1970 UTC
	id      TEXT    NOT NULL,
	actor   TEXT    NOT NULL,
	action  TEXT    NOT NULL,
	subject TEXT    NOT NULL,
	outcome TEXT    NOT NULL,
	reason  TEXT    NOT NULL,
	detail  BLOB    NOT NULL, -- JSON, byte for byte as it was hashed
	sealed  BLOB    NOT NULL,
	prev    TEXT    NOT NULL,
	hash    TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX records_seq     ON records (tenant, seq);
CREATE        INDEX records_subject ON records (tenant, subject, seq);
-- REPLACE deletes without asking the trigger below, so it is stopped here, and gaps with it.
CREATE TRIGGER records_in_order BEFORE INSERT ON records
	WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM records WHERE tenant = NEW.tenant)
		OR EXISTS (SELECT 1 FROM records WHERE rowid = NEW.rowid) BEGIN
	SELECT raise(ABORT, 'audit records are only added behind the last one');
END;
CREATE TRIGGER records_no_update BEFORE UPDATE ON records BEGIN
	SELECT raise(ABORT, 'audit records are never changed');
END;
CREATE TRIGGER records_no_delete BEFORE DELETE ON records BEGIN
	SELECT raise(ABORT, 'audit records are never deleted');
END;
`,
}

const (
	columns = `tenant, seq, time, id, actor, action, subject, outcome, reason, detail, sealed, prev, hash`

	sqlHighest = `SELECT coalesce(max(seq), 0) FROM records WHERE tenant = ?`
	sqlAppend  = `INSERT INTO records (` + columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlLast    = `SELECT ` + columns + ` FROM records WHERE tenant = ? ORDER BY seq DESC LIMIT 1`
	sqlRead    = `SELECT ` + columns + ` FROM records INDEXED BY records_seq WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?`
	sqlSubject = `SELECT ` + columns + ` FROM records INDEXED BY records_subject WHERE tenant = ? AND subject = ? AND seq > ? ORDER BY seq LIMIT ?`
)

// Options change how a log behaves. The zero value is good.
type Options struct {
	// BusyTimeout is how long a write waits for another process that writes to
	// the same file. It takes real time, also in a synctest bubble. 0: 5 seconds.
	BusyTimeout time.Duration
	// Readers is how many reads run at a time; more wait. 0: 4.
	Readers int
}

// Log keeps records in one SQLite file.
type Log struct {
	file *sqlitefile.File
}

var _ audit.Log = (*Log)(nil)

// Open opens the file at path, or creates it with mode 0600, and brings its
// schema up to date. It refuses a file of another kind, the ledger's included,
// and one that a newer program wrote.
func Open(ctx context.Context, path string, opts *Options) (*Log, error) {
	if opts == nil {
		opts = &Options{}
	}
	file, err := sqlitefile.Open(ctx, path, sqlitefile.Config{
		Name:        "audit log",
		Application: application,
		Migrations:  migrations,
		BusyTimeout: opts.BusyTimeout,
		Readers:     opts.Readers,
	})
	if err != nil {
		return nil, err
	}
	return &Log{file: file}, nil
}

// Close waits for the writes that were begun and closes the file.
func (l *Log) Close() error { return l.file.Close() }

// Append implements audit.Log: all records or none.
func (l *Log) Append(ctx context.Context, rs []audit.Record) error {
	if len(rs) == 0 {
		return ctx.Err()
	}
	tenant, first := rs[0].Tenant, rs[0].Seq
	kept := make([]audit.Record, len(rs))
	for i, r := range rs {
		if r.Tenant != tenant || r.Seq != first+int64(i) {
			return fmt.Errorf("sqlitelog: append to tenant %q: record %d is number %d of tenant %q, not the successor of the one before", tenant, i, r.Seq, r.Tenant)
		}
		// The writer may still be at it when the caller has left.
		r.Detail, r.Sealed = owned(r.Detail), owned(r.Sealed)
		kept[i] = r
	}
	err := l.file.Write(ctx, func(tx *sqlitefile.Tx) error {
		var highest int64
		if _, err := tx.Get(sqlHighest, []any{tenant}, &highest); err != nil {
			return err
		}
		switch {
		case first >= 1 && first <= highest:
			return audit.ErrConflict
		case first != highest+1:
			return fmt.Errorf("the next number is %d, a record may not leave a gap", highest+1)
		}
		for _, r := range kept {
			_, err := tx.Exec(sqlAppend, r.Tenant, r.Seq, r.Time.UnixMicro(), r.ID, r.Actor, r.Action, r.Subject, r.Outcome, r.Reason,
				[]byte(r.Detail), r.Sealed, r.Prev, r.Hash)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sqlitelog: append record %d of tenant %q: %w", first, tenant, err)
	}
	return nil
}

// Last implements audit.Log.
func (l *Log) Last(ctx context.Context, tenant string) (audit.Record, error) {
	r, err := scanRecord(func(dest ...any) error { return l.file.Get(ctx, sqlLast, []any{tenant}, dest...) })
	if errors.Is(err, sql.ErrNoRows) {
		err = audit.ErrNotFound
	}
	if err != nil {
		return audit.Record{}, fmt.Errorf("sqlitelog: last of tenant %q: %w", tenant, err)
	}
	return r, nil
}

// Read implements audit.Log.
func (l *Log) Read(ctx context.Context, q audit.Query) (rs []audit.Record, next int64, err error) {
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	// One more than a page has tells whether there is another page.
	query, args := sqlRead, []any{q.Tenant, q.After, q.Limit + 1}
	if q.Subject != "" {
		query, args = sqlSubject, []any{q.Tenant, q.Subject, q.After, q.Limit + 1}
	}
	rows, err := l.file.Query(ctx, query, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("sqlitelog: read tenant %q: %w", q.Tenant, err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRecord(rows.Scan)
		if err != nil {
			return nil, 0, fmt.Errorf("sqlitelog: read tenant %q: %w", q.Tenant, err)
		}
		if len(rs) == q.Limit {
			return rs, rs[len(rs)-1].Seq, nil
		}
		rs = append(rs, r)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("sqlitelog: read tenant %q: %w", q.Tenant, err)
	}
	return rs, 0, nil
}

// scanRecord reads columns by the Scan of a row.
func scanRecord(scan func(dest ...any) error) (audit.Record, error) {
	var r audit.Record
	var micros int64
	var detail, sealed []byte
	err := scan(&r.Tenant, &r.Seq, &micros, &r.ID, &r.Actor, &r.Action, &r.Subject, &r.Outcome, &r.Reason, &detail, &sealed, &r.Prev, &r.Hash)
	if err != nil {
		return audit.Record{}, err
	}
	r.Time = time.UnixMicro(micros).UTC()
	if len(detail) > 0 {
		r.Detail = json.RawMessage(detail)
	}
	if len(sealed) > 0 {
		r.Sealed = sealed
	}
	return r, nil
}

// owned returns a copy that is not nil, for columns that are not null.
func owned[B ~[]byte](data B) B {
	return append(make(B, 0, len(data)), data...)
}
