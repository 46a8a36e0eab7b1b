// Package memstore is a storage.Store in memory: the reference that says in
// code what the contract says in prose, and the first file to read for whoever
// writes a backend.
//
//	store := memstore.New()
//	e, err := engine.New(store, trail, nil)
//
// It forgets everything when the process ends, so it serves tests, simulations
// and first steps; "durable" means here that the next call sees the write.
//
// A backend needs the same few decisions that can be read below: where a Rev
// comes from so that none is used twice (one counter for the whole store), how
// the parts of an ID become a key without colliding (here a struct; elsewhere
// never by joining them with a separator), how due rows are found without
// looking at all rows (an order by Due for each queue), and that nothing the
// caller holds is shared with the store (every Data is copied, both ways).
//
// It fails only when the context has ended, when an argument is outside the
// contract, and with the three errors of package storage. Everything is safe
// for concurrent use.
package memstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

const defaultLimit = 100

// Store keeps transfers, values and contents in memory.
type Store struct {
	mu       sync.Mutex
	rev      int64                                       // the last one given out, for rows and values alike
	rows     map[string]*table[place, *storage.Transfer] // by tenant
	due      map[string][]*storage.Transfer              // by queue; ordered by Due, then ID; rows never due are not in it
	values   map[string]*table[string, storage.Value]    // by tenant
	contents map[string]*table[string, []byte]           // by tenant
}

var (
	_ storage.Store  = (*Store)(nil)
	_ storage.Queuer = (*Store)(nil)
)

// place is where a row stands within its tenant.
type place struct{ target, document string }

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.document, b.document))
}

// New returns an empty store.
func New() *Store {
	return &Store{
		rows:     map[string]*table[place, *storage.Transfer]{},
		due:      map[string][]*storage.Transfer{},
		values:   map[string]*table[string, storage.Value]{},
		contents: map[string]*table[string, []byte]{},
	}
}

// Create implements storage.Ledger.
func (s *Store) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if err := ctx.Err(); err != nil {
		return storage.Transfer{}, err
	}
	if t.Rev != "" {
		return storage.Transfer{}, fmt.Errorf("memstore: create %q: Rev must be empty, it is %q", t.Document, t.Rev)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.row(t.ID) != nil {
		return storage.Transfer{}, fmt.Errorf("memstore: create %q: %w", t.Document, storage.ErrExists)
	}
	return s.write(nil, t), nil
}

// Get implements storage.Ledger.
func (s *Store) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	if err := ctx.Err(); err != nil {
		return storage.Transfer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.row(id)
	if t == nil {
		return storage.Transfer{}, fmt.Errorf("memstore: get %q: %w", id.Document, storage.ErrNotFound)
	}
	return detached(t), nil
}

// Update implements storage.Ledger.
func (s *Store) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if err := ctx.Err(); err != nil {
		return storage.Transfer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.row(t.ID)
	if old == nil || old.Rev != t.Rev {
		return storage.Transfer{}, fmt.Errorf("memstore: update %q: %w", t.Document, storage.ErrConflict)
	}
	return s.write(old, t), nil
}

// Purge implements storage.Ledger.
func (s *Store) Purge(ctx context.Context, id storage.ID, rev string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.row(id)
	if t == nil {
		return nil
	}
	if t.Rev != rev {
		return fmt.Errorf("memstore: purge %q: %w", id.Document, storage.ErrConflict)
	}
	s.unschedule(t)
	s.rows[id.Tenant].remove(place{id.Target, id.Document})
	return nil
}

// Due implements storage.Ledger; it neither shows too much nor lags.
func (s *Store) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var ts []storage.Transfer
	for _, t := range s.due[queue] {
		if len(ts) >= limit || t.Due.After(by) {
			break
		}
		ts = append(ts, detached(t))
	}
	return ts, nil
}

