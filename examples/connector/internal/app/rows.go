package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// rowsPrefix begins the names under which the rows of mapping tables are kept.
const rowsPrefix = "rows/"

// KeptTable says what is kept of a mapping table.
type KeptTable struct {
	Name    string    `json:"name"`
	Rows    int       `json:"rows"`
	Version string    `json:"version"` // hash of the rows
	Put     time.Time `json:"put"`
}

// Rows are the rows of a tenant's mapping tables that stand in the ledger
// (store: in mapping.yaml). It is a rules.RowStore, safe for concurrent use.
type Rows struct {
	store  storage.Store
	tenant string

	mu   sync.Mutex
	read map[string]keptRows // by table
}

type keptRows struct {
	version string
	rows    map[string]string
}

var (
	_ rules.RowStore = (*Rows)(nil)
	_ rules.RowStore = (*tables)(nil)
)

// Rows returns the tables that are kept for a tenant.
func (d *Data) Rows(tenant string) *Rows { return newRows(d.Store, tenant) }

func newRows(store storage.Store, tenant string) *Rows {
	return &Rows{store: store, tenant: tenant, read: map[string]keptRows{}}
}

// Rows implements rules.RowStore. Whether there are other rows is looked up each
// time, so that what is put counts for the next document.
func (r *Rows) Rows(ctx context.Context, table string) (rows map[string]string, version string, err error) {
	kept, _, err := r.kept(ctx, table)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	r.mu.Lock()
	last := r.read[table]
	r.mu.Unlock()
	if last.version == kept.Version {
		return last.rows, last.version, nil
	}
	b, err := r.store.Read(ctx, r.tenant, rowsPrefix+table+"/"+kept.Version)
	if err != nil {
		return nil, "", fmt.Errorf("rows of table %s: %w", table, err)
	}
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, "", fmt.Errorf("rows of table %s: %w", table, err)
	}
	r.mu.Lock()
	r.read[table] = keptRows{kept.Version, rows}
	r.mu.Unlock()
	return rows, kept.Version, nil
}

func (r *Rows) kept(ctx context.Context, table string) (KeptTable, storage.Value, error) {
	var k KeptTable
	v, err := r.store.Load(ctx, r.tenant, rowsPrefix+table)
	if err == nil {
		err = json.Unmarshal(v.Data, &k)
	}
	return k, v, err
}

// List returns the tables that are kept, by name.
func (r *Rows) List(ctx context.Context) ([]KeptTable, error) {
	out := []KeptTable{}
	for after := ""; ; {
		vs, next, err := r.store.Scan(ctx, r.tenant, rowsPrefix, after, 100)
		if err != nil {
			return nil, err
		}
		for _, v := range vs {
			var k KeptTable
			if err := json.Unmarshal(v.Data, &k); err != nil {
				return nil, fmt.Errorf("%s: %w", v.Name, err)
			}
			out = append(out, k)
		}
		if next == "" {
			return out, nil
		}
		after = next
	}
}

// PutRows keeps the rows of a table in place of those that were kept before, and
// notes in the audit trail who did it. It counts for the next document of every
// process.
func (d *Data) PutRows(ctx context.Context, tenant, table string, rows map[string]string, by engine.Act) (KeptTable, error) {
	b, err := json.Marshal(rows) // sorted by key
	if err != nil {
		return KeptTable{}, err
	}
	sum := sha256.Sum256(b)
	r := d.Rows(tenant)
	k := KeptTable{Name: table, Rows: len(rows), Version: hex.EncodeToString(sum[:16]), Put: time.Now().UTC().Truncate(time.Second)}
	before, v, err := r.kept(ctx, table)
	if errors.Is(err, storage.ErrNotFound) {
		v, err = storage.Value{Tenant: tenant, Name: rowsPrefix + table}, nil
	}
	if err != nil {
		return k, err
	}
	if before.Version == k.Version {
		return before, nil
	}
	detail, err := json.Marshal(map[string]any{"rows": k.Rows, "version": k.Version, "before": before.Version})
	if err != nil {
		return k, err
	}
	err = d.Trail.Append(ctx, audit.Record{
		Tenant: tenant, Time: k.Put, ID: rowsPrefix + table + "/" + before.Version + "/" + k.Version, Actor: by.Actor, Action: "table",
		Subject: "mapping table " + table, Outcome: fmt.Sprintf("%d rows", k.Rows), Reason: by.Reason, Detail: detail,
	})
	if err != nil {
		return k, err
	}
	if err := d.Store.Put(ctx, tenant, rowsPrefix+table+"/"+k.Version, b); err != nil && !errors.Is(err, storage.ErrExists) {
		return k, err
	}
	if v.Data, err = json.Marshal(k); err != nil {
		return k, err
	}
	if _, err := d.Store.Save(ctx, v); err != nil {
		return k, fmt.Errorf("keep table %s: %w", table, err)
	}
	// What was kept before stays: a document that is mapped right now may read it.
	return k, nil
}
