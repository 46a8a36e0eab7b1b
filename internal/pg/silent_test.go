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
	c := config(steps...)
	c.MaxConns, c.StatementTimeout = 2, time.Second // the driver keeps the lost one's place for a while
	db := open(t, pgtest.Database(t)+" connect_timeout=2", c)
	pid := number(t, db, `SELECT pg_backend_pid()`)
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	defer func() { require.NoError(t, syscall.Kill(pid, syscall.SIGCONT)) }()
	began := time.Now()
	err := db.Do(t.Context(), func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, `SELECT 1`)
		return err
	})
	require.EqualError(t, err, "no answer from the database within 3s")
	require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
	require.Less(t, time.Since(began), 30*time.Second)
	require.NotEqual(t, pid, number(t, db, `SELECT pg_backend_pid()`), "the next call takes a new connection")
}
