package sqlitelog_test

import (
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/audittest"
	"github.com/ml-connector/ml-connector/audit/sqlitelog"
)

func open(t *testing.T, path string) *sqlitelog.Log {
	t.Helper()
	l, err := sqlitelog.Open(t.Context(), path, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() }) // closed twice where the test closed it
	return l
}

// raw opens the file by other means than this package.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
}

func TestLogKeepsTheContract(t *testing.T) {
	paths := map[audit.Log]string{}
	audittest.Run(t, func(t *testing.T) audit.Log {
		path := filepath.Join(t.TempDir(), "audit.db")
		l := open(t, path)
		paths[l] = path
		return l
	}, &audittest.Options{
		Reopen: func(t *testing.T, l audit.Log) audit.Log {
			closer, ok := l.(io.Closer)
			require.True(t, ok)
			require.NoError(t, closer.Close())
			return open(t, paths[l])
		},
	})
}

// written returns a file with n records of one tenant and some of another.
func written(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.db")
	l, err := sqlitelog.Open(t.Context(), path, nil)
	require.NoError(t, err)
	trail := audit.NewTrail(l, nil)
	for i := range n {
		for _, tenant := range []string{"acme", "globex"} {
			require.NoError(t, trail.Append(t.Context(), audit.Record{
				Tenant: tenant, ID: fmt.Sprintf("deliver/%d", i), Action: "deliver", Subject: "report A1", Outcome: "posted", Reason: "approved",
				Detail: []byte(`{"number":"INV-1"}`), Sealed: []byte{1, 2, 3},
			}))
		}
	}
	require.NoError(t, l.Close())
	return path
}

// copied returns a copy of a file without its triggers, opened by other means.
func copied(t *testing.T, path string) (string, *sql.DB) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	to := filepath.Join(t.TempDir(), "copy.db")
	require.NoError(t, os.WriteFile(to, data, 0o600))
	db := raw(t, to)
	exec(t, db, `DROP TRIGGER records_no_update`)
	exec(t, db, `DROP TRIGGER records_no_delete`)
	return to, db
}

func verify(t *testing.T, path string) (int64, error) {
	t.Helper()
	return audit.NewTrail(open(t, path), nil).Verify(t.Context(), "acme")
}

func TestVerifyFindsEveryChangedColumnOfEveryRecord(t *testing.T) {
	const n = 5
	path, db := copied(t, written(t, n))
	trail := audit.NewTrail(open(t, path), nil)
	last, err := trail.Verify(t.Context(), "acme")
	require.NoError(t, err)
	require.EqualValues(t, n, last)
	columns := strings.Fields("tenant seq time id actor action subject outcome reason detail sealed prev hash")
	var there int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM pragma_table_info('records')`).Scan(&there))
	require.Len(t, columns, there, "a new column needs a mutation")
	changed := 0
	for _, column := range columns {
		for seq := 1; seq <= n; seq++ {
			changes := []string{`substr(` + column + `, 2)`, column + ` || 'x'`, `replace(` + column + `, substr(` + column + `, 1, 1), 'z')`, `''`}
			switch column {
			case "seq":
				changes = []string{`seq + 100`, `seq + 1000000`}
			case "time":
				changes = []string{`time + 1`, `time - 1`}
			case "detail", "sealed":
				changes = []string{`CAST('{}' AS BLOB)`, `zeroblob(0)`, `CAST(` + column + ` || ' ' AS BLOB)`}
			}
			for _, change := range changes {
				var row int64
				var before any
				require.NoError(t, db.QueryRowContext(t.Context(), `SELECT rowid, `+column+` FROM records WHERE tenant = 'acme' AND seq = ?`, seq).Scan(&row, &before))
				res, err := db.ExecContext(t.Context(), `UPDATE records SET `+column+` = `+change+` WHERE rowid = ? AND `+column+` <> `+change, row)
				require.NoError(t, err)
				affected, err := res.RowsAffected()
				require.NoError(t, err)
				if affected == 0 {
					continue // the first record's prev is empty already
				}
				changed++
				last, err := trail.Verify(t.Context(), "acme")
				if seq == n && column == "tenant" {
					// The newest record given to another tenant is the newest cut off.
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, audit.ErrBroken, "%s of record %d set to %s", column, seq, change)
					require.ErrorContains(t, err, fmt.Sprintf("record %d of tenant \"acme\"", seq))
				}
				require.EqualValues(t, seq-1, last)
				exec(t, db, `UPDATE records SET `+column+` = ? WHERE rowid = ?`, before, row)
			}
		}
	}
	require.Greater(t, changed, 150)
	last, err = trail.Verify(t.Context(), "acme")
	require.NoError(t, err, "every change was taken back")
	require.EqualValues(t, n, last)
}

func TestVerifyNamesAMissingRecord(t *testing.T) {
	path, db := copied(t, written(t, 6))
	exec(t, db, `DELETE FROM records WHERE tenant = 'acme' AND seq = 3`)
	last, err := verify(t, path)
	require.ErrorIs(t, err, audit.ErrBroken)
	require.ErrorContains(t, err, `record 3 of tenant "acme" is missing: the next one is 4`)
	require.EqualValues(t, 2, last)
}

func TestVerifyFindsAMissingRecordThatWasClosedUp(t *testing.T) {
	path, db := copied(t, written(t, 6))
	exec(t, db, `DELETE FROM records WHERE tenant = 'acme' AND seq = 3`)
	exec(t, db, `UPDATE records SET seq = 3 WHERE tenant = 'acme' AND seq = 4`)
	exec(t, db, `UPDATE records SET seq = 4 WHERE tenant = 'acme' AND seq = 5`)
	exec(t, db, `UPDATE records SET seq = 5 WHERE tenant = 'acme' AND seq = 6`)
	_, err := verify(t, path)
	require.ErrorIs(t, err, audit.ErrBroken)
	require.ErrorContains(t, err, "record 3 ")
}

func TestVerifyFindsTwoRecordsThatChangedPlaces(t *testing.T) {
	path, db := copied(t, written(t, 6))
	exec(t, db, `UPDATE records SET seq = 1000 WHERE tenant = 'acme' AND seq = 3`)
	exec(t, db, `UPDATE records SET seq = 3 WHERE tenant = 'acme' AND seq = 4`)
	exec(t, db, `UPDATE records SET seq = 4 WHERE tenant = 'acme' AND seq = 1000`)
	_, err := verify(t, path)
	require.ErrorIs(t, err, audit.ErrBroken)
	require.ErrorContains(t, err, "record 3 ")
}

func TestVerifyFindsARecordOfAnotherTenantPutIn(t *testing.T) {
	path, db := copied(t, written(t, 6))
	exec(t, db, `DELETE FROM records WHERE tenant = 'acme' AND seq = 2`)
	exec(t, db, `UPDATE records SET tenant = 'acme' WHERE tenant = 'globex' AND seq = 2`)
	_, err := verify(t, path)
	require.ErrorIs(t, err, audit.ErrBroken)
	require.ErrorContains(t, err, "record 2 ")
}

func TestVerifyReturnsTheNumberThatShowsACutOffEnd(t *testing.T) {
	path, db := copied(t, written(t, 6))
	exec(t, db, `DELETE FROM records WHERE tenant = 'acme' AND seq > 4`)
	last, err := verify(t, path)
	require.NoError(t, err, "a chain alone cannot show this")
	require.EqualValues(t, 4, last)
}

func TestRecordsCanNeitherBeChangedNorDeleted(t *testing.T) {
	db := raw(t, written(t, 2))
	for _, query := range []string{
		`UPDATE records SET actor = 'x'`,
		`UPDATE records SET actor = actor WHERE seq = 1`,
		`DELETE FROM records`,
		`DELETE FROM records WHERE seq = 2`,
	} {
		_, err := db.ExecContext(t.Context(), query)
		require.ErrorContains(t, err, "audit records are never")
	}
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM records`).Scan(&n))
	require.Equal(t, 4, n)
}

