//go:build unix

package pg_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/internal/pg"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
)

// A machine that loses its power sends nothing, not even the end of a
// connection; a stopped process behaves alike.
func TestAServerThatSaysNothingIsGivenUp(t *testing.T) {
	dsn := pgtest.Database(t)
	open(t, dsn, config(steps...)) // what follows only looks
	c := config(steps...)
	c.MaxConns, c.StatementTimeout = 2, time.Second // the driver keeps the lost one's place for a while
	// A machine that is slow itself may need some tries within so short a time.
	var db *pg.DB
	require.Eventually(t, func() (opened bool) {
		d, err := pg.Open(t.Context(), dsn+" connect_timeout=2", c)
		if err == nil {
			db = d
		}
		return err == nil
	}, long, 10*time.Millisecond)
	t.Cleanup(db.Close)
	backend := func() (pid int) {
		require.Eventually(t, func() bool {
			return db.Do(t.Context(), func(ctx context.Context, q pg.Querier) error {
				return q.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid)
			}) == nil
		}, long, 10*time.Millisecond)
		return pid
	}
	pid := backend()
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	defer func() { require.NoError(t, syscall.Kill(pid, syscall.SIGCONT)) }()
	began := time.Now()
	err := db.Do(t.Context(), func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, `SELECT 1`)
		return err
	})
	require.EqualError(t, err, "no answer from the database within 3s")
	require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
	require.Less(t, time.Since(began), long)
	require.NotEqual(t, pid, backend(), "the next call takes a new connection")
}
