package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

// recorder stands in for *testing.T and remembers whether a rule failed.
type recorder struct {
	faults  []string
	skipped bool
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (r *recorder) FailNow() { runtime.Goexit() }

func (r *recorder) Skip(...any) {
	r.skipped = true
	runtime.Goexit()
}

// faults runs rules (all of them, or those named) against a store and returns
// the texts of those that failed, by name. Each rule has a clock of its own,
// which moves on only when everybody waits: how fast the machine is decides
// nothing, and only a store that is stuck runs out of time.
func faults(t *testing.T, open func() storage.Store, lag time.Duration, reopen func(storage.Store) storage.Store, only ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range rules() {
		if len(only) > 0 && !slices.Contains(only, r.name) {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			rec := &recorder{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				ctx, cancel := context.WithTimeout(t.Context(), patience+2*lag)
				defer cancel()
				r.run(ctx, &check{t: rec, rule: r, lag: lag, store: open(), reopen: reopen})
			}()
			select {
			case <-done:
				if len(rec.faults) > 0 {
					found[r.name] = strings.Join(rec.faults, "\n")
				}
			case <-time.After(2 * (patience + 2*lag)):
				t.Fatalf("the rule %q is stuck", r.name)
			}
			others() // callers that a rule did not wait for come to their end
		})
	}
	return found
}

// healthy is memstore without its Queuer, so that what a broken store changes
// about Due is not seen through Queues.
type healthy struct{ storage.Store }

func fresh() storage.Store { return healthy{memstore.New()} }

func TestSuitePassesAGoodStore(t *testing.T) {
	require.Empty(t, faults(t, fresh, 0, func(s storage.Store) storage.Store { return s }))
}

func TestSuitePassesAStoreThatLags(t *testing.T) {
	const lag = 30 * time.Millisecond
	lagging := func() storage.Store { return &laggard{Store: memstore.New(), lag: lag} }
	require.Empty(t, faults(t, lagging, 10*lag, nil))
	require.Contains(t, faults(t, lagging, 0, nil, "due follows an update"), "due follows an update")
}

func TestEveryRuleHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules() {
		require.False(t, seen[r.name], r.name)
		require.NotEmpty(t, r.text)
		seen[r.name] = true
	}
}

// brokenStore is a store that breaks one rule on purpose.
type brokenStore struct {
	name string
	rule string // one that must fail; others may
	open func() storage.Store
}