func TestRecordsCannotBeReplaced(t *testing.T) {
	db := raw(t, written(t, 2))
	for _, query := range []string{
		`INSERT OR REPLACE INTO records SELECT tenant, seq, time, id, 'x', action, subject, outcome, reason, detail, sealed, prev, hash FROM records WHERE seq = 1`,
		`INSERT OR REPLACE INTO records (rowid, tenant, seq, time, id, actor, action, subject, outcome, reason, detail, sealed, prev, hash)
			SELECT rowid, tenant, 3, time, id, 'x', action, subject, outcome, reason, detail, sealed, prev, hash FROM records WHERE tenant = 'acme' AND seq = 1`,
	} {
		_, err := db.ExecContext(t.Context(), query)
		require.ErrorContains(t, err, "only added behind the last one")
	}
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM records WHERE actor = 'x'`).Scan(&n))
	require.Zero(t, n)
}

func TestAppendRefusesAGap(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "audit.db"))
	err := l.Append(t.Context(), []audit.Record{{Tenant: "acme", Seq: 2, Time: time.Now(), Action: "x"}})
	require.ErrorContains(t, err, "may not leave a gap")
	_, err = l.Last(t.Context(), "acme")
	require.ErrorIs(t, err, audit.ErrNotFound)
}

func TestFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.db")
	l := open(t, path)
	require.NoError(t, audit.NewTrail(l, nil).Append(t.Context(), audit.Record{Tenant: "acme", Action: "x"}))
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestSecondLogOnOneFileSeesTheFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.db")
	one, two := audit.NewTrail(open(t, path), nil), audit.NewTrail(open(t, path), nil)
	for range 10 {
		require.NoError(t, one.Append(t.Context(), audit.Record{Tenant: "acme", Action: "one"}))
		require.NoError(t, two.Append(t.Context(), audit.Record{Tenant: "acme", Action: "two"}))
	}
	last, err := two.Verify(t.Context(), "acme")
	require.NoError(t, err)
	require.EqualValues(t, 20, last)
}

func TestLogWorksInABubble(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.db")
	synctest.Test(t, func(t *testing.T) {
		l, err := sqlitelog.Open(t.Context(), path, nil)
		require.NoError(t, err)
		trail := audit.NewTrail(l, nil)
		require.NoError(t, trail.Append(t.Context(), audit.Record{Tenant: "acme", Action: "x"}))
		wait := time.NewTimer(time.Hour)
		<-wait.C
		require.NoError(t, trail.Append(t.Context(), audit.Record{Tenant: "acme", Action: "y"}))
		rs, _, err := trail.Read(t.Context(), audit.Query{Tenant: "acme"})
		require.NoError(t, err)
		require.Equal(t, time.Hour, rs[1].Time.Sub(rs[0].Time))
		require.NoError(t, l.Close())
	})
}
