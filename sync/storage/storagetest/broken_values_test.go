package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/ml-connector/ml-connector/sync/storage"
)

type saveAnyway struct{ storage.Store }

func (s saveAnyway) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	for {
		v.Rev = ""
		if old, err := s.Load(ctx, v.Tenant, v.Name); err == nil {
			v.Rev = old.Rev
		}
		if saved, err := s.Store.Save(ctx, v); !isConflict(err) {
			return saved, err
		}
	}
}

type saveUpserts struct{ storage.Store }

func (s saveUpserts) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	if _, err := s.Load(ctx, v.Tenant, v.Name); errors.Is(err, storage.ErrNotFound) {
		v.Rev = ""
	}
	return s.Store.Save(ctx, v)
}

type racySave struct{ storage.Store }

func (s *racySave) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	old, err := s.Load(ctx, v.Tenant, v.Name)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return v, err
	}
	if old.Rev != v.Rev {
		return v, storage.ErrConflict
	}
	others()
	return saveAnyway{s.Store}.Save(ctx, v)
}

// hashedValues compares by the hash of the bytes, as an object store does.
type hashedValues struct {
	storage.Store
	mu sync.Mutex
}

func newHashedValues() *hashedValues { return &hashedValues{Store: fresh()} }

func tag(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

func (s *hashedValues) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	v, err := s.Store.Load(ctx, tenant, name)
	if err == nil {
		v.Rev = tag(v.Data)
	}
	return v, err
}

func (s *hashedValues) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.Store.Load(ctx, v.Tenant, v.Name)
	if err == nil && v.Rev != tag(old.Data) || err != nil && v.Rev != "" {
		return v, storage.ErrConflict
	}
	v.Rev = old.Rev
	v, err = s.Store.Save(ctx, v)
	if err == nil {
		v.Rev = tag(v.Data)
	}
	return v, err
}

func (s *hashedValues) Delete(ctx context.Context, tenant, name, rev string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, err := s.Store.Load(ctx, tenant, name); err == nil && rev == tag(old.Data) {
		rev = old.Rev
	}
	return s.Store.Delete(ctx, tenant, name, rev)
}

type deletesAnyway struct{ storage.Store }

func (s deletesAnyway) Delete(ctx context.Context, tenant, name, _ string) error {
	v, err := s.Load(ctx, tenant, name)
	if err != nil {
		return ctx.Err()
	}
	return s.Store.Delete(ctx, tenant, name, v.Rev)
}

type joinsNames struct{ storage.Store }

func (s joinsNames) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	joined := v
	joined.Tenant, joined.Name = "all", v.Tenant+":"+v.Name
	saved, err := s.Store.Save(ctx, joined)
	saved.Tenant, saved.Name = v.Tenant, v.Name
	return saved, err
}

func (s joinsNames) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	v, err := s.Store.Load(ctx, "all", tenant+":"+name)
	v.Tenant, v.Name = tenant, name
	return v, err
}

// patternScan reads % and _ in a prefix as SQL's LIKE does.
type patternScan struct{ storage.Store }

func (s patternScan) Scan(ctx context.Context, tenant, prefix, after string, limit int) ([]storage.Value, string, error) {
	if i := strings.IndexAny(prefix, "%_"); i >= 0 {
		prefix = prefix[:i]
	}
	return s.Store.Scan(ctx, tenant, prefix, after, limit)
}

type oneScanPage struct{ storage.Store }

func (s oneScanPage) Scan(ctx context.Context, tenant, prefix, after string, limit int) ([]storage.Value, string, error) {
	vs, _, err := s.Store.Scan(ctx, tenant, prefix, after, limit)
	return vs, "", err
}

type scanNeedsName struct{ storage.Store }

func (s scanNeedsName) Scan(ctx context.Context, tenant, prefix, after string, limit int) ([]storage.Value, string, error) {
	if after != "" {
		if _, err := s.Load(ctx, tenant, after); err != nil {
			return nil, "", ctx.Err()
		}
	}
	return s.Store.Scan(ctx, tenant, prefix, after, limit)
}

type thinScan struct{ storage.Store }

func (s thinScan) Scan(ctx context.Context, tenant, prefix, after string, limit int) ([]storage.Value, string, error) {
	vs, next, err := s.Store.Scan(ctx, tenant, prefix, after, limit)
	for i := range vs {
		vs[i].Rev = ""
	}
	return vs, next, err
}

type putOverwrites struct{ storage.Store }

func (s putOverwrites) Put(ctx context.Context, tenant, name string, data []byte) error {
	err := s.Store.Put(ctx, tenant, name, data)
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	if err := s.Drop(ctx, tenant, name); err != nil {
		return err
	}
	return s.Store.Put(ctx, tenant, name, data)
}

