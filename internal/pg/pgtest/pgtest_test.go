package pgtest_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func exec(t *testing.T, dsn, statement string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(t.Context(), statement)
	return errors.Join(err, conn.Close(t.Context()))
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	one, two := pgtest.Database(t), pgtest.Database(t)
	require.NoError(t, exec(t, one, `CREATE TABLE a ()`))
	require.NoError(t, exec(t, two, `CREATE TABLE a ()`))
}

func TestAServerKeepsWhatWasCommittedThroughStopAndCrash(t *testing.T) {
	server := pgtest.Start(t)
	dsn := server.Database(t, "kept")
	require.NoError(t, exec(t, dsn, `CREATE TABLE a ()`))
	server.Crash(t)
	require.Error(t, exec(t, dsn, `SELECT 1`))
	server.Run(t)
	require.NoError(t, exec(t, dsn, `SELECT * FROM a`))
	server.Stop(t)
	require.Error(t, exec(t, dsn, `SELECT 1`))
	server.Run(t)
	require.NoError(t, exec(t, dsn, `SELECT * FROM a`))
}
