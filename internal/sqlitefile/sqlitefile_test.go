package sqlitefile_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/ml-connector/ml-connector/internal/sqlitefile"
)

var config = sqlitefile.Config{
	Name: "ledger", Application: 7, Migrations: []string{`CREATE TABLE t (n INTEGER PRIMARY KEY CHECK (n < 1000)) STRICT`}, BusyTimeout: 200 * time.Millisecond,
}

// patient is how long files wait for each other where nobody is to give up, however slow the disk is.
const patient = 5 * time.Minute

func open(t *testing.T, path string, c sqlitefile.Config) *sqlitefile.File {
	t.Helper()
	f, err := sqlitefile.Open(t.Context(), path, c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() }) // closed twice where the test closed it
	return f
}

func insert(n int) func(tx *sqlitefile.Tx) error {
	return func(tx *sqlitefile.Tx) error {
		_, err := tx.Exec(`INSERT INTO t VALUES (?)`, n)
		return err
	}
}

func count(t *testing.T, f *sqlitefile.File) int {
	t.Helper()
	var n int
	require.NoError(t, f.Reader().QueryRowContext(t.Context(), `SELECT count(*) FROM t`).Scan(&n))
	return n
}

func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestPathMayHoldAnyCharacter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%20e&_pragma=x'\"ü.db")
	require.NoError(t, open(t, path, config).Write(t.Context(), insert(1)))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	require.Positive(t, info.Size())
}

func TestWhatIsNoPathIsRefused(t *testing.T) {
	for _, path := range []string{"", ":memory:", "file:x.db?mode=memory"} {
		_, err := sqlitefile.Open(t.Context(), path, config)
		require.ErrorContains(t, err, "is no path of a file", path)
	}
}

func TestMissingFolderIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "x.db")
	_, err := sqlitefile.Open(t.Context(), path, config)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, path)
}

func TestFileThatIsNoDatabaseIsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	text := []byte("a text that somebody wrote and that is certainly not to be touched")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	_, err := sqlitefile.Open(t.Context(), path, config)
	require.Error(t, err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, got)
}

func TestFileOfAnotherKindIsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	other := config
	other.Application = 8
	require.NoError(t, open(t, path, other).Close())
	_, err := sqlitefile.Open(t.Context(), path, config)
	require.ErrorContains(t, err, "is no ledger")

	foreign := filepath.Join(t.TempDir(), "foreign.db")
	_, err = raw(t, foreign).ExecContext(t.Context(), `CREATE TABLE theirs (a)`)
	require.NoError(t, err)
	_, err = sqlitefile.Open(t.Context(), foreign, config)
	require.ErrorContains(t, err, "is no ledger")
	var mode string
	require.NoError(t, raw(t, foreign).QueryRowContext(t.Context(), `PRAGMA journal_mode`).Scan(&mode))
	require.Equal(t, "delete", mode, "a file that is not ours is not switched over")
}

func TestOlderFileIsMigratedAndKeepsItsRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	f := open(t, path, config)
	require.NoError(t, f.Write(t.Context(), insert(1)))
	require.NoError(t, f.Close())
	newer := config
	newer.Migrations = append(newer.Migrations[:1:1], `ALTER TABLE t ADD COLUMN m INTEGER NOT NULL DEFAULT 5`, `UPDATE t SET m = 6`)
	for range 2 { // the second time there is nothing to do
		f = open(t, path, newer)
		var m int
		require.NoError(t, f.Reader().QueryRowContext(t.Context(), `SELECT m FROM t`).Scan(&m))
		require.Equal(t, 6, m)
		require.NoError(t, f.Close())
	}
}

func TestMigrationThatFailsChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	require.NoError(t, open(t, path, config).Close())
	newer := config
	newer.Migrations = append(newer.Migrations[:1:1], `CREATE TABLE u (a)`, `CREATE TABLE t (a)`)
	_, err := sqlitefile.Open(t.Context(), path, newer)
	require.ErrorContains(t, err, "migrate to schema 3")
	newer.Migrations = newer.Migrations[:2]
	require.NoError(t, open(t, path, newer).Close(), "the table of the first step is not there yet")
}

func TestNewerFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	newer := config
	newer.Migrations = append(newer.Migrations[:1:1], `CREATE TABLE u (a)`)
	require.NoError(t, open(t, path, newer).Close())
	_, err := sqlitefile.Open(t.Context(), path, config)
	require.ErrorContains(t, err, "the file has schema 2, this program knows up to 1: use the newer program")
}

func TestManyMayOpenANewFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	c := config
	c.BusyTimeout = patient
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			f, err := sqlitefile.Open(t.Context(), path, c)
			if err == nil {
				err = errors.Join(f.Write(t.Context(), insert(i)), f.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 6, count(t, open(t, path, config)))
}

func TestEveryCommitIsSynced(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "x.db"), config)
	require.NoError(t, f.Write(t.Context(), func(tx *sqlitefile.Tx) error {
		var synchronous, mode string
		if _, err := tx.Get(`PRAGMA synchronous`, nil, &synchronous); err != nil {
			return err
		}
		if _, err := tx.Get(`PRAGMA journal_mode`, nil, &mode); err != nil {
			return err
		}
		require.Equal(t, "2", synchronous, "FULL")
		require.Equal(t, "wal", mode)
		return nil
	}))
}

// blocked holds the writer in a write until release is called, so that a group
// gathers behind it.
func blocked(t *testing.T, f *sqlitefile.File) (release func()) {
	t.Helper()
	inside, leave := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- f.Write(t.Context(), func(*sqlitefile.Tx) error {
			close(inside)
			<-leave
			return nil
		})
	}()
	<-inside
	return func() {
		close(leave)
		require.NoError(t, <-done)
	}
}

func TestFailureOfOneCostsTheOthersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, filepath.Join(t.TempDir(), "x.db"), config)
		refused := errors.New("refused")
		release := blocked(t, f)
		errs := make([]error, 20)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				errs[i] = f.Write(t.Context(), func(tx *sqlitefile.Tx) error {
					if i%5 == 3 {
						return refused
					}
					if err := insert(i)(tx); err != nil || i%5 != 4 {
						return err
					}
					return insert(1000 + i)(tx) // fails after another statement succeeded
				})
			})
			synctest.Wait()
		}
		release()
		all.Wait()
		for i, err := range errs {
			switch i % 5 {
			case 3:
				require.Equal(t, refused, err)
			case 4:
				require.ErrorContains(t, err, "CHECK")
			default:
				require.NoError(t, err)
			}
		}
		require.Equal(t, 12, count(t, f))
		require.NoError(t, f.Close())
	})
}

func TestStatementsAfterAFailedOneDoNothing(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "x.db"), config)
	err := f.Write(t.Context(), func(tx *sqlitefile.Tx) error {
		_ = insert(1001)(tx) // the failure is overlooked
		return insert(1)(tx)
	})
	require.ErrorContains(t, err, "CHECK")
	require.Zero(t, count(t, f))
	err = f.Write(t.Context(), func(tx *sqlitefile.Tx) error {
		_ = insert(1001)(tx)
		return nil
	})
	require.ErrorContains(t, err, "CHECK", "a write that failed is not reported as done")
}

func TestCallersShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, filepath.Join(t.TempDir(), "x.db"), config)
		release := blocked(t, f)
		var all sync.WaitGroup
		seen := make([]int, 10)
		for i := range seen {
			all.Go(func() {
				if err := f.Write(t.Context(), func(tx *sqlitefile.Tx) error {
					if err := insert(i)(tx); err != nil {
						return err
					}
					seen[i] = count(t, f) // what is committed so far
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		release()
		all.Wait()
		require.Equal(t, make([]int, 10), seen)
		require.Equal(t, 10, count(t, f))
		require.NoError(t, f.Close())
	})
}

func TestReadersDoNotWaitForTheWriter(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "x.db"), config)
	require.NoError(t, f.Write(t.Context(), insert(1)))
	release := blocked(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	var n int
	require.NoError(t, f.Reader().QueryRowContext(ctx, `SELECT count(*) FROM t`).Scan(&n))
	require.Equal(t, 1, n)
	release()
}

func TestReadersCannotWrite(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "x.db"), config)
	_, err := f.Reader().ExecContext(t.Context(), `INSERT INTO t VALUES (1)`)
	require.ErrorContains(t, err, "readonly")
}

func TestWriteOfACallerWhoLeftIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, filepath.Join(t.TempDir(), "x.db"), config)
		release := blocked(t, f)
		ctx, cancel := context.WithCancel(t.Context())
		left, stayed := make(chan error, 1), make(chan error, 1)
		go func() { left <- f.Write(ctx, insert(1)) }()
		go func() { stayed <- f.Write(t.Context(), insert(2)) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-left, context.Canceled)
		release()
		require.NoError(t, <-stayed)
		require.Equal(t, 1, count(t, f))
		require.NoError(t, f.Close())
	})
}