type putOnce struct{ storage.Store }

func (s putOnce) Put(ctx context.Context, tenant, name string, data []byte) error {
	if _, err := s.Read(ctx, tenant, name); err == nil {
		return storage.ErrExists
	}
	return s.Store.Put(ctx, tenant, name, data)
}

type putIgnores struct{ storage.Store }

func (s putIgnores) Put(ctx context.Context, tenant, name string, data []byte) error {
	err := s.Store.Put(ctx, tenant, name, data)
	if errors.Is(err, storage.ErrExists) {
		return nil
	}
	return err
}

type putLength struct{ storage.Store }

func (s putLength) Put(ctx context.Context, tenant, name string, data []byte) error {
	if old, err := s.Read(ctx, tenant, name); err == nil && len(old) == len(data) {
		return nil
	}
	return s.Store.Put(ctx, tenant, name, data)
}

type smallContents struct{ storage.Store }

func (s smallContents) Put(ctx context.Context, tenant, name string, data []byte) error {
	if len(data) > 400<<10 {
		return errors.New("item size has exceeded the maximum allowed size")
	}
	return s.Store.Put(ctx, tenant, name, data)
}

type emptyIsNone struct{ storage.Store }

func (s emptyIsNone) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	data, err := s.Store.Read(ctx, tenant, name)
	if err == nil && len(data) == 0 {
		return nil, storage.ErrNotFound
	}
	return data, err
}

// names of the contents that the suite drops, since a store cannot be asked.
var dropped = []string{"doc/1", "doc/1/a", "doc/10", "doc/2", "Doc/1", "doc", "do", "doc_1", "docx1", "doc%1", "x/doc/1", "a"}

// restore puts back what a wider Drop removed and the store's own would not.
func restore(ctx context.Context, s storage.Store, tenant, prefix string, drops func(name string) bool) error {
	kept := map[string][]byte{}
	for _, name := range dropped {
		if data, err := s.Read(ctx, tenant, name); err == nil && !drops(name) {
			kept[name] = data
		}
	}
	for _, name := range dropped {
		if drops(name) || strings.HasPrefix(name, prefix) {
			if err := s.Drop(ctx, tenant, name); err != nil {
				return err
			}
		}
	}
	for name, data := range kept {
		if err := s.Put(ctx, tenant, name, data); err != nil {
			return err
		}
	}
	return nil
}

type dropsName struct{ storage.Store }

func (s dropsName) Drop(ctx context.Context, tenant, prefix string) error {
	if prefix == "" {
		return errors.New("empty prefix")
	}
	return restore(ctx, s.Store, tenant, prefix, func(name string) bool { return name == prefix })
}

type dropsFolder struct{ storage.Store }

func (s dropsFolder) Drop(ctx context.Context, tenant, prefix string) error {
	if prefix == "" {
		return errors.New("empty prefix")
	}
	folder := strings.TrimSuffix(prefix, "/")
	return restore(ctx, s.Store, tenant, prefix, func(name string) bool { return name == folder || strings.HasPrefix(name, folder+"/") })
}

type dropsPattern struct{ storage.Store }

func (s dropsPattern) Drop(ctx context.Context, tenant, prefix string) error {
	if i := strings.IndexAny(prefix, "%_"); i > 0 {
		prefix = prefix[:i]
	}
	return s.Store.Drop(ctx, tenant, prefix)
}

type dropsAll struct{ storage.Store }

func (s dropsAll) Drop(ctx context.Context, tenant, prefix string) error {
	if prefix == "" {
		return restore(ctx, s.Store, tenant, prefix, func(string) bool { return true })
	}
	return s.Store.Drop(ctx, tenant, prefix)
}

// tombstones remembers what a dropped name held and refuses other bytes.
type tombstones struct {
	storage.Store
	mu  sync.Mutex
	was map[string][]byte
}

func (s *tombstones) Put(ctx context.Context, tenant, name string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := tenant + "\x00" + name
	if old, ok := s.was[key]; ok && !bytes.Equal(old, data) {
		return storage.ErrExists
	}
	s.was[key] = bytes.Clone(data)
	return s.Store.Put(ctx, tenant, name, data)
}

// sharedNames keeps values and contents in one table.
type sharedNames struct{ storage.Store }

func (s sharedNames) Put(ctx context.Context, tenant, name string, data []byte) error {
	if v, err := s.Load(ctx, tenant, name); err == nil {
		v.Data = data
		_, err = s.Save(ctx, v)
		return err
	}
	return s.Store.Put(ctx, tenant, name, data)
}
