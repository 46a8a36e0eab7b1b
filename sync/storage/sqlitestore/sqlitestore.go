// Package sqlitestore is a storage.Store in one SQLite file: nothing to
// install, pure Go, the default.
//
//	store, err := sqlitestore.Open(ctx, "ledger.db", nil)
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	e, err := engine.New(store, trail, nil)
//
// The file has a write-ahead log and syncs every commit (synchronous=FULL), so
// nil means durable. Writes of concurrent callers go into one commit: the
// disk's sync is what costs, and it is paid once for all who wait. Each write
// is judged by itself; one that is refused or fails costs the others nothing.
// Reads have connections of their own and never wait for the writer.
//
// The schema has a version. Open brings an older file forward and refuses one
// that a newer program wrote. Several processes may open one file, since SQLite
// orders their writes; put it on a local disk, never on a network share.
// Documents and audit records belong into different files: see package
// sqlitelog.
//
// # How it fails
//
// Besides the three errors of package storage: the context's error, the
// driver's (disk full, file locked by another process for longer than
// BusyTimeout), and an error once the store was closed. After any of these the
// write may have happened; read again. Everything is safe for concurrent use,
// also inside a testing/synctest bubble that opens and closes the store itself.
package sqlitestore

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/internal/sqlitefile"
	"github.com/ml-connector/ml-connector/sync/storage"
)

const defaultLimit = 100

// Options change how a store behaves. The zero value is good.
type Options struct {
	// BusyTimeout is how long a write waits for another process that writes to
	// the same file. It takes real time, also in a synctest bubble. 0: 5 seconds.
	BusyTimeout time.Duration
	// Readers is how many reads run at a time; more wait. 0: 4.
	Readers int
}

// Store keeps transfers, values and contents in one SQLite file.
type Store struct {
	file  *sqlitefile.File
	known known
}

var (
	_ storage.Store  = (*Store)(nil)
	_ storage.Queuer = (*Store)(nil)
)

// Open opens the file at path, or creates it with mode 0600, and brings its
// schema up to date. path is a plain path; databases in memory are not taken.
func Open(ctx context.Context, path string, opts *Options) (*Store, error) {
	if opts == nil {
		opts = &Options{}
	}
	file, err := sqlitefile.Open(ctx, path, sqlitefile.Config{
		Name:        "ledger",
		Application: application,
		Migrations:  migrations,
		BusyTimeout: opts.BusyTimeout,
		Readers:     opts.Readers,
	})
	if err != nil {
		return nil, err
	}
	return &Store{file: file, known: known{rows: map[int64]row{}}}, nil
}

// Close waits for the writes that were begun and closes the file.
func (s *Store) Close() error { return s.file.Close() }

// nextRev counts for the whole file, so that a row that is purged and created
// again cannot get an old Rev. The count is part of the transaction.
func nextRev(tx *sqlitefile.Tx) (int64, error) { return tx.Next(sqlLastRev, sqlKeepRev) }

func formatRev(n int64) string { return strconv.FormatInt(n, 10) }

// parseRev returns a number that no row has if the text was never given out.
func parseRev(rev string) int64 {
	n, err := strconv.ParseInt(rev, 10, 64)
	if err != nil || formatRev(n) != rev {
		return -1
	}
	return n
}

// owned returns a copy that is not nil, for columns that are not null.
func owned(data []byte) []byte {
	if len(data) == 0 {
		return []byte{}
	}
	return bytes.Clone(data)
}

// prefixEnd returns the first string behind everything that begins with prefix,
// and false if there is none.
func prefixEnd(prefix string) (string, bool) {
	end := []byte(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return string(end[:i+1]), true
		}
	}
	return "", false
}
