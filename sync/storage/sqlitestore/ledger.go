package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/internal/sqlitefile"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Create implements storage.Ledger.
func (s *Store) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if t.Rev != "" {
		return storage.Transfer{}, fmt.Errorf("sqlitestore: create %q: Rev must be empty, it is %q", t.Document, t.Rev)
	}
	t = stored(t)
	var rev int64
	err := s.file.Write(ctx, func(tx *sqlitefile.Tx) error {
		var err error
		if rev, err = nextRev(tx); err != nil {
			return err
		}
		created, err := tx.Exec(sqlCreate, t.Tenant, t.Target, t.Document, rev,
			t.Flow, t.Queue, micros(t.Due), t.Wakes, t.Hint, t.State, t.Cause, t.Period, t.Format, t.Data)
		if err == nil && created == 0 {
			return storage.ErrExists
		}
		return err
	})
	if err != nil {
		return storage.Transfer{}, fmt.Errorf("sqlitestore: create %q: %w", t.Document, err)
	}
	t.Rev = formatRev(rev)
	s.known.put(rev, t)
	return t, nil
}

// Get implements storage.Ledger.
func (s *Store) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	t, err := scanTransfer(func(dest ...any) error {
		return s.file.Get(ctx, sqlGet, []any{id.Tenant, id.Target, id.Document}, dest...)
	})
	if err != nil {
		return storage.Transfer{}, fmt.Errorf("sqlitestore: get %q: %w", id.Document, orNotFound(err))
	}
	return t, nil
}

// Update implements storage.Ledger.
func (s *Store) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	old := parseRev(t.Rev)
	t = stored(t)
	was, known := s.known.at(old, t.ID)
	var rev int64
	err := s.file.Write(ctx, func(tx *sqlitefile.Tx) error {
		was := was
		if !known {
			var err error
			if was, err = current(tx, t.ID, old); err != nil {
				return err
			}
		}
		var err error
		if rev, err = nextRev(tx); err != nil {
			return err
		}
		query, args := sqlUpdate, []any{rev, t.Flow, t.Wakes, t.Hint, t.Format, t.Data}
		if next := micros(t.Due); was.queue != t.Queue || was.due != next {
			query, args = query+sqlUpdateDue, append(args, t.Queue, next)
		}
		if was.state != t.State || was.cause != t.Cause || was.period != t.Period {
			query, args = query+sqlUpdateState, append(args, t.State, t.Cause, t.Period)
		}
		changed, err := tx.Exec(query+sqlUpdateRow, append(args, t.Tenant, t.Target, t.Document, old)...)
		if err == nil && changed == 0 {
			return storage.ErrConflict
		}
		return err
	})
	if err != nil {
		return storage.Transfer{}, fmt.Errorf("sqlitestore: update %q: %w", t.Document, err)
	}
	t.Rev = formatRev(rev)
	s.known.replace(old, rev, t)
	return t, nil
}

// current reads what decides which indexes an update touches.
func current(tx *sqlitefile.Tx, id storage.ID, rev int64) (was indexed, err error) {
	var now int64
	found, err := tx.Get(sqlOld, []any{id.Tenant, id.Target, id.Document}, &now, &was.queue, &was.due, &was.state, &was.cause, &was.period)
	if err == nil && (!found || now != rev) {
		err = storage.ErrConflict
	}
	return was, err
}

// Purge implements storage.Ledger.
func (s *Store) Purge(ctx context.Context, id storage.ID, rev string) error {
	err := s.file.Write(ctx, func(tx *sqlitefile.Tx) error {
		n, err := tx.Exec(sqlPurge, id.Tenant, id.Target, id.Document, parseRev(rev))
		if err != nil || n > 0 {
			return err
		}
		var one int
		there, err := tx.Get(sqlExists, []any{id.Tenant, id.Target, id.Document}, &one)
		if err != nil {
			return err
		}
		if there {
			return storage.ErrConflict
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sqlitestore: purge %q: %w", id.Document, err)
	}
	return nil
}

// Due implements storage.Ledger; it neither shows too much nor lags.
func (s *Store) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.transfers(ctx, sqlDue, queue, by.UnixMicro(), max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: due of queue %q: %w", queue, err)
	}
	return ts, nil
}

// Queues implements storage.Queuer, in byte order.
func (s *Store) Queues(ctx context.Context, by time.Time) (queues []string, err error) {
	rows, err := s.file.Query(ctx, sqlQueues, by.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: queues: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var queue string
		if err := rows.Scan(&queue); err != nil {
			return nil, fmt.Errorf("sqlitestore: queues: %w", err)
		}
		queues = append(queues, queue)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlitestore: queues: %w", err)
	}
	return queues, nil
}

// transfers runs a query that selects columns.
func (s *Store) transfers(ctx context.Context, query string, args ...any) ([]storage.Transfer, error) {
	rows, err := s.file.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ts []storage.Transfer
	for rows.Next() {
		t, err := scanTransfer(rows.Scan)
		if err != nil {
			return nil, err
		}
		ts = append(ts, t)
	}
	return ts, rows.Err()
}

// scanTransfer reads columns by the Scan of a row.
func scanTransfer(scan func(dest ...any) error) (storage.Transfer, error) {
	var t storage.Transfer
	var rev int64
	var due sql.NullInt64
	err := scan(&t.Tenant, &t.Target, &t.Document, &rev, &t.Flow, &t.Queue, &due, &t.Wakes, &t.Hint, &t.State, &t.Cause, &t.Period, &t.Format, &t.Data)
	if err != nil {
		return storage.Transfer{}, err
	}
	t.Rev = formatRev(rev)
	if due.Valid {
		t.Due = time.UnixMicro(due.Int64).UTC()
	}
	return t, nil
}

// stored returns t as it will be read back, sharing nothing with the caller's.
func stored(t storage.Transfer) storage.Transfer {
	t.Data = owned(t.Data)
	if !t.Due.IsZero() {
		t.Due = time.UnixMicro(t.Due.UnixMicro()).UTC()
	}
	return t
}

func micros(due time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: due.UnixMicro(), Valid: !due.IsZero()}
}

func orNotFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return storage.ErrNotFound
	}
	return err
}
