package storagetest

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/ml-connector/ml-connector/sync/storage"
)

var casRules = []rule{
	{
		"update with a stale rev",
		"Update with a stale Rev must return ErrConflict and change nothing, so that two workers cannot both post one invoice",
		func(ctx context.Context, c *check) {
			stale := c.create(ctx, row("1"))
			current := stale
			current.State = "delivering"
			current = c.update(ctx, current)
			stale.State = "void"
			_, err := c.store.Update(ctx, stale)
			c.isError(err, storage.ErrConflict, "Update with a stale Rev")
			c.same(current, c.get(ctx, current.ID), "Get after a refused Update")
			c.dueIs(ctx, current.Queue, base, "1")
		},
	},
	{
		"update without a rev",
		"Update without a Rev, or with one that was never given out, must return ErrConflict: neither is a way round the comparison",
		func(ctx context.Context, c *check) {
			t := c.create(ctx, row("1"))
			for _, rev := range []string{"", "*", "0", "-1", t.Rev + "0", "0" + t.Rev, " " + t.Rev, "nonsense"} {
				u := t
				u.Rev = rev
				_, err := c.store.Update(ctx, u)
				c.isError(err, storage.ErrConflict, "Update with the Rev %q", rev)
			}
			c.same(t, c.get(ctx, t.ID), "Get after refused Updates")
		},
	},
	{
		"update of a missing row",
		"Update of a row that is not there must return ErrConflict and must not create it, so that a purged document does not rise again",
		func(ctx context.Context, c *check) {
			t := c.create(ctx, row("1"))
			c.noError(c.store.Purge(ctx, t.ID, t.Rev), "Purge with the current Rev")
			_, err := c.store.Update(ctx, t)
			c.isError(err, storage.ErrConflict, "Update of a purged row")
			_, err = c.store.Get(ctx, t.ID)
			c.isError(err, storage.ErrNotFound, "Get after it")
		},
	},
	{
		"every update changes the rev",
		"Every Update must change Rev, also one that changes nothing else, because whoever read before must learn that somebody wrote",
		func(ctx context.Context, c *check) {
			t := c.create(ctx, row("1"))
			seen := map[string]bool{t.Rev: true}
			for range 5 {
				t = c.update(ctx, t)
				if seen[t.Rev] {
					c.failf("Update returned the Rev %q, which the row had before", t.Rev)
				}
				seen[t.Rev] = true
			}
		},
	},
	{
		"a rev is never used twice",
		"A Rev must never be used twice for one ID, not even after Purge, so that a worker that slept through a purge and a new beginning cannot write",
		func(ctx context.Context, c *check) {
			seen := map[string]bool{}
			var old []storage.Transfer
			for range 4 {
				t := c.create(ctx, row("1"))
				for range 3 {
					if seen[t.Rev] {
						c.failf("the Rev %q was used before for this ID", t.Rev)
					}
					seen[t.Rev] = true
					for _, o := range old {
						_, err := c.store.Update(ctx, o)
						c.isError(err, storage.ErrConflict, "Update with a Rev from before")
					}
					old = append(old, t)
					t = c.update(ctx, t)
				}
				seen[t.Rev] = true
				old = append(old, t)
				c.noError(c.store.Purge(ctx, t.ID, t.Rev), "Purge with the current Rev")
			}
		},
	},
	{
		"purge with a stale rev",
		"Purge with a stale Rev must return ErrConflict and remove nothing, so that a document that woke up again is not thrown away",
		func(ctx context.Context, c *check) {
			stale := c.create(ctx, row("1"))
			current := c.update(ctx, stale)
			for _, rev := range []string{stale.Rev, "", "nonsense"} {
				c.isError(c.store.Purge(ctx, stale.ID, rev), storage.ErrConflict, "Purge with the Rev %q", rev)
			}
			c.same(current, c.get(ctx, current.ID), "Get after a refused Purge")
		},
	},
	{
		"of many creates one wins",
		"Of callers that create one ID at the same time exactly one may succeed, so that one document never has two rows",
		func(ctx context.Context, c *check) {
			for round := range 5 {
				var won atomic.Int64
				c.together(ctx, 8, func(i int) error {
					t := row("race-" + strconv.Itoa(round))
					t.Wakes = int64(i)
					switch _, err := c.store.Create(ctx, t); {
					case err == nil:
						won.Add(1)
					case !errors.Is(err, storage.ErrExists):
						return err
					}
					return nil
				})
				if n := won.Load(); n != 1 {
					c.failf("%d of 8 concurrent Creates of one ID succeeded", n)
				}
			}
		},
	},
	{
		"no update is lost",
		"Of callers that read, change and write one row at the same time no change may be lost: each knock of the source counts",
		func(ctx context.Context, c *check) {
			const callers, each = 8, 10
			start := row("1")
			start.Wakes = 0
			t := c.create(ctx, start)
			c.together(ctx, callers, func(int) error {
				for range each {
					if err := increment(ctx, c.store, t.ID); err != nil {
						return err
					}
				}
				return nil
			})
			if got := c.get(ctx, t.ID).Wakes; got != callers*each {
				c.failf("%d callers counted up %d times each and the row says %d", callers, each, got)
			}
		},
	},
	{
		"writers of different rows",
		"Callers that write different rows at the same time must not disturb one another: the refusal of one is not the failure of another",
		func(ctx context.Context, c *check) {
			taken := c.create(ctx, row("taken"))
			c.together(ctx, 8, func(i int) error {
				for n := range 5 {
					t, err := c.store.Create(ctx, row(strconv.Itoa(i)+"-"+strconv.Itoa(n)))
					if err != nil {
						return err
					}
					if _, err := c.store.Create(ctx, row("taken")); !errors.Is(err, storage.ErrExists) {
						return errors.New("a Create that must be refused was not")
					}
					if _, err := c.store.Update(ctx, t); err != nil {
						return err
					}
				}
				return nil
			})
			c.same(taken, c.get(ctx, taken.ID), "Get")
		},
	},
}

// increment counts up Wakes as the engine does: read, change, compare-and-set,
// repeat.
func increment(ctx context.Context, s storage.Store, id storage.ID) error {
	for {
		t, err := s.Get(ctx, id)
		if err != nil {
			return err
		}
		t.Wakes++
		if _, err = s.Update(ctx, t); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
}
