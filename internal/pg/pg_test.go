package pg_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/internal/pg"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var steps = []string{
	`CREATE TABLE {schema}.a (n int PRIMARY KEY); INSERT INTO {schema}.a VALUES (1)`,
	`ALTER TABLE {schema}.a ADD COLUMN m int NOT NULL DEFAULT 7`,
	`INSERT INTO {schema}.a VALUES (2, 8)`,
}

func config(steps ...string) pg.Config {
	return pg.Config{Name: "test", Schema: `odd "name"`, Version: "version", Migrations: steps}
}

func open(t *testing.T, dsn string, c pg.Config) *pg.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), dsn, c)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

func number(t *testing.T, db *pg.DB, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, db.Do(t.Context(), func(ctx context.Context, q pg.Querier) error {
		return q.QueryRow(ctx, db.SQL(query), args...).Scan(&n)
	}))
	return n
}

func TestAnOlderSchemaIsBroughtForwardWithItsRows(t *testing.T) {
	dsn := pgtest.Database(t)
	one := open(t, dsn, config(steps[0]))
	require.Equal(t, 1, number(t, one, `SELECT version FROM {schema}.version`))
	three := open(t, dsn, config(steps...))
	require.Equal(t, 3, number(t, three, `SELECT version FROM {schema}.version`))
	require.Equal(t, 15, number(t, three, `SELECT sum(m) FROM {schema}.a`))
	require.Equal(t, 2, number(t, one, `SELECT count(*) FROM {schema}.a`), "the older program goes on reading")
}

func TestANewerSchemaIsRefused(t *testing.T) {
	dsn := pgtest.Database(t)
	open(t, dsn, config(steps...))
	_, err := pg.Open(t.Context(), dsn, config(steps[0]))
	require.EqualError(t, err, `test: open schema "odd \"name\"": it has version 3 and this program knows 1: a newer program wrote it; run that one`)
}

func TestAStepThatFailsLeavesTheSchemaAsItWas(t *testing.T) {
	dsn := pgtest.Database(t)
	db := open(t, dsn, config(steps[0]))
	_, err := pg.Open(t.Context(), dsn, config(steps[0], steps[1], `SELECT nonsense`))
	require.ErrorContains(t, err, "migration 3")
	require.Equal(t, 1, number(t, db, `SELECT version FROM {schema}.version`))
	require.Equal(t, 1, number(t, db, `SELECT count(*) FROM information_schema.columns WHERE table_name = 'a'`))
	open(t, dsn, config(steps...))
}

func TestProcessesThatOpenTogetherMigrateOnce(t *testing.T) {
	dsn := pgtest.Database(t)
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		group.Go(func() {
			c := config(steps...)
			c.Version = fmt.Sprintf("version%d", i%2) // two kinds in one schema
			if i%2 == 1 {
				c.Migrations = []string{`CREATE TABLE {schema}.b ()`}
			}
			db, err := pg.Open(t.Context(), dsn, c)
			if err == nil {
				db.Close()
			}
			errs[i] = err
		})
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 2, number(t, open(t, dsn, pg.Config{Name: "look", Schema: `odd "name"`, Version: "version0", Migrations: steps}), `SELECT count(*) FROM {schema}.a`))
}

