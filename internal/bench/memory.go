package main

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/sqlitelog"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
)

// memory is what an engine remembers in.
type memory struct {
	store storage.Store
	trail *audit.Trail
	close func() error
}

// over puts the audit of every call around a transport.
func (m memory) over(base http.RoundTripper) http.RoundTripper {
	return audit.Transport(base, m.trail)
}

// onDisk is what the connector uses by default: two SQLite files.
func onDisk(ctx context.Context, dir string) (memory, error) {
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "ledger.db"), nil)
	if err != nil {
		return memory{}, err
	}
	log, err := sqlitelog.Open(ctx, filepath.Join(dir, "audit.db"), nil)
	if err != nil {
		return memory{}, errors.Join(err, store.Close())
	}
	return memory{store, audit.NewTrail(log, nil), func() error { return errors.Join(store.Close(), log.Close()) }}, nil
}

// inMemory keeps the ledger in memory and of the audit, whose chain is computed
// all the same, the last record alone.
func inMemory() memory {
	return memory{memstore.New(), audit.NewTrail(&lastRecord{}, nil), func() error { return nil }}
}

// lastRecord is an audit log of one tenant that forgets all but the end.
type lastRecord struct {
	mu   sync.Mutex
	last audit.Record
}

// Append implements audit.Log.
func (l *lastRecord) Append(_ context.Context, rs []audit.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = rs[len(rs)-1]
	return nil
}

// Last implements audit.Log.
func (l *lastRecord) Last(context.Context, string) (audit.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.Seq == 0 {
		return audit.Record{}, audit.ErrNotFound
	}
	return l.last, nil
}

// Read implements audit.Log.
func (*lastRecord) Read(context.Context, audit.Query) ([]audit.Record, int64, error) {
	return nil, 0, nil
}
