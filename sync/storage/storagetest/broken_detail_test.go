package storagetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// brokenInDetail are stores that break what no author would think of.
func brokenInDetail() []brokenStore {
	return []brokenStore{
		{"create overlooks a rev", "create refuses a row with a rev", func() storage.Store { return revOverlooked{fresh()} }},
		{"an empty state becomes a word", "empty fields", func() storage.Store { return nullWord{fresh()} }},
		{"one writer at a time, others are refused", "writers of different rows", func() storage.Store { return &impatient{Store: fresh()} }},
		{"a queue belongs to one tenant", "a queue spans tenants", func() storage.Store { return tenantQueue{fresh()} }},
		{"due has pages of 25", "due under load", func() storage.Store { return shortDue{fresh()} }},
		{"list leaves the data out", "list returns whole rows", func() storage.Store { return dataless{fresh()} }},
		{"a page holds a connection until the last one", "all stops when its body does", func() storage.Store {
			return &cursorHolder{Store: fresh(), free: make(chan struct{}, 5)}
		}},
		{"save drops what it returns", "save returns what load returns", func() storage.Store { return bareSave{fresh()} }},
		{"a missing value is an empty one", "load of a missing value", func() storage.Store { return emptyValue{fresh()} }},
		{"a value ends at 64 KiB", "values at full size and empty", func() storage.Store { return shortValues{fresh()} }},
		{"a value is the caller's slice", "values are not shared", func() storage.Store {
			return &sharedSlices{Store: fresh(), values: map[string]storage.Value{}}
		}},
		{"a missing content is an empty one", "put and read", func() storage.Store { return emptyContent{fresh()} }},
		{"a content's name is a file's on a Mac", "content names hold any character", func() storage.Store { return foldedContents{fresh()} }},
		{"put looks, then writes", "of many puts one wins", func() storage.Store { return &racyPut{Store: fresh()} }},
		{"a content is the caller's slice", "contents are not shared", func() storage.Store {
			return &sharedSlices{Store: fresh(), contents: map[string][]byte{}}
		}},
	}
}

// Rules that other tests of this package break: they need a Queuer or a store
// that is opened again.
var brokenElsewhere = []string{
	"queues names every queue with work", "everything is there after reopening", "a rev is not used again after reopening",
}

func TestEveryRuleIsBrokenByOneOfTheExamples(t *testing.T) {
	caught := map[string]bool{}
	for _, rule := range brokenElsewhere {
		caught[rule] = true
	}
	for _, b := range brokenStores() {
		caught[b.rule] = true
	}
	for _, r := range rules() {
		require.True(t, caught[r.name], "no broken store is caught by %q", r.name)
	}
	require.Len(t, rules(), len(caught), "a broken store names a rule that there is not")
}

type revOverlooked struct{ storage.Store }

func (s revOverlooked) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	t.Rev = ""
	return s.Store.Create(ctx, t)
}

type nullWord struct{ storage.Store }

func (s nullWord) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if t.State == "" {
		t.State = "NULL"
	}
	return s.Store.Create(ctx, t)
}

type impatient struct {
	storage.Store
	mu sync.Mutex
}

func (s *impatient) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if !s.mu.TryLock() {
		return t, errors.New("database is locked")
	}
	defer s.mu.Unlock()
	others()
	return s.Store.Update(ctx, t)
}

type tenantQueue struct{ storage.Store }

func (s tenantQueue) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	all, err := s.Store.Due(ctx, queue, by, limit)
	var ts []storage.Transfer
	for _, t := range all {
		if t.Tenant == all[0].Tenant {
			ts = append(ts, t)
		}
	}
	return ts, err
}

type shortDue struct{ storage.Store }

func (s shortDue) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	return s.Store.Due(ctx, queue, by, min(limit, 25))
}

type dataless struct{ storage.Store }

func (s dataless) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	p, err := s.Store.List(ctx, q)
	for i := range p.Transfers {
		p.Transfers[i].Data = nil
	}
	return p, err
}

type cursorHolder struct {
	storage.Store
	free chan struct{}
}

func (s *cursorHolder) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	if q.After == "" {
		select {
		case s.free <- struct{}{}:
		case <-ctx.Done():
			return storage.Page{}, ctx.Err()
		}
	}
	p, err := s.Store.List(ctx, q)
	if p.Next == "" {
		<-s.free
	}
	return p, err
}

type bareSave struct{ storage.Store }

func (s bareSave) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	v, err := s.Store.Save(ctx, v)
	v.Data = nil
	return v, err
}

type emptyValue struct{ storage.Store }

func (s emptyValue) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	v, err := s.Store.Load(ctx, tenant, name)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Value{Tenant: tenant, Name: name}, nil
	}
	return v, err
}

type shortValues struct{ storage.Store }

func (s shortValues) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	v.Data = v.Data[:min(len(v.Data), 64<<10)]
	return s.Store.Save(ctx, v)
}

// sharedSlices keeps what it is given: values, or contents, or both.
type sharedSlices struct {
	storage.Store
	values   map[string]storage.Value
	contents map[string][]byte
}

func (s *sharedSlices) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	data := v.Data
	v, err := s.Store.Save(ctx, v)
	if err == nil && s.values != nil {
		v.Data = data
		s.values[v.Name] = v
	}
	return v, err
}

func (s *sharedSlices) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	if v, ok := s.values[name]; ok {
		return v, nil
	}
	return s.Store.Load(ctx, tenant, name)
}

func (s *sharedSlices) Put(ctx context.Context, tenant, name string, data []byte) error {
	err := s.Store.Put(ctx, tenant, name, data)
	if err == nil && s.contents != nil {
		s.contents[name] = data
	}
	return err
}

func (s *sharedSlices) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	if data, ok := s.contents[name]; ok {
		return data, nil
	}
	return s.Store.Read(ctx, tenant, name)
}

type emptyContent struct{ storage.Store }

func (s emptyContent) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	data, err := s.Store.Read(ctx, tenant, name)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	return data, err
}

type foldedContents struct{ storage.Store }

func (s foldedContents) Put(ctx context.Context, tenant, name string, data []byte) error {
	return s.Store.Put(ctx, tenant, strings.ToLower(name), data)
}

func (s foldedContents) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	return s.Store.Read(ctx, tenant, strings.ToLower(name))
}

type racyPut struct {
	storage.Store
	mu sync.Mutex
}

func (s *racyPut) Put(ctx context.Context, tenant, name string, data []byte) error {
	old, err := s.Read(ctx, tenant, name)
	if err == nil && !bytes.Equal(old, data) {
		return storage.ErrExists
	}
	others()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.Drop(ctx, tenant, name), s.Store.Put(ctx, tenant, name, data))
}