func TestSessionsAreAlikeWhateverTheServersDefaults(t *testing.T) {
	dsn := pgtest.Database(t)
	conn := pgtest.Connect(t, dsn)
	var database string
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT current_database()`).Scan(&database))
	for _, setting := range []string{"synchronous_commit = off", "default_transaction_isolation = serializable", "statement_timeout = 60000", "timezone = 'Asia/Kathmandu'"} {
		_, err := conn.Exec(t.Context(), `ALTER DATABASE `+database+` SET `+setting)
		require.NoError(t, err)
	}
	c := config(steps...)
	c.StatementTimeout = 12 * time.Second
	db := open(t, dsn, c)
	for setting, want := range map[string]string{
		"synchronous_commit": "on", "transaction_isolation": "read committed", "statement_timeout": "12s", "idle_in_transaction_session_timeout": "12s",
	} {
		var got string
		require.NoError(t, db.Do(t.Context(), func(ctx context.Context, q pg.Querier) error {
			return q.QueryRow(ctx, `SELECT current_setting($1)`, setting).Scan(&got)
		}))
		require.Equal(t, want, got, setting)
	}
}

func TestAServerThatOnlyReadsIsRefused(t *testing.T) {
	dsn := pgtest.Database(t) + " default_transaction_read_only=on"
	_, err := pg.Open(t.Context(), dsn, config(steps...))
	require.ErrorContains(t, err, "read only connection")
	require.NotContains(t, err.Error(), "\n")
}

// long is far longer than anything takes here, however slow the machine is.
const long = 5 * time.Minute

func TestAStatementEndsAfterItsTime(t *testing.T) {
	dsn := pgtest.Database(t)
	open(t, dsn, config(steps...)) // what follows only looks
	c := config(steps...)
	c.StatementTimeout = 3 * time.Second
	db := open(t, dsn, c)
	began := time.Now()
	err := db.Do(t.Context(), func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, `SELECT pg_sleep(1000)`)
		return err
	})
	require.ErrorContains(t, err, "statement timeout")
	require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
	require.Less(t, time.Since(began), long)
	require.Equal(t, 2, number(t, db, `SELECT count(*) FROM {schema}.a`))
}

func TestMigrationsAreNotBoundByTheStatementsTime(t *testing.T) {
	c := config(`CREATE TABLE {schema}.a AS SELECT current_setting('statement_timeout') AS bound`)
	c.StatementTimeout = 12 * time.Second
	db := open(t, pgtest.Database(t), c)
	require.Equal(t, 1, number(t, db, `SELECT count(*) FROM {schema}.a WHERE bound = '0'`))
	require.Equal(t, 1, number(t, db, `SELECT count(*) FROM {schema}.a WHERE current_setting('statement_timeout') = '12s'`), "the others are")
}

func TestACallWhoseContextEndsReturnsAtOnceWithItsError(t *testing.T) {
	c := config(steps...)
	c.StatementTimeout = time.Hour
	db := open(t, pgtest.Database(t), c)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, `SELECT pg_sleep(1000)`)
		return err
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), long)
}

func TestAnErrorOfATransactionTakesItBack(t *testing.T) {
	db := open(t, pgtest.Database(t), config(steps...))
	mine := errors.New("mine")
	err := db.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, db.SQL(`DELETE FROM {schema}.a`)); err != nil {
			return err
		}
		return mine
	})
	require.ErrorIs(t, err, mine)
	require.Equal(t, 2, number(t, db, `SELECT count(*) FROM {schema}.a`))
}

func TestNoErrorShowsThePassword(t *testing.T) {
	for _, dsn := range []string{
		"postgres://user:hunter2@localhost:notaport/db", "host=/nowhere user=u password=hunter2 dbname=x", "password=hunter2 port=x",
		"postgres://user:hunter2 @@/db", "postgres://u:hunter2@127.0.0.1:1/db?sslmode=disable",
	} {
		_, err := pg.Open(t.Context(), dsn, config(steps...))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestASchemasNameIsChecked(t *testing.T) {
	for _, name := range []string{"", "a\x00b", string(make([]byte, 64))} {
		_, err := pg.Open(t.Context(), "", pg.Config{Name: "test", Schema: name})
		require.ErrorContains(t, err, "must have 1 to 63 bytes")
	}
}

// Connections that were idle for a second are looked at before they are used;
// this is about the busy ones.
func TestWhenTheServerEndsASessionTheOthersAreNotTriedEither(t *testing.T) {
	dsn := pgtest.Database(t)
	c := config(steps...)
	c.MaxConns = 8
	db := open(t, dsn, c)
	var group sync.WaitGroup
	for range 8 { // eight connections in the pool
		group.Go(func() {
			_ = db.Do(t.Context(), func(ctx context.Context, q pg.Querier) error {
				_, err := q.Exec(ctx, `SELECT pg_sleep(0.3)`)
				return err
			})
		})
	}
	group.Wait()
	pgtest.Exec(t, dsn, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'ml-connector test' AND datname = current_database()`)
	failed := 0
	for range 8 {
		if err := db.Do(t.Context(), func(ctx context.Context, q pg.Querier) error {
			_, err := q.Exec(ctx, `SELECT 1`)
			return err
		}); err != nil {
			failed++
		}
	}
	require.LessOrEqual(t, failed, 1)
}
