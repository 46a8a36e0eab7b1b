// Package sqlitefile opens one SQLite file the way the stores and the audit log
// need it: write-ahead log, every commit synced, readers that never wait for
// the writer, and one writer that puts the writes of concurrent callers into
// one commit.
//
//	f, err := sqlitefile.Open(ctx, path, sqlitefile.Config{Name: "ledger", Application: 1, Migrations: steps})
//	err = f.Write(ctx, func(tx *sqlitefile.Tx) error {
//		_, err := tx.Exec("INSERT INTO a VALUES (?)", 1)
//		return err
//	})
//	rows, err := f.Query(ctx, "SELECT …")
//
// Several processes may open one file: SQLite's locks order their writes, and a
// writer waits BusyTimeout for another process. A network file system whose
// locks do not work corrupts the file; it must not be used.
//
// Everything is safe for concurrent use. Nothing is left running after Close.
package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite" // the driver; pure Go
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrClosed is returned once the file was closed.
var ErrClosed = errors.New("sqlitefile: closed")

// Config says what the file is.
type Config struct {
	// Name is what error texts call the file: "ledger".
	Name string
	// Application marks the file as ours (SQLite's application_id), so that a
	// ledger is not opened as an audit log.
	Application int32
	// Migrations lead from an empty file to the present schema, one step each; the
	// number of steps done is the file's schema version. Steps are only ever added.
	Migrations []string
	// BusyTimeout is how long a writer waits for another process. 0: 5 seconds.
	BusyTimeout time.Duration
	// Readers is how many reads run at a time. 0: 4.
	Readers int
}

const (
	defaultBusyTimeout = 5 * time.Second
	defaultReaders     = 4
)

// File is one open SQLite file.
type File struct {
	name    string
	readers *sql.DB
	writer  *writer

	mu         sync.RWMutex
	statements map[string]*sql.Stmt // of the readers
}

// maxStatements is how many statements of readers are kept; queries that are put
// together by filters are more than anybody needs to keep.
const maxStatements = 64

// Open opens the file, creates it with mode 0600 if there is none, and brings
// its schema up to date. It refuses a file of another kind and one whose schema
// is newer than the program.
func Open(ctx context.Context, path string, c Config) (*File, error) {
	if c.BusyTimeout <= 0 {
		c.BusyTimeout = defaultBusyTimeout
	}
	if c.Readers <= 0 {
		c.Readers = defaultReaders
	}
	abs, err := created(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.Name, err)
	}
	pragmas := []string{
		"busy_timeout(" + strconv.FormatInt(c.BusyTimeout.Milliseconds(), 10) + ")",
		"synchronous(FULL)",
		"foreign_keys(1)",
		// Moving the log into the file costs syncs of its own: 16 MiB of it at a time.
		"wal_autocheckpoint(4096)",
	}
	db, err := sql.Open("sqlite", dsn(abs, pragmas...))
	if err != nil {
		return nil, fmt.Errorf("open %s %s: %w", c.Name, path, err)
	}
	db.SetMaxOpenConns(1)
	if err := prepare(ctx, db, c); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s %s: %w", c.Name, path, err), db.Close())
	}
	readers, err := sql.Open("sqlite", dsn(abs, append(pragmas, "query_only(1)")...))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s %s: %w", c.Name, path, err), db.Close())
	}
	readers.SetMaxOpenConns(c.Readers)
	readers.SetMaxIdleConns(c.Readers)
	return &File{name: c.Name, readers: readers, writer: newWriter(db), statements: map[string]*sql.Stmt{}}, nil
}

// Reader returns the pool of connections that read. Each statement sees every
// commit that was finished before it.
func (f *File) Reader() *sql.DB { return f.readers }

// Query runs a query on a reader; its statement is kept for the next time.
func (f *File) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := f.statement(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case stmt == nil:
		return f.readers.QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

// Get runs a query on a reader and scans its first row into dest; sql.ErrNoRows
// says that there is none. Its statement is kept for the next time.
func (f *File) Get(ctx context.Context, query string, args []any, dest ...any) error {
	stmt, err := f.statement(ctx, query)
	switch {
	case err != nil:
		return err
	case stmt == nil:
		return f.readers.QueryRowContext(ctx, query, args...).Scan(dest...)
	}
	return stmt.QueryRowContext(ctx, args...).Scan(dest...)
}

// statement returns nil where there are enough.
func (f *File) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	f.mu.RLock()
	stmt, many := f.statements[query], len(f.statements) >= maxStatements
	f.mu.RUnlock()
	if stmt != nil || many {
		return stmt, nil
	}
	stmt, err := f.readers.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.statements[query]; other != nil {
		stmt.Close()
		return other, nil
	}
	f.statements[query] = stmt
	return stmt, nil
}

// Close waits for the writes that were begun, lets go of the file and returns
// what went wrong with it. Later calls return ErrClosed.
func (f *File) Close() error {
	err := f.writer.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, stmt := range f.statements {
		stmt.Close()
	}
	clear(f.statements)
	return errors.Join(err, f.readers.Close())
}

// created makes sure that there is a file that its owner alone can read. SQLite
// gives the write-ahead log the same mode.
func created(path string) (string, error) {
	if path == "" || strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:") {
		return "", fmt.Errorf("%q is no path of a file; databases in memory and SQLite URIs are not taken", path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(abs, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	return abs, f.Close()
}

// dsn escapes the path, which may hold any character, for SQLite's URI.
func dsn(abs string, pragmas ...string) string {
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // Windows: file:///C:/…
	}
	q := url.Values{"_pragma": pragmas}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?" + q.Encode()
}

// prepare makes the file one of ours with the present schema.
func prepare(ctx context.Context, db *sql.DB, c Config) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := check(ctx, conn, c); err != nil {
		return err // before anything of a foreign file is changed
	}
	if err := useWriteAheadLog(ctx, conn, c.BusyTimeout); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// The context may be what ended it.
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	// Once more, now that no other process can change it meanwhile.
	if err := check(ctx, conn, c); err != nil {
		return err
	}
	var done int
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&done); err != nil {
		return err
	}
	for i, step := range c.Migrations[done:] {
		if _, err := conn.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", done+i+1, err)
		}
	}
	if done < len(c.Migrations) {
		// A pragma takes no parameters; both are integers.
		mark := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", c.Application, len(c.Migrations))
		if _, err := conn.ExecContext(ctx, mark); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// check refuses what must not be touched.
func check(ctx context.Context, conn *sql.Conn, c Config) error {
	var application int32
	var version, tables int
	// One statement sees one moment: another process may be making the file.
	err := conn.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &tables)
	if err != nil {
		return err
	}
	if application != c.Application && (application != 0 || version != 0 || tables != 0) {
		return fmt.Errorf("the file is no %s: it was made for something else (application id %d, this is %d)", c.Name, application, c.Application)
	}
	if version > len(c.Migrations) {
		return fmt.Errorf("the file has schema %d, this program knows up to %d: use the newer program that wrote it, or a backup from before", version, len(c.Migrations))
	}
	return nil
}

// useWriteAheadLog switches the file over. SQLite does not wait for other
// connections when it does so, hence the tries.
func useWriteAheadLog(ctx context.Context, conn *sql.Conn, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		var mode string
		err := conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("the file system allows no write-ahead log (mode %q): use a local disk", mode)
		case !isBusy(err) || time.Now().After(deadline):
			return err
		}
		wait := time.NewTimer(10 * time.Millisecond)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		}
	}
}

func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}
