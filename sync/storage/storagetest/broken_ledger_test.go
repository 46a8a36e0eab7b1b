package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

type lastWriterWins struct{ storage.Store }

func (s lastWriterWins) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	for {
		old, err := s.Get(ctx, t.ID)
		if err != nil {
			return t, storage.ErrConflict
		}
		t.Rev = old.Rev
		if u, err := s.Store.Update(ctx, t); !isConflict(err) {
			return u, err
		}
	}
}

type racyUpdate struct {
	storage.Store
	mu sync.Mutex
}

func (s *racyUpdate) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	old, err := s.Get(ctx, t.ID)
	if err != nil || old.Rev != t.Rev {
		return t, errors.Join(storage.ErrConflict, ctx.Err())
	}
	others()
	s.mu.Lock()
	defer s.mu.Unlock()
	return lastWriterWins{s.Store}.Update(ctx, t)
}

type upsert struct{ storage.Store }

func (s upsert) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if _, err := s.Get(ctx, t.ID); errors.Is(err, storage.ErrNotFound) {
		t.Rev = ""
		return s.Create(ctx, t)
	}
	return s.Store.Update(ctx, t)
}

type emptyRevMatches struct{ storage.Store }

func (s emptyRevMatches) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if t.Rev == "" {
		return lastWriterWins(s).Update(ctx, t)
	}
	return s.Store.Update(ctx, t)
}

// counting gives each row revs of its own: 1, 2, 3 … from its creation on.
type counting struct {
	storage.Store
	mu   sync.Mutex
	revs map[storage.ID]struct {
		n     int
		inner string
	}
}

func newCounting() *counting {
	return &counting{Store: fresh(), revs: map[storage.ID]struct {
		n     int
		inner string
	}{}}
}

func (s *counting) told(t storage.Transfer, n int, err error) (storage.Transfer, error) {
	if err == nil {
		s.revs[t.ID] = struct {
			n     int
			inner string
		}{n, t.Rev}
		t.Rev = strconv.Itoa(n)
	}
	return t, err
}

func (s *counting) inner(id storage.ID, rev string) string {
	if r := s.revs[id]; strconv.Itoa(r.n) == rev {
		return r.inner
	}
	return "stale"
}

func (s *counting) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.Store.Create(ctx, t)
	return s.told(t, 1, err)
}

func (s *counting) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.Store.Get(ctx, id)
	return s.told(t, s.revs[id].n, err)
}

func (s *counting) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.revs[t.ID].n
	t.Rev = s.inner(t.ID, t.Rev)
	t, err := s.Store.Update(ctx, t)
	return s.told(t, n+1, err)
}

func (s *counting) Purge(ctx context.Context, id storage.ID, rev string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Store.Purge(ctx, id, s.inner(id, rev))
}

// hashing gives equal rows equal revs, as an object store's entity tags do.
type hashing struct {
	storage.Store
	mu   sync.Mutex
	revs map[storage.ID]string
}

func (s *hashing) tag(t storage.Transfer, err error) (storage.Transfer, error) {
	if err == nil {
		s.revs[t.ID] = t.Rev
		t.Rev = ""
		t.Rev = fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, t)))
	}
	return t, err
}

func (s *hashing) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tag(s.Store.Create(ctx, t))
}

func (s *hashing) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tag(s.Store.Get(ctx, id))
}

func (s *hashing) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.tag(s.Store.Get(ctx, t.ID))
	if err != nil || old.Rev != t.Rev {
		return t, errors.Join(storage.ErrConflict, ctx.Err())
	}
	t.Rev = s.revs[t.ID]
	return s.tag(s.Store.Update(ctx, t))
}

type createOverwrites struct{ storage.Store }

func (s createOverwrites) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if old, err := s.Get(ctx, t.ID); err == nil && t.Rev == "" {
		t.Rev = old.Rev
		return s.Update(ctx, t)
	}
	return s.Store.Create(ctx, t)
}

type racyCreate struct{ storage.Store }

func (s *racyCreate) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if _, err := s.Get(ctx, t.ID); err == nil {
		return t, storage.ErrExists
	}
	others()
	return createOverwrites{s.Store}.Create(ctx, t)
}