func brokenStores() []brokenStore {
	return append(brokenInDetail(), []brokenStore{
		{"the last writer wins", "update with a stale rev", func() storage.Store { return lastWriterWins{fresh()} }},
		{"update compares, then writes", "no update is lost", func() storage.Store { return &racyUpdate{Store: fresh()} }},
		{"update creates what is gone", "update of a missing row", func() storage.Store { return upsert{fresh()} }},
		{"an empty rev matches all", "update without a rev", func() storage.Store { return emptyRevMatches{fresh()} }},
		{"a rev is the row's own count", "a rev is never used twice", func() storage.Store { return newCounting() }},
		{"a rev is the hash of the row", "every update changes the rev", func() storage.Store { return &hashing{Store: fresh(), revs: map[storage.ID]string{}} }},
		{"create overwrites", "create refuses a second row", func() storage.Store { return createOverwrites{fresh()} }},
		{"create looks, then writes", "of many creates one wins", func() storage.Store { return &racyCreate{Store: fresh()} }},
		{"get does not name what is missing", "get of a missing row", func() storage.Store { return vague{fresh()} }},
		{"get returns a zero row", "get of a missing row", func() storage.Store { return zeroRow{fresh()} }},
		{"parts of an id are joined by a slash", "parts of an id do not run together", func() storage.Store {
			return renaming{fresh(), func(id storage.ID) storage.ID {
				return storage.ID{Tenant: "t", Target: "t", Document: id.Tenant + "/" + id.Target + "/" + id.Document}
			}}
		}},
		{"ids are folded", "ids hold any character", func() storage.Store {
			return renaming{fresh(), func(id storage.ID) storage.ID { id.Document = strings.ToLower(id.Document); return id }}
		}},
		{"ids are cleaned like paths", "ids hold any character", func() storage.Store {
			return renaming{fresh(), func(id storage.ID) storage.ID { id.Document = strings.Trim(id.Document, " /."); return id }}
		}},
		{"ids are cut", "full size", func() storage.Store {
			return renaming{fresh(), func(id storage.ID) storage.ID { id.Document = id.Document[:min(len(id.Document), 191)]; return id }}
		}},
		{"data is cut", "full size", func() storage.Store {
			return changing{fresh(), func(t *storage.Transfer) { t.Data = t.Data[:min(len(t.Data), 65535)] }}
		}},
		{"data is taken for text", "full size", func() storage.Store {
			return changing{fresh(), func(t *storage.Transfer) { t.Data = bytes.ToValidUTF8(t.Data, []byte("?")) }}
		}},
		{"the hint is cut", "full size", func() storage.Store {
			return changing{fresh(), func(t *storage.Transfer) { t.Hint = t.Hint[:min(len(t.Hint), 255)] }}
		}},
		{"wakes are 32 bits", "full size", func() storage.Store {
			return changing{fresh(), func(t *storage.Transfer) { t.Wakes = int64(int32(t.Wakes)) }}
		}},
		{"times are milliseconds", "microseconds in UTC", func() storage.Store {
			return changing{fresh(), func(t *storage.Transfer) {
				if !t.Due.IsZero() {
					t.Due = t.Due.Truncate(time.Millisecond)
				}
			}}
		}},
		{"times are local", "microseconds in UTC", func() storage.Store { return localTimes{fresh()} }},
		{"the epoch is never", "microseconds in UTC", func() storage.Store {
			return changing{fresh(), func(t *storage.Transfer) {
				if t.Due.Unix() == 0 {
					t.Due = time.Time{}
				}
			}}
		}},
		{"an empty cause stays as it was", "update replaces the row", func() storage.Store { return keepsOld{fresh()} }},
		{"the format is forgotten", "create returns what get returns", func() storage.Store {
			return changing{fresh(), func(t *storage.Transfer) { t.Format = 0 }}
		}},
		{"data is shared", "data is not shared", func() storage.Store { return newAliasing() }},
		{"update loses the row from due", "due follows an update", func() storage.Store { return &losesDue{Store: fresh(), lost: map[storage.ID]bool{}} }},
		{"due is keyed by the time alone", "due keeps rows of one moment", func() storage.Store { return oneAMoment{fresh()} }},
		{"due is not ordered", "due is oldest first", func() storage.Store {
			return dueBy{fresh(), func(a, b storage.Transfer) int { return cmp.Compare(a.Document, b.Document) }}
		}},
		{"due is ordered by the text of a number", "due across powers of ten", func() storage.Store {
			return dueBy{fresh(), func(a, b storage.Transfer) int {
				return cmp.Compare(strconv.FormatInt(a.Due.Unix(), 10), strconv.FormatInt(b.Due.Unix(), 10))
			}}
		}},
		{"due is cut before it is ordered", "due keeps the limit", func() storage.Store { return cutsFirst{fresh()} }},
		{"due ignores the limit", "due keeps the limit", func() storage.Store { return noLimit{fresh()} }},
		{"due excludes by", "due to the microsecond", func() storage.Store { return excludesBy{fresh()} }},
		{"due shows all queues", "due keeps queues apart", func() storage.Store { return allQueues{fresh()} }},
		{"zero is long ago", "zero is never due", func() storage.Store { return &zeroIsDue{Store: fresh()} }},
		{"due returns ids only", "due returns whole rows", func() storage.Store { return thinDue{fresh()} }},
		{"list is in order of writing", "list is in byte order", func() storage.Store { return unordered{fresh()} }},
		{"list is in order of a locale", "list is in byte order", func() storage.Store { return localeOrder{fresh()} }},
		{"pages begin a row too late", "list pages hold each row once", func() storage.Store { return pageGap{fresh()} }},
		{"pages are filtered after they are cut", "list pages hold each row once", func() storage.Store { return filtersLate{fresh()} }},
		{"the limit of list is ignored", "list pages hold each row once", func() storage.Store { return bigPages{fresh()} }},
		{"filters are prefixes", "list filters", func() storage.Store { return prefixFilter{fresh()} }},
		{"the period is not looked at", "list filters", func() storage.Store { return noPeriod{fresh()} }},
		{"list shows the former state too", "list follows an update", func() storage.Store { return &formerState{Store: fresh(), was: map[storage.ID][]string{}} }},
		{"a lock is held between pages", "the body of all may write", func() storage.Store { return &holdsLock{Store: fresh(), lock: make(chan struct{}, 1)} }},
		{"the cursor is a row that must be there", "the body of all may write", func() storage.Store { return cursorRow{fresh()} }},
		{"a page is a number of rows to skip", "the body of all may write", func() storage.Store { return offsets{fresh()} }},
		{"no tenant is all tenants", "list without a tenant", func() storage.Store { return anyTenant{fresh()} }},
		{"purge does not look at the rev", "purge with a stale rev", func() storage.Store { return purgesAnyway{fresh()} }},
		{"purge of what is gone fails", "purge of what is gone", func() storage.Store { return purgeFails{fresh()} }},
		{"purge marks the row only", "purge removes the row", func() storage.Store { return &softPurge{Store: fresh(), gone: map[storage.ID]bool{}} }},
		{"save does not compare", "save compares the rev", func() storage.Store { return saveAnyway{fresh()} }},
		{"save creates what is gone", "save compares the rev", func() storage.Store { return saveUpserts{fresh()} }},
		{"a value's rev is its hash", "a value's rev is never used twice", func() storage.Store { return newHashedValues() }},
		{"save looks, then writes", "of many saves one wins", func() storage.Store { return &racySave{Store: fresh()} }},
		{"delete does not look at the rev", "delete compares the rev", func() storage.Store { return deletesAnyway{fresh()} }},
		{"names are joined by a colon", "names hold any character", func() storage.Store { return joinsNames{fresh()} }},
		{"a prefix is a pattern", "scan is in byte order", func() storage.Store { return patternScan{fresh()} }},
		{"scan ends after a hundred", "scan pages of a hundred", func() storage.Store { return oneScanPage{fresh()} }},
		{"scan needs the name it goes on behind", "scan goes on behind a deleted name", func() storage.Store { return scanNeedsName{fresh()} }},
		{"scan returns no revs", "scan returns whole values", func() storage.Store { return thinScan{fresh()} }},
		{"put overwrites", "put never changes a content", func() storage.Store { return putOverwrites{fresh()} }},
		{"put of the same fails", "put the same again", func() storage.Store { return putOnce{fresh()} }},
		{"put of anything again is fine", "put never changes a content", func() storage.Store { return putIgnores{fresh()} }},
		{"put compares the length", "put never changes a content", func() storage.Store { return putLength{fresh()} }},
		{"contents end at 400 KB", "large contents", func() storage.Store { return smallContents{fresh()} }},
		{"an empty content is none", "put the same again", func() storage.Store { return emptyIsNone{fresh()} }},
		{"drop removes the name only", "drop removes the prefix only", func() storage.Store { return dropsName{fresh()} }},
		{"drop takes the prefix for a folder", "drop removes the prefix only", func() storage.Store { return dropsFolder{fresh()} }},
		{"drop takes the prefix for a pattern", "drop removes the prefix only", func() storage.Store { return dropsPattern{fresh()} }},
		{"drop of nothing is all", "drop refuses an empty prefix", func() storage.Store { return dropsAll{fresh()} }},
		{"a dropped name is never free again", "put after drop", func() storage.Store { return &tombstones{Store: fresh(), was: map[string][]byte{}} }},
		{"values and contents share names", "the three groups are apart", func() storage.Store { return sharedNames{fresh()} }},
		{"the context is not looked at", "a context that has ended", func() storage.Store { return deaf{fresh()} }},
		{"one who leaves takes the store with him", "a caller that leaves hurts nobody", func() storage.Store { return &fragile{Store: fresh()} }},
	}...)
}

