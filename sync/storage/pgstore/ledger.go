package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/internal/pg"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Create implements storage.Ledger.
func (s *Store) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if t.Rev != "" {
		return storage.Transfer{}, fmt.Errorf("pgstore: create %q: Rev must be empty, it is %q", t.Document, t.Rev)
	}
	t = stored(t)
	t, err := s.write(ctx, t, sqlCreate, fields(t)...)
	if errors.Is(err, pgx.ErrNoRows) {
		err = storage.ErrExists
	}
	if err != nil {
		return storage.Transfer{}, fmt.Errorf("pgstore: create %q: %w", t.Document, err)
	}
	return t, nil
}

// Update implements storage.Ledger.
func (s *Store) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	t = stored(t)
	t, err := s.write(ctx, t, sqlUpdate, append(fields(t), parseRev(t.Rev))...)
	if errors.Is(err, pgx.ErrNoRows) {
		err = storage.ErrConflict
	}
	if err != nil {
		return storage.Transfer{}, fmt.Errorf("pgstore: update %q: %w", t.Document, err)
	}
	return t, nil
}

// write runs a statement that returns the row's new Rev, or no row when it was
// refused: pgx.ErrNoRows.
func (s *Store) write(ctx context.Context, t storage.Transfer, statement string, args ...any) (storage.Transfer, error) {
	var rev int64
	statement = s.db.SQL(statement)
	if s.onWrite == nil {
		err := s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
			return q.QueryRow(ctx, statement, args...).Scan(&rev)
		})
		t.Rev = formatRev(rev)
		return t, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, statement, args...).Scan(&rev); err != nil {
			return err
		}
		t.Rev = formatRev(rev)
		shown := t
		shown.Data = owned(t.Data)
		if err := s.onWrite(ctx, tx, shown); err != nil {
			return &hookError{err}
		}
		return nil
	})
	return t, err
}

// hookError keeps a hook's error from being taken for the row's: a query of the
// hook that finds nothing is no conflict.
type hookError struct{ err error }

// Error implements error.
func (e *hookError) Error() string { return "OnWrite: " + e.err.Error() }

// Unwrap returns the hook's error, unless it is one that the store itself uses.
func (e *hookError) Unwrap() error {
	for _, own := range []error{pgx.ErrNoRows, storage.ErrNotFound, storage.ErrExists, storage.ErrConflict} {
		if errors.Is(e.err, own) {
			return nil
		}
	}
	return e.err
}

// Get implements storage.Ledger.
func (s *Store) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	var t storage.Transfer
	err := s.db.Do(ctx, func(ctx context.Context, q pg.Querier) (err error) {
		t, err = scanTransfer(q.QueryRow(ctx, s.db.SQL(sqlGet), []byte(id.Tenant), []byte(id.Target), []byte(id.Document)))
		return err
	})
	if err != nil {
		return storage.Transfer{}, fmt.Errorf("pgstore: get %q: %w", id.Document, orNotFound(err))
	}
	return t, nil
}

// Purge implements storage.Ledger. OnWrite does not run.
func (s *Store) Purge(ctx context.Context, id storage.ID, rev string) error {
	err := s.remove(ctx, sqlPurge, sqlExists, parseRev(rev), []byte(id.Tenant), []byte(id.Target), []byte(id.Document))
	if err != nil {
		return fmt.Errorf("pgstore: purge %q: %w", id.Document, err)
	}
	return nil
}

// remove deletes by key and Rev. What is there with another Rev is a conflict;
// what is gone is not, and is looked for afterwards, so that a removal by
// somebody else meanwhile counts as gone.
func (s *Store) remove(ctx context.Context, statement, exists string, rev int64, key ...any) error {
	var there bool
	err := s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		tag, err := q.Exec(ctx, s.db.SQL(statement), append(key[:len(key):len(key)], rev)...)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		return q.QueryRow(ctx, s.db.SQL(exists), key...).Scan(&there)
	})
	if err == nil && there {
		err = storage.ErrConflict
	}
	return err
}

// Due implements storage.Ledger; it neither shows too much nor lags.
func (s *Store) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.transfers(ctx, s.db.SQL(sqlDue), []byte(queue), micro(by), max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("pgstore: due of queue %q: %w", queue, err)
	}
	return ts, nil
}

// Queues implements storage.Queuer, in byte order.
func (s *Store) Queues(ctx context.Context, by time.Time) (queues []string, err error) {
	err = s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		rows, err := q.Query(ctx, s.db.SQL(sqlQueues), micro(by))
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		for _, name := range names {
			queues = append(queues, string(name))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pgstore: queues: %w", err)
	}
	return queues, nil
}

// transfers runs a query that selects columns.
func (s *Store) transfers(ctx context.Context, query string, args ...any) (ts []storage.Transfer, err error) {
	err = s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		rows, err := q.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		ts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (storage.Transfer, error) { return scanTransfer(row) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return ts, nil
}

// scanTransfer reads columns.
func scanTransfer(row pgx.Row) (storage.Transfer, error) {
	var t storage.Transfer
	var rev int64
	var due *time.Time
	err := row.Scan((*text)(&t.Tenant), (*text)(&t.Target), (*text)(&t.Document), &rev, (*text)(&t.Flow), (*text)(&t.Queue), &due,
		&t.Wakes, (*text)(&t.Hint), (*text)(&t.State), (*text)(&t.Cause), (*text)(&t.Period), &t.Format, &t.Data)
	if err != nil {
		return storage.Transfer{}, err
	}
	t.Rev = formatRev(rev)
	if due != nil {
		t.Due = due.UTC()
	}
	return t, nil
}

// text is a string that stands as bytes in the database.
type text string

// ScanBytes implements pgtype.BytesScanner.
func (s *text) ScanBytes(b []byte) error {
	*s = text(b)
	return nil
}

// fields returns the arguments of sqlCreate and the first ones of sqlUpdate.
func fields(t storage.Transfer) []any {
	var due *time.Time
	if !t.Due.IsZero() {
		due = &t.Due
	}
	return []any{
		[]byte(t.Tenant), []byte(t.Target), []byte(t.Document), []byte(t.Flow), []byte(t.Queue), due,
		t.Wakes, []byte(t.Hint), []byte(t.State), []byte(t.Cause), []byte(t.Period), t.Format, t.Data,
	}
}

// stored returns t as it will be read back, sharing nothing with the caller's.
func stored(t storage.Transfer) storage.Transfer {
	t.Data = owned(t.Data)
	if !t.Due.IsZero() {
		t.Due = micro(t.Due)
	}
	return t
}

func micro(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

func orNotFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return storage.ErrNotFound
	}
	return err
}
