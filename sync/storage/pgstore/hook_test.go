package pgstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/pgstore"
)

// queued returns a database with a table of jobs and a hook that adds one.
func queued(t *testing.T) (dsn string, add func(ctx context.Context, tx pgx.Tx, tr storage.Transfer) error) {
	t.Helper()
	dsn = pgtest.Database(t)
	pgtest.Exec(t, dsn, `CREATE TABLE public.job (document text, rev text PRIMARY KEY, due timestamptz)`)
	return dsn, func(ctx context.Context, tx pgx.Tx, tr storage.Transfer) error {
		_, err := tx.Exec(ctx, `INSERT INTO job VALUES ($1, $2, $3)`, tr.Document, tr.Rev, tr.Due)
		return err
	}
}

// count returns the number that a query gives.
func count(t *testing.T, dsn, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, pgtest.Connect(t, dsn).QueryRow(t.Context(), query, args...).Scan(&n))
	return n
}

func TestWithAHookTheStoreKeepsTheContract(t *testing.T) {
	suite(t, pgstore.Options{OnWrite: func(ctx context.Context, tx pgx.Tx, _ storage.Transfer) error {
		_, err := tx.Exec(ctx, `SELECT 1`)
		return err
	}})
}

func TestWhatAHookWritesAppearsWithTheRow(t *testing.T) {
	dsn, add := queued(t)
	s := open(t, dsn, &pgstore.Options{OnWrite: add})
	tr, err := s.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
	require.Equal(t, 1, count(t, dsn, `SELECT count(*) FROM job WHERE document = '1' AND rev = $1 AND due = $2`, tr.Rev, tr.Due))
	tr, err = s.Update(t.Context(), tr)
	require.NoError(t, err)
	require.Equal(t, 1, count(t, dsn, `SELECT count(*) FROM job WHERE rev = $1`, tr.Rev))
	require.Equal(t, 2, count(t, dsn, `SELECT count(*) FROM job`))
}

func TestAHooksErrorTakesTheRowBack(t *testing.T) {
	dsn, add := queued(t)
	refuse := errors.New("no room in the queue")
	var fail bool
	s := open(t, dsn, &pgstore.Options{OnWrite: func(ctx context.Context, tx pgx.Tx, tr storage.Transfer) error {
		if err := add(ctx, tx, tr); err != nil || !fail {
			return err
		}
		return refuse
	}})
	kept, err := s.Create(t.Context(), transfer("kept"))
	require.NoError(t, err)

	fail = true
	_, err = s.Create(t.Context(), transfer("new"))
	require.ErrorIs(t, err, refuse)
	_, err = s.Get(t.Context(), transfer("new").ID)
	require.ErrorIs(t, err, storage.ErrNotFound)

	changed := kept
	changed.State = "delivering"
	_, err = s.Update(t.Context(), changed)
	require.ErrorIs(t, err, refuse)
	got, err := s.Get(t.Context(), kept.ID)
	require.NoError(t, err)
	require.Equal(t, kept, got)
	require.Equal(t, 1, count(t, dsn, `SELECT count(*) FROM job`), "the hook's own writes are taken back too")

	fail = false
	_, err = s.Update(t.Context(), changed)
	require.NoError(t, err, "the Rev of a write that was taken back is still current")
}

func TestAHooksErrorIsNotTakenForTheRows(t *testing.T) {
	dsn := pgtest.Database(t)
	var say error
	s := open(t, dsn, &pgstore.Options{OnWrite: func(context.Context, pgx.Tx, storage.Transfer) error { return say }})
	tr, err := s.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
	for _, say = range []error{pgx.ErrNoRows, storage.ErrConflict, storage.ErrExists, storage.ErrNotFound} {
		_, createErr := s.Create(t.Context(), transfer("2"))
		_, updateErr := s.Update(t.Context(), tr)
		for _, err := range []error{createErr, updateErr} {
			require.ErrorContains(t, err, "OnWrite: ")
			require.NotErrorIs(t, err, storage.ErrExists)
			require.NotErrorIs(t, err, storage.ErrConflict)
			require.NotErrorIs(t, err, storage.ErrNotFound)
		}
	}
}

func TestAHookThatOverlooksAFailedStatementCommitsNothing(t *testing.T) {
	dsn := pgtest.Database(t)
	s := open(t, dsn, &pgstore.Options{OnWrite: func(ctx context.Context, tx pgx.Tx, _ storage.Transfer) error {
		_, _ = tx.Exec(ctx, `SELECT nonsense`)
		return nil
	}})
	_, err := s.Create(t.Context(), transfer("1"))
	require.Error(t, err)
	require.NotErrorIs(t, err, storage.ErrExists)
	_, err = s.Get(t.Context(), transfer("1").ID)
	require.ErrorIs(t, err, storage.ErrNotFound)
}

func TestAHookDoesNotRunForARefusedWrite(t *testing.T) {
	dsn, add := queued(t)
	s := open(t, dsn, &pgstore.Options{OnWrite: add})
	tr, err := s.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
	_, err = s.Create(t.Context(), transfer("1"))
	require.ErrorIs(t, err, storage.ErrExists)
	_, err = s.Update(t.Context(), tr)
	require.NoError(t, err)
	_, err = s.Update(t.Context(), tr)
	require.ErrorIs(t, err, storage.ErrConflict)
	require.Equal(t, 2, count(t, dsn, `SELECT count(*) FROM job`))
}

func TestOfRacingWritersWithAHookExactlyTheWinnersLeaveAJob(t *testing.T) {
	dsn, add := queued(t)
	one, two := open(t, dsn, &pgstore.Options{OnWrite: add}), open(t, dsn, &pgstore.Options{OnWrite: add})
	_, err := one.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
	var group errgroup.Group
	const each = 10
	for i := range 6 {
		s := []*pgstore.Store{one, two}[i%2]
		group.Go(func() error {
			for range each {
				if err := knock(t.Context(), s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	tr, err := one.Get(t.Context(), transfer("1").ID)
	require.NoError(t, err)
	require.EqualValues(t, 6*each, tr.Wakes)
	require.Equal(t, 1+6*each, count(t, dsn, `SELECT count(*) FROM job`))
}

// hold locks every row while f runs.
func hold(t *testing.T, dsn string, f func()) {
	t.Helper()
	tx, err := pgtest.Connect(t, dsn).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT 1 FROM ml_connector.transfers FOR UPDATE`)
	require.NoError(t, err)
	f()
	require.NoError(t, tx.Rollback(t.Context()))
}
