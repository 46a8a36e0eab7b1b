package proof

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/storage"
)

var (
	errKilled  = errors.New("the process was killed")
	errTrouble = errors.New("input/output error")
)

// fate decides what becomes of a process's calls of its store and audit log, and
// of the vendors. do has the effect.
type fate interface {
	around(kind, name string, do func() error) error
	call(base http.RoundTripper, r *http.Request) (*http.Response, error)
}

// Kinds of calls.
const (
	ofStore = "store"
	ofAudit = "audit"
	ofCall  = "call"
)

// brittleStore is a store as one process sees it.
type brittleStore struct {
	storage.Store
	fate fate
}

func around[T any](f fate, kind, name string, do func() (T, error)) (out T, err error) {
	err = f.around(kind, name, func() (err error) {
		out, err = do()
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

func (s brittleStore) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	return around(s.fate, ofStore, "Create", func() (storage.Transfer, error) { return s.Store.Create(ctx, t) })
}

func (s brittleStore) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	return around(s.fate, ofStore, "Get", func() (storage.Transfer, error) { return s.Store.Get(ctx, id) })
}

func (s brittleStore) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	return around(s.fate, ofStore, "Update "+t.State, func() (storage.Transfer, error) { return s.Store.Update(ctx, t) })
}

func (s brittleStore) Purge(ctx context.Context, id storage.ID, rev string) error {
	return s.fate.around(ofStore, "Purge", func() error { return s.Store.Purge(ctx, id, rev) })
}

func (s brittleStore) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	return around(s.fate, ofStore, "Due", func() ([]storage.Transfer, error) { return s.Store.Due(ctx, queue, by, limit) })
}

func (s brittleStore) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	return around(s.fate, ofStore, "List", func() (storage.Page, error) { return s.Store.List(ctx, q) })
}

func (s brittleStore) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	return around(s.fate, ofStore, "Load", func() (storage.Value, error) { return s.Store.Load(ctx, tenant, name) })
}

func (s brittleStore) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	return around(s.fate, ofStore, "Save", func() (storage.Value, error) { return s.Store.Save(ctx, v) })
}

func (s brittleStore) Delete(ctx context.Context, tenant, name, rev string) error {
	return s.fate.around(ofStore, "Delete", func() error { return s.Store.Delete(ctx, tenant, name, rev) })
}

type scanned struct {
	vs   []storage.Value
	next string
}

func (s brittleStore) Scan(ctx context.Context, tenant, prefix, after string, limit int) ([]storage.Value, string, error) {
	got, err := around(s.fate, ofStore, "Scan", func() (scanned, error) {
		vs, next, err := s.Store.Scan(ctx, tenant, prefix, after, limit)
		return scanned{vs, next}, err
	})
	return got.vs, got.next, err
}

func (s brittleStore) Put(ctx context.Context, tenant, name string, data []byte) error {
	return s.fate.around(ofStore, "Put", func() error { return s.Store.Put(ctx, tenant, name, data) })
}

func (s brittleStore) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	return around(s.fate, ofStore, "Read", func() ([]byte, error) { return s.Store.Read(ctx, tenant, name) })
}

// brittleLog is an audit log as one process sees it.
type brittleLog struct {
	audit.Log
	fate fate
}

func (l brittleLog) Append(ctx context.Context, rs []audit.Record) error {
	return l.fate.around(ofAudit, rs[0].Action, func() error { return l.Log.Append(ctx, rs) })
}

func (l brittleLog) Last(ctx context.Context, tenant string) (audit.Record, error) {
	return around(l.fate, ofAudit, "Last", func() (audit.Record, error) { return l.Log.Last(ctx, tenant) })
}

// brittleWire carries a process's calls to both vendors.
type brittleWire struct {
	base http.RoundTripper
	fate fate
}

func (w brittleWire) RoundTrip(r *http.Request) (*http.Response, error) {
	return w.fate.call(w.base, r)
}

// pass lets time pass.
func pass(d time.Duration) { <-time.After(d) }
