//go:build unix

// Package customstore shows how to write a storage backend: a store that keeps
// each row, value and content as one JSON file in a directory. It is right, and
// it is slow where there are many rows, because Due and List read all of them;
// a few thousand documents are what it is for.
//
//	store, err := customstore.Open("ledger")
//	e, err := engine.New(store, trail, nil)
//
// Five decisions make it right, and every backend has to take them:
//
//   - Names. Parts of an ID may hold any character and be longer than a file name
//     may. So a file is called by the hash of its parts, each with its length in
//     front, and the parts stand inside.
//   - Durable. A file is written beside its place and synced, takes its place by a
//     rename, and the folder is synced. A crash leaves the old file or the new.
//   - Compare-and-set. Reading, comparing and writing happen under a lock that other
//     processes see too, and that the system releases when its holder dies.
//   - Rev. Random, so none is used twice, also when a row is purged and made again.
//   - Waiting. Whoever waits for the lock looks at his context.
//
// The three groups of methods are in this file, the files and the lock in
// folder.go. The directory must be on a local disk: most network shares promise
// nothing about locks and renames. Everything is safe for concurrent use.
package customstore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

const defaultLimit = 100

// Store keeps everything in one directory.
type Store struct {
	rows     folder[storage.Transfer]
	values   folder[storage.Value]
	contents folder[content]
}

var _ storage.Store = (*Store)(nil)

type content struct {
	Tenant, Name string
	Data         []byte
}

// Open makes the directory if it is not there. Nothing needs to be closed.
func Open(dir string) (*Store, error) {
	rows, err1 := openFolder[storage.Transfer](dir, "rows")
	values, err2 := openFolder[storage.Value](dir, "values")
	contents, err3 := openFolder[content](dir, "contents")
	return &Store{rows, values, contents}, errors.Join(err1, err2, err3)
}

// Create implements storage.Ledger.
func (s *Store) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if t.Rev != "" {
		return t, fmt.Errorf("customstore: create %q: Rev must be empty", t.Document)
	}
	return s.writeRow(ctx, t, storage.ErrExists)
}

// Update implements storage.Ledger.
func (s *Store) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if t.Rev == "" {
		return t, fmt.Errorf("customstore: update %q: %w", t.Document, storage.ErrConflict)
	}
	return s.writeRow(ctx, t, storage.ErrConflict)
}

// writeRow writes t if its Rev is the row's, or if it has none and there is no row.
func (s *Store) writeRow(ctx context.Context, t storage.Transfer, refusal error) (storage.Transfer, error) {
	t.Data = bytes.Clone(t.Data)
	if !t.Due.IsZero() {
		t.Due = t.Due.UTC().Truncate(time.Microsecond)
	}
	err := s.rows.change(ctx, []string{t.Tenant, t.Target, t.Document}, func(old storage.Transfer, _ bool) (*storage.Transfer, error) {
		if old.Rev != t.Rev {
			return nil, refusal
		}
		t.Rev = rand.Text()
		return &t, nil
	})
	return t, err
}

// Get implements storage.Ledger.
func (s *Store) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	return s.rows.read(ctx, id.Tenant, id.Target, id.Document)
}

// Purge implements storage.Ledger.
func (s *Store) Purge(ctx context.Context, id storage.ID, rev string) error {
	return s.rows.change(ctx, []string{id.Tenant, id.Target, id.Document}, func(old storage.Transfer, there bool) (*storage.Transfer, error) {
		if there && old.Rev != rev {
			return nil, storage.ErrConflict
		}
		return nil, nil
	})
}

// Due implements storage.Ledger.
func (s *Store) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.rows.all(ctx, func(t storage.Transfer) bool {
		return t.Queue == queue && !t.Due.IsZero() && !t.Due.After(by)
	})
	slices.SortFunc(ts, func(a, b storage.Transfer) int { return a.Due.Compare(b.Due) })
	return ts[:min(len(ts), max(limit, 0))], err
}