func TestSuiteCatchesBrokenStores(t *testing.T) {
	for _, tc := range brokenStores() {
		t.Run(tc.name, func(t *testing.T) {
			found := faults(t, tc.open, 0, func(s storage.Store) storage.Store { return s }, tc.rule)
			require.Contains(t, found, tc.rule)
			require.Contains(t, found[tc.rule], "the rule: ")
			require.Contains(t, found[tc.rule], "the store: ")
		})
	}
}

func TestSuiteCatchesAQueuerThatForgetsQueues(t *testing.T) {
	found := faults(t, func() storage.Store { return forgetful{memstore.New()} }, 0, nil)
	require.Contains(t, found, "queues names every queue with work")
	require.Len(t, found, 1)
}

func TestSuiteCatchesAStoreThatForgetsWhenReopened(t *testing.T) {
	found := faults(t, fresh, 0, func(storage.Store) storage.Store { return fresh() })
	require.Contains(t, found, "everything is there after reopening")
	require.Contains(t, found, "a rev is not used again after reopening")
	require.Len(t, found, 2)
}

// The rest of this file and its neighbours are the broken stores. Each wraps a
// good one and does one thing wrong, as real backends have done.

type forgetful struct{ *memstore.Store }

func (s forgetful) Queues(ctx context.Context, by time.Time) ([]string, error) {
	queues, err := s.Store.Queues(ctx, by)
	return queues[:min(len(queues), 2)], err
}

