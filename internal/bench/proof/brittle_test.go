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
// of the vendors. do has the effect, and may have it after the call returned.
type fate interface {
	around(ctx context.Context, kind, name string, do func(context.Context) error) error
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

func around[T any](ctx context.Context, f fate, kind, name string, do func(context.Context) (T, error)) (T, error) {
	var out T
	err := f.around(ctx, kind, name, func(ctx context.Context) (err error) {
		out, err = do(ctx)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

func (s brittleStore) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	return around(ctx, s.fate, ofStore, "Create", func(ctx context.Context) (storage.Transfer, error) { return s.Store.Create(ctx, t) })
}

func (s brittleStore) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	return around(ctx, s.fate, ofStore, "Get", func(ctx context.Context) (storage.Transfer, error) { return s.Store.Get(ctx, id) })
}

func (s brittleStore) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	return around(ctx, s.fate, ofStore, "Update "+t.State, func(ctx context.Context) (storage.Transfer, error) { return s.Store.Update(ctx, t) })
}

func (s brittleStore) Purge(ctx context.Context, id storage.ID, rev string) error {
	return s.fate.around(ctx, ofStore, "Purge", func(ctx context.Context) error { return s.Store.Purge(ctx, id, rev) })
}

func (s brittleStore) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	return around(ctx, s.fate, ofStore, "Due", func(ctx context.Context) ([]storage.Transfer, error) { return s.Store.Due(ctx, queue, by, limit) })
}

func (s brittleStore) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	return around(ctx, s.fate, ofStore, "List", func(ctx context.Context) (storage.Page, error) { return s.Store.List(ctx, q) })
}

func (s brittleStore) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	return around(ctx, s.fate, ofStore, "Load", func(ctx context.Context) (storage.Value, error) { return s.Store.Load(ctx, tenant, name) })
}

func (s brittleStore) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	return around(ctx, s.fate, ofStore, "Save", func(ctx context.Context) (storage.Value, error) { return s.Store.Save(ctx, v) })
}

func (s brittleStore) Delete(ctx context.Context, tenant, name, rev string) error {
	return s.fate.around(ctx, ofStore, "Delete", func(ctx context.Context) error { return s.Store.Delete(ctx, tenant, name, rev) })
}

type scanned struct {
	vs   []storage.Value
	next string
}

func (s brittleStore) Scan(ctx context.Context, tenant, prefix, after string, limit int) ([]storage.Value, string, error) {
	got, err := around(ctx, s.fate, ofStore, "Scan", func(ctx context.Context) (scanned, error) {
		vs, next, err := s.Store.Scan(ctx, tenant, prefix, after, limit)
		return scanned{vs, next}, err
	})
	return got.vs, got.next, err
}

func (s brittleStore) Put(ctx context.Context, tenant, name string, data []byte) error {
	return s.fate.around(ctx, ofStore, "Put", func(ctx context.Context) error { return s.Store.Put(ctx, tenant, name, data) })
}

func (s brittleStore) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	return around(ctx, s.fate, ofStore, "Read", func(ctx context.Context) ([]byte, error) { return s.Store.Read(ctx, tenant, name) })
}

// brittleLog is an audit log as one process sees it.
type brittleLog struct {
	audit.Log
	fate fate
}

func (l brittleLog) Append(ctx context.Context, rs []audit.Record) error {
	return l.fate.around(ctx, ofAudit, rs[0].Action, func(ctx context.Context) error { return l.Log.Append(ctx, rs) })
}

func (l brittleLog) Last(ctx context.Context, tenant string) (audit.Record, error) {
	return around(ctx, l.fate, ofAudit, "Last", func(ctx context.Context) (audit.Record, error) { return l.Log.Last(ctx, tenant) })
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