// Queues implements storage.Queuer, in byte order.
func (s *Store) Queues(ctx context.Context, by time.Time) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var queues []string
	for queue, ts := range s.due {
		if !ts[0].Due.After(by) {
			queues = append(queues, queue)
		}
	}
	slices.Sort(queues)
	return queues, nil
}

// List implements storage.Ledger. It looks at every row of the tenant behind
// After, which a backend on a disk must not do.
func (s *Store) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	if err := ctx.Err(); err != nil {
		return storage.Page{}, err
	}
	if q.Tenant == "" {
		return storage.Page{}, errors.New("memstore: list: the query names no tenant")
	}
	after, err := decodeCursor(q.After)
	if err != nil {
		return storage.Page{}, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.rows[q.Tenant]
	if rows == nil {
		return storage.Page{}, nil
	}
	var page storage.Page
	var last place
	for _, p := range rows.from(after) {
		t := rows.rows[p]
		if p == after || !matches(t, q) {
			continue
		}
		if len(page.Transfers) == limit {
			page.Next = encodeCursor(last)
			break
		}
		page.Transfers = append(page.Transfers, detached(t))
		last = p
	}
	return page, nil
}

func matches(t *storage.Transfer, q storage.Query) bool {
	return (q.Target == "" || q.Target == t.Target) &&
		(q.State == "" || q.State == t.State) &&
		(q.Cause == "" || q.Cause == t.Cause) &&
		(q.Period == "" || q.Period == t.Period)
}

// A cursor is the place of the last row of a page. The length in front keeps
// "a/b"+"c" and "a"+"b/c" apart.
func encodeCursor(p place) string {
	return strconv.Itoa(len(p.target)) + ":" + p.target + p.document
}

func decodeCursor(cursor string) (place, error) {
	if cursor == "" {
		return place{}, nil
	}
	length, rest, ok := strings.Cut(cursor, ":")
	n, err := strconv.Atoi(length)
	if !ok || err != nil || n < 0 || n > len(rest) {
		return place{}, fmt.Errorf("memstore: list: %q is not the Next of an earlier page", cursor)
	}
	return place{rest[:n], rest[n:]}, nil
}