// laggard shows Due and List as they were a while ago.
type laggard struct {
	storage.Store
	lag  time.Duration
	mu   sync.Mutex
	then []struct {
		at   time.Time
		rows map[storage.ID]storage.Transfer
	}
}

func (s *laggard) note(err error) {
	if err != nil {
		return
	}
	rows := map[storage.ID]storage.Transfer{}
	if len(s.then) > 0 {
		for id, t := range s.then[len(s.then)-1].rows {
			rows[id] = t
		}
	}
	s.then = append(s.then, struct {
		at   time.Time
		rows map[storage.ID]storage.Transfer
	}{time.Now(), rows})
}

func (s *laggard) Create(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.Store.Create(ctx, t)
	if s.note(err); err == nil {
		s.then[len(s.then)-1].rows[t.ID] = detach(t)
	}
	return t, err
}

func (s *laggard) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.Store.Update(ctx, t)
	if s.note(err); err == nil {
		s.then[len(s.then)-1].rows[t.ID] = detach(t)
	}
	return t, err
}

func (s *laggard) Purge(ctx context.Context, id storage.ID, rev string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Store.Purge(ctx, id, rev)
	if s.note(err); err == nil {
		delete(s.then[len(s.then)-1].rows, id)
	}
	return err
}

// past returns a store that holds what could be seen a lag ago.
func (s *laggard) past(ctx context.Context) storage.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := memstore.New()
	for i := len(s.then) - 1; i >= 0; i-- {
		if time.Since(s.then[i].at) < s.lag {
			continue
		}
		for _, t := range s.then[i].rows {
			t.Rev = ""
			_, _ = old.Create(ctx, t)
		}
		break
	}
	return old
}

func (s *laggard) current(ctx context.Context, ts []storage.Transfer) []storage.Transfer {
	for i := range ts {
		if t, err := s.Get(ctx, ts[i].ID); err == nil {
			ts[i].Rev = t.Rev
		}
	}
	return ts
}

func (s *laggard) Due(ctx context.Context, queue string, by time.Time, limit int) ([]storage.Transfer, error) {
	ts, err := s.past(ctx).Due(ctx, queue, by, limit)
	return s.current(ctx, ts), err
}

func (s *laggard) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	p, err := s.past(ctx).List(ctx, q)
	s.current(ctx, p.Transfers)
	return p, err
}

func detach(t storage.Transfer) storage.Transfer {
	t.Data = bytes.Clone(t.Data)
	return t
}

// everything returns all rows that a query finds, without paging.
func everything(ctx context.Context, s storage.Store, q storage.Query) ([]storage.Transfer, error) {
	q.Limit, q.After = 1<<30, ""
	p, err := s.List(ctx, q)
	return p.Transfers, err
}

// paged cuts a page out of rows in the order that they have; the cursor is the
// number of rows to skip.
func paged(ts []storage.Transfer, q storage.Query) storage.Page {
	skip, _ := strconv.Atoi(q.After)
	ts = ts[min(skip, len(ts)):]
	if q.Limit <= 0 {
		q.Limit = 100
	}
	if len(ts) > q.Limit {
		return storage.Page{Transfers: ts[:q.Limit], Next: strconv.Itoa(skip + q.Limit)}
	}
	return storage.Page{Transfers: ts}
}

// others lets all other callers come as far as they can.
func others() { <-time.After(time.Millisecond) }

func isConflict(err error) bool { return errors.Is(err, storage.ErrConflict) }

func sorted(ts []storage.Transfer, compare func(a, b storage.Transfer) int) []storage.Transfer {
	slices.SortStableFunc(ts, compare)
	return ts
}