type vague struct{ storage.Store }

func (s vague) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	t, err := s.Store.Get(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		err = errors.New("no rows in result set")
	}
	return t, err
}

type zeroRow struct{ storage.Store }

func (s zeroRow) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	t, err := s.Store.Get(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Transfer{ID: id}, nil
	}
	return t, err
}

// renaming keeps rows under another ID and shows the one asked for.
type renaming struct {
	storage.Store
	to func(storage.ID) storage.ID
}

func (s renaming) back(id storage.ID, t storage.Transfer, err error) (storage.Transfer, error) {
	t.ID = id
	return t, err
}

func (s renaming) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	id := t.ID
	t.ID = s.to(id)
	t, err := s.Store.Create(ctx, t)
	return s.back(id, t, err)
}

func (s renaming) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	t, err := s.Store.Get(ctx, s.to(id))
	return s.back(id, t, err)
}

func (s renaming) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	id := t.ID
	t.ID = s.to(id)
	t, err := s.Store.Update(ctx, t)
	return s.back(id, t, err)
}

// changing stores rows otherwise than they were given.
type changing struct {
	storage.Store
	change func(*storage.Transfer)
}

func (s changing) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.change(&t)
	return s.Store.Create(ctx, t)
}

func (s changing) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.change(&t)
	return s.Store.Update(ctx, t)
}

type localTimes struct{ storage.Store }

func (s localTimes) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	t, err := s.Store.Get(ctx, id)
	if !t.Due.IsZero() {
		t.Due = t.Due.In(time.FixedZone("+01", 3600))
	}
	return t, err
}

type keepsOld struct{ storage.Store }

func (s keepsOld) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if old, err := s.Get(ctx, t.ID); err == nil && t.Cause == "" {
		t.Cause = old.Cause
	}
	return s.Store.Update(ctx, t)
}

// aliasing keeps the caller's slices and hands out its own.
type aliasing struct {
	storage.Store
	data map[storage.ID][]byte
	mu   sync.Mutex
}

func newAliasing() *aliasing { return &aliasing{Store: fresh(), data: map[storage.ID][]byte{}} }

func (s *aliasing) keep(t storage.Transfer, data []byte, err error) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.data[t.ID] = data
		t.Data = data
	}
	return t, err
}

func (s *aliasing) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	data := t.Data
	t, err := s.Store.Create(ctx, t)
	return s.keep(t, data, err)
}

func (s *aliasing) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	data := t.Data
	t, err := s.Store.Update(ctx, t)
	return s.keep(t, data, err)
}

func (s *aliasing) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	t, err := s.Store.Get(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Data = s.data[id]
	return t, err
}

// losesDue forgets the entry of a row in the index when its queue changes.
type losesDue struct {
	storage.Store
	mu   sync.Mutex
	lost map[storage.ID]bool
}

func (s *losesDue) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	old, _ := s.Get(ctx, t.ID)
	t, err := s.Store.Update(ctx, t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.lost[t.ID] = old.Queue != t.Queue
	}
	return t, err
}

func (s *losesDue) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.Store.Due(ctx, queue, by, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []storage.Transfer
	for _, t := range ts {
		if !s.lost[t.ID] {
			found = append(found, t)
		}
	}
	return found, err
}

type oneAMoment struct{ storage.Store }

func (s oneAMoment) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.Store.Due(ctx, queue, by, limit)
	var found []storage.Transfer
	for i, t := range ts {
		if i == 0 || !t.Due.Equal(ts[i-1].Due) {
			found = append(found, t)
		}
	}
	return found, err
}

type dueBy struct {
	storage.Store
	compare func(a, b storage.Transfer) int
}

func (s dueBy) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.Store.Due(ctx, queue, by, 1<<30)
	ts = sorted(ts, s.compare)
	return ts[:min(len(ts), limit)], err
}

type cutsFirst struct{ storage.Store }