// Load implements storage.Values.
func (s *Store) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	if err := ctx.Err(); err != nil {
		return storage.Value{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.tenantValues(tenant).rows[name]
	if !ok {
		return storage.Value{}, fmt.Errorf("memstore: load %q: %w", name, storage.ErrNotFound)
	}
	v.Data = bytes.Clone(v.Data)
	return v, nil
}

// Save implements storage.Values.
func (s *Store) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	if err := ctx.Err(); err != nil {
		return storage.Value{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	values := s.tenantValues(v.Tenant)
	// A value that is not there has the zero Rev "", which is how one is created.
	if values.rows[v.Name].Rev != v.Rev {
		return storage.Value{}, fmt.Errorf("memstore: save %q: %w", v.Name, storage.ErrConflict)
	}
	v.Rev = s.nextRev()
	kept := v
	kept.Data = bytes.Clone(v.Data)
	values.put(v.Name, kept)
	v.Data = bytes.Clone(v.Data)
	return v, nil
}

// Delete implements storage.Values.
func (s *Store) Delete(ctx context.Context, tenant, name, rev string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	values := s.tenantValues(tenant)
	v, ok := values.rows[name]
	if !ok {
		return nil
	}
	if v.Rev != rev {
		return fmt.Errorf("memstore: delete %q: %w", name, storage.ErrConflict)
	}
	values.remove(name)
	return nil
}

// Scan implements storage.Values.
func (s *Store) Scan(ctx context.Context, tenant, prefix, after string, limit int) (vs []storage.Value, next string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	if limit <= 0 {
		limit = defaultLimit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	values := s.tenantValues(tenant)
	for _, name := range values.from(max(prefix, after)) {
		if name == after && after != "" {
			continue
		}
		if !strings.HasPrefix(name, prefix) {
			break
		}
		if len(vs) == limit {
			return vs, vs[limit-1].Name, nil
		}
		v := values.rows[name]
		v.Data = bytes.Clone(v.Data)
		vs = append(vs, v)
	}
	return vs, "", nil
}

// Put implements storage.Contents.
func (s *Store) Put(ctx context.Context, tenant, name string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	contents := s.tenantContents(tenant)
	old, ok := contents.rows[name]
	if ok && bytes.Equal(old, data) {
		return nil
	}
	if ok {
		return fmt.Errorf("memstore: put %q: %w", name, storage.ErrExists)
	}
	contents.put(name, bytes.Clone(data))
	return nil
}

// Read implements storage.Contents.
func (s *Store) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.tenantContents(tenant).rows[name]
	if !ok {
		return nil, fmt.Errorf("memstore: read %q: %w", name, storage.ErrNotFound)
	}
	return bytes.Clone(data), nil
}

// Drop implements storage.Contents.
func (s *Store) Drop(ctx context.Context, tenant, prefix string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if prefix == "" {
		return errors.New("memstore: drop: an empty prefix would remove everything of the tenant")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	contents := s.tenantContents(tenant)
	for _, name := range contents.from(prefix) {
		if !strings.HasPrefix(name, prefix) {
			break
		}
		contents.remove(name)
	}
	return nil
}

// row returns the stored row, which is never changed in place, or nil.
func (s *Store) row(id storage.ID) *storage.Transfer {
	rows := s.rows[id.Tenant]
	if rows == nil {
		return nil
	}
	return rows.rows[place{id.Target, id.Document}]
}

// write puts t in the place of old, which is nil for a new row.
func (s *Store) write(old *storage.Transfer, t storage.Transfer) storage.Transfer {
	t.Rev = s.nextRev()
	if !t.Due.IsZero() {
		t.Due = t.Due.UTC().Truncate(time.Microsecond)
	}
	kept := detached(&t)
	if old != nil {
		s.unschedule(old)
	}
	if s.rows[t.Tenant] == nil {
		s.rows[t.Tenant] = newTable[place, *storage.Transfer](comparePlaces)
	}
	s.rows[t.Tenant].put(place{t.Target, t.Document}, &kept)
	if !kept.Due.IsZero() {
		queue := s.due[kept.Queue]
		i, _ := slices.BinarySearchFunc(queue, &kept, compareDue)
		s.due[kept.Queue] = slices.Insert(queue, i, &kept)
	}
	return detached(&t)
}

// unschedule takes a row that is about to go out of its queue.
func (s *Store) unschedule(t *storage.Transfer) {
	queue := s.due[t.Queue]
	i, ok := slices.BinarySearchFunc(queue, t, compareDue)
	if !ok {
		return
	}
	if queue = slices.Delete(queue, i, i+1); len(queue) > 0 {
		s.due[t.Queue] = queue
	} else {
		delete(s.due, t.Queue)
	}
}

func compareDue(a, b *storage.Transfer) int {
	return cmp.Or(
		a.Due.Compare(b.Due),
		cmp.Compare(a.Tenant, b.Tenant),
		cmp.Compare(a.Target, b.Target),
		cmp.Compare(a.Document, b.Document),
	)
}

// nextRev counts for the whole store, so a row that is purged and created
// again cannot get an old Rev.
func (s *Store) nextRev() string {
	s.rev++
	return strconv.FormatInt(s.rev, 10)
}

func (s *Store) tenantValues(tenant string) *table[string, storage.Value] {
	if s.values[tenant] == nil {
		s.values[tenant] = newTable[string, storage.Value](cmp.Compare[string])
	}
	return s.values[tenant]
}

func (s *Store) tenantContents(tenant string) *table[string, []byte] {
	if s.contents[tenant] == nil {
		s.contents[tenant] = newTable[string, []byte](cmp.Compare[string])
	}
	return s.contents[tenant]
}

// detached returns a copy that shares nothing with the row.
func detached(t *storage.Transfer) storage.Transfer {
	c := *t
	c.Data = bytes.Clone(t.Data)
	return c
}