// List implements storage.Ledger. Next is the last row's ID as JSON: no
// separator would be safe.
func (s *Store) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	if q.Tenant == "" {
		return storage.Page{}, errors.New("customstore: list: the query names no tenant")
	}
	var after storage.ID
	if q.After != "" {
		if err := json.Unmarshal([]byte(q.After), &after); err != nil {
			return storage.Page{}, fmt.Errorf("customstore: list: After is not the Next of an earlier page: %w", err)
		}
	}
	ts, err := s.rows.all(ctx, func(t storage.Transfer) bool {
		return t.Tenant == q.Tenant && (q.After == "" || compare(t.ID, after) > 0) && (q.Target == "" || t.Target == q.Target) &&
			(q.State == "" || t.State == q.State) && (q.Cause == "" || t.Cause == q.Cause) && (q.Period == "" || t.Period == q.Period)
	})
	slices.SortFunc(ts, func(a, b storage.Transfer) int { return compare(a.ID, b.ID) })
	limit := cmp.Or(max(q.Limit, 0), defaultLimit)
	if err != nil || len(ts) <= limit {
		return storage.Page{Transfers: ts}, err
	}
	next, err := json.Marshal(ts[limit-1].ID)
	return storage.Page{Transfers: ts[:limit], Next: string(next)}, err
}

func compare(a, b storage.ID) int {
	return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Document, b.Document))
}

// Load implements storage.Values.
func (s *Store) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	return s.values.read(ctx, tenant, name)
}

// Save implements storage.Values.
func (s *Store) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	v.Data = bytes.Clone(v.Data)
	err := s.values.change(ctx, []string{v.Tenant, v.Name}, func(old storage.Value, _ bool) (*storage.Value, error) {
		if old.Rev != v.Rev { // "" where there is none
			return nil, storage.ErrConflict
		}
		v.Rev = rand.Text()
		return &v, nil
	})
	return v, err
}

// Delete implements storage.Values.
func (s *Store) Delete(ctx context.Context, tenant, name, rev string) error {
	return s.values.change(ctx, []string{tenant, name}, func(old storage.Value, there bool) (*storage.Value, error) {
		if there && old.Rev != rev {
			return nil, storage.ErrConflict
		}
		return nil, nil
	})
}

// Scan implements storage.Values.
func (s *Store) Scan(ctx context.Context, tenant, prefix, after string, limit int) (vs []storage.Value, next string, err error) {
	vs, err = s.values.all(ctx, func(v storage.Value) bool {
		return v.Tenant == tenant && strings.HasPrefix(v.Name, prefix) && v.Name > after
	})
	slices.SortFunc(vs, func(a, b storage.Value) int { return cmp.Compare(a.Name, b.Name) })
	if limit = cmp.Or(max(limit, 0), defaultLimit); len(vs) > limit {
		vs, next = vs[:limit], vs[limit-1].Name
	}
	return vs, next, err
}

// Put implements storage.Contents.
func (s *Store) Put(ctx context.Context, tenant, name string, data []byte) error {
	return s.contents.change(ctx, []string{tenant, name}, func(old content, there bool) (*content, error) {
		if there && !bytes.Equal(old.Data, data) {
			return nil, storage.ErrExists
		}
		return &content{tenant, name, data}, nil
	})
}

// Read implements storage.Contents.
func (s *Store) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	c, err := s.contents.read(ctx, tenant, name)
	return c.Data, err
}

// Drop implements storage.Contents.
func (s *Store) Drop(ctx context.Context, tenant, prefix string) error {
	if prefix == "" {
		return errors.New("customstore: drop: an empty prefix would remove everything of the tenant")
	}
	cs, err := s.contents.all(ctx, func(c content) bool { return c.Tenant == tenant && strings.HasPrefix(c.Name, prefix) })
	for _, c := range cs {
		err = errors.Join(err, s.contents.change(ctx, []string{tenant, c.Name}, func(content, bool) (*content, error) { return nil, nil }))
	}
	return err
}