func (s cutsFirst) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.Store.Due(ctx, queue, by, 1<<30)
	byID := sorted(append([]storage.Transfer(nil), ts...), func(a, b storage.Transfer) int { return compareIDs(a.ID, b.ID) })
	byID = byID[:min(len(byID), limit)]
	return sorted(byID, func(a, b storage.Transfer) int { return a.Due.Compare(b.Due) }), err
}

type noLimit struct{ storage.Store }

func (s noLimit) Due(ctx context.Context, queue string, by time.Time, _ int) ([]storage.Transfer, error) {
	return s.Store.Due(ctx, queue, by, 1<<30)
}

type excludesBy struct{ storage.Store }

func (s excludesBy) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	return s.Store.Due(ctx, queue, by.Add(-time.Microsecond), limit)
}

type allQueues struct{ storage.Store }

func (s allQueues) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	queue := t.Queue
	t.Queue = "one"
	t, err := s.Store.Create(ctx, t)
	t.Queue = queue
	return t, err
}

func (s allQueues) Due(ctx context.Context, _ string, by time.Time, limit int) ([]storage.Transfer, error) {
	return s.Store.Due(ctx, "one", by, limit)
}

type zeroIsDue struct{ storage.Store }

func (s *zeroIsDue) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.Store.Due(ctx, queue, by, limit)
	all, _ := everything(ctx, s.Store, storage.Query{Tenant: "acme"})
	for _, t := range all {
		if t.Queue == queue && t.Due.IsZero() && len(ts) < limit {
			ts = append([]storage.Transfer{t}, ts...)
		}
	}
	return ts, err
}

type thinDue struct{ storage.Store }

func (s thinDue) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.Store.Due(ctx, queue, by, limit)
	for i := range ts {
		ts[i] = storage.Transfer{ID: ts[i].ID, Rev: ts[i].Rev, Queue: queue, Due: ts[i].Due}
	}
	return ts, err
}

type unordered struct{ storage.Store }

func (s unordered) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	ts, err := everything(ctx, s.Store, q)
	for i := range ts {
		if i%2 == 1 {
			ts[i-1], ts[i] = ts[i], ts[i-1]
		}
	}
	return paged(ts, q), err
}

type localeOrder struct{ storage.Store }

func (s localeOrder) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	ts, err := everything(ctx, s.Store, q)
	lower := func(t storage.Transfer) []byte { return bytes.ToLower([]byte(t.Target)) }
	return paged(sorted(ts, func(a, b storage.Transfer) int { return bytes.Compare(lower(a), lower(b)) }), q), err
}

type pageGap struct{ storage.Store }

func (s pageGap) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	p, err := s.Store.List(ctx, q)
	if q.After != "" && len(p.Transfers) > 1 {
		p.Transfers = p.Transfers[1:]
	}
	return p, err
}

// filtersLate cuts the page, then filters, and takes a short page for the last.
type filtersLate struct{ storage.Store }

func (s filtersLate) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	p, err := s.Store.List(ctx, storage.Query{Tenant: q.Tenant, After: q.After, Limit: q.Limit})
	var kept []storage.Transfer
	for _, t := range p.Transfers {
		if (q.Target == "" || q.Target == t.Target) && (q.State == "" || q.State == t.State) &&
			(q.Cause == "" || q.Cause == t.Cause) && (q.Period == "" || q.Period == t.Period) {
			kept = append(kept, t)
		}
	}
	if len(kept) < len(p.Transfers) {
		p.Next = ""
	}
	p.Transfers = kept
	return p, err
}

type bigPages struct{ storage.Store }

func (s bigPages) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	q.Limit = 1 << 30
	return s.Store.List(ctx, q)
}

type prefixFilter struct{ storage.Store }

func (s prefixFilter) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	ts, err := everything(ctx, s.Store, storage.Query{Tenant: q.Tenant})
	var kept []storage.Transfer
	has := func(s, prefix string) bool { return len(s) >= len(prefix) && s[:len(prefix)] == prefix }
	for _, t := range ts {
		if has(t.Target, q.Target) && has(t.State, q.State) && has(t.Cause, q.Cause) && has(t.Period, q.Period) {
			kept = append(kept, t)
		}
	}
	return paged(kept, q), err
}