func TestFileThatAnotherHoldsIsWaitedForAndThenGivenUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	f := open(t, path, config)
	conn, err := raw(t, path).Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	require.NoError(t, err)
	start := time.Now()
	require.ErrorContains(t, f.Write(t.Context(), insert(1)), "locked")
	require.GreaterOrEqual(t, time.Since(start), config.BusyTimeout/2)
	_, err = conn.ExecContext(t.Context(), `ROLLBACK`)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.NoError(t, f.Write(t.Context(), insert(1)))
}

func TestFullDiskFailsAndPasses(t *testing.T) {
	c := config
	c.Migrations = []string{`CREATE TABLE big (data BLOB NOT NULL) STRICT`}
	f := open(t, filepath.Join(t.TempDir(), "x.db"), c)
	pages := func(n int) {
		require.NoError(t, f.Write(t.Context(), func(tx *sqlitefile.Tx) error {
			var now int
			_, err := tx.Get(`PRAGMA max_page_count = `+strconv.Itoa(n), nil, &now)
			return err
		}))
	}
	put := func() error {
		return f.Write(t.Context(), func(tx *sqlitefile.Tx) error {
			_, err := tx.Exec(`INSERT INTO big VALUES (zeroblob(100000))`)
			return err
		})
	}
	pages(40)
	require.NoError(t, put())
	require.ErrorContains(t, put(), "full")
	require.ErrorContains(t, put(), "full")
	pages(1 << 20)
	require.NoError(t, put())
	var n int
	require.NoError(t, f.Reader().QueryRowContext(t.Context(), `SELECT count(*) FROM big`).Scan(&n))
	require.Equal(t, 2, n)
}

func TestClosedFileSaysSo(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "x.db"), config)
	require.NoError(t, f.Close())
	require.ErrorIs(t, f.Write(t.Context(), insert(1)), sqlitefile.ErrClosed)
	require.ErrorIs(t, f.Close(), sqlitefile.ErrClosed)
}

func TestCloseWaitsForAWriteThatWasBegun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	f := open(t, path, config)
	inside, leave := make(chan struct{}), make(chan struct{})
	written, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		written <- f.Write(t.Context(), func(tx *sqlitefile.Tx) error {
			close(inside)
			<-leave
			return insert(1)(tx)
		})
	}()
	<-inside
	go func() { closed <- f.Close() }()
	close(leave)
	require.NoError(t, <-written)
	require.NoError(t, <-closed)
	require.Equal(t, 1, count(t, open(t, path, config)))
}

func TestNothingRunsOnAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a bubble fails if a goroutine is left
		f, err := sqlitefile.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), config)
		require.NoError(t, err)
		require.NoError(t, f.Write(t.Context(), insert(1)))
		require.Equal(t, 1, count(t, f))
		require.NoError(t, f.Close())
	})
}

func TestNoNumberOfACounterIsKeptByTwoWrites(t *testing.T) {
	c := config
	c.BusyTimeout = patient
	c.Migrations = []string{`CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT; CREATE TABLE c (last INTEGER NOT NULL) STRICT; INSERT INTO c VALUES (0)`}
	path := filepath.Join(t.TempDir(), "x.db")
	files := []*sqlitefile.File{open(t, path, c), open(t, path, c)} // two processes
	failed := errors.New("refused")
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			err := files[i%2].Write(t.Context(), func(tx *sqlitefile.Tx) error {
				n, err := tx.Next(`SELECT last FROM c`, `UPDATE c SET last = ?`)
				if err != nil || i%5 == 3 {
					return errors.Join(err, failed)
				}
				if _, err := tx.Exec(`INSERT INTO t VALUES (?)`, n); err != nil || i%5 != 4 {
					return err
				}
				_, err = tx.Exec(`INSERT INTO t VALUES (?)`, n) // takes the write back
				return err
			})
			if (i%5 < 3) != (err == nil) {
				t.Error(i, err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 24, count(t, files[0]))
	var highest, last int
	require.NoError(t, files[0].Get(t.Context(), `SELECT (SELECT max(n) FROM t), (SELECT last FROM c)`, nil, &highest, &last))
	require.GreaterOrEqual(t, last, highest)
}