type noPeriod struct{ storage.Store }

func (s noPeriod) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	q.Period = ""
	return s.Store.List(ctx, q)
}

// formerState leaves a row in the index of states when it moves on.
type formerState struct {
	storage.Store
	mu  sync.Mutex
	was map[storage.ID][]string
}

func (s *formerState) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	old, _ := s.Get(ctx, t.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.was[t.ID] = append(s.was[t.ID], old.State)
	return s.Store.Update(ctx, t)
}

func (s *formerState) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	state := q.State
	q.State = ""
	ts, err := everything(ctx, s.Store, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []storage.Transfer
	for _, t := range ts {
		found := state == "" || t.State == state
		for _, was := range s.was[t.ID] {
			found = found || was == state
		}
		if found {
			kept = append(kept, t)
		}
	}
	return paged(kept, q), err
}

// holdsLock keeps the store locked from the first page to the last.
type holdsLock struct {
	storage.Store
	lock chan struct{}
	held bool
}

func (s *holdsLock) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	p, err := s.Store.List(ctx, q)
	if p.Next != "" && q.After == "" {
		s.lock <- struct{}{}
		s.held = true
	}
	if p.Next == "" && s.held {
		s.held = false
		<-s.lock
	}
	return p, err
}

func (s *holdsLock) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return t, ctx.Err()
	}
	return s.Store.Update(ctx, t)
}

// cursorRow looks for the row that the cursor names and ends if it is gone.
type cursorRow struct{ storage.Store }

func (s cursorRow) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	if q.After != "" {
		p, err := s.Store.List(ctx, storage.Query{Tenant: q.Tenant, Limit: 1 << 30})
		if err != nil {
			return p, err
		}
		found := false
		for _, t := range p.Transfers {
			found = found || q.After == strconv.Itoa(len(t.Target))+":"+t.Target+t.Document
		}
		if !found {
			return storage.Page{}, nil
		}
	}
	return s.Store.List(ctx, q)
}

type offsets struct{ storage.Store }

func (s offsets) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	ts, err := everything(ctx, s.Store, q)
	return paged(ts, q), err
}

type anyTenant struct{ storage.Store }

func (s anyTenant) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	if q.Tenant == "" {
		q.Tenant = "acme"
	}
	return s.Store.List(ctx, q)
}

type purgesAnyway struct{ storage.Store }

func (s purgesAnyway) Purge(ctx context.Context, id storage.ID, _ string) error {
	t, err := s.Get(ctx, id)
	if err != nil {
		return ctx.Err()
	}
	return s.Store.Purge(ctx, id, t.Rev)
}

type purgeFails struct{ storage.Store }

func (s purgeFails) Purge(ctx context.Context, id storage.ID, rev string) error {
	if _, err := s.Get(ctx, id); err != nil {
		return err
	}
	return s.Store.Purge(ctx, id, rev)
}

// softPurge hides a purged row from Get only.
type softPurge struct {
	storage.Store
	mu   sync.Mutex
	gone map[storage.ID]bool
}

func (s *softPurge) Purge(ctx context.Context, id storage.ID, rev string) error {
	t, err := s.Store.Get(ctx, id)
	if err != nil || t.Rev != rev {
		return s.Store.Purge(ctx, id, rev)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[id] = true
	return nil
}

func (s *softPurge) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone[id] {
		return storage.Transfer{}, storage.ErrNotFound
	}
	return s.Store.Get(ctx, id)
}

// deaf does not look at the context.
type deaf struct{ storage.Store }

func (s deaf) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	return s.Store.Get(context.WithoutCancel(ctx), id)
}

// fragile stops working for good once a caller's context ended.
type fragile struct {
	storage.Store
	mu     sync.Mutex
	broken bool
}

func (s *fragile) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	v, err := s.Store.Save(ctx, v)
	if errors.Is(err, context.DeadlineExceeded) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.broken = true
	}
	return v, err
}

func (s *fragile) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return storage.Transfer{}, errors.New("transaction has already been rolled back")
	}
	return s.Store.Get(ctx, id)
}

var _ storage.Store = (*memstore.Store)(nil)
