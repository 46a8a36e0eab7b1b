package storagetest

import (
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

var storeRules = []rule{
	{
		"the three groups are apart",
		"Rows, values and contents are three groups: the same tenant and name in each are three different things",
		func(ctx context.Context, c *check) {
			t := row("same")
			t.Target = "same"
			t = c.create(ctx, t)
			v := c.save(ctx, storage.Value{Tenant: "acme", Name: "same", Data: []byte("value")})
			c.put(ctx, "acme", "same", "content")
			c.same(t, c.get(ctx, t.ID), "Get")
			c.sameValue(v, c.load(ctx, "acme", "same"), "Load")
			c.contentIs(ctx, "acme", "same", "content")
			c.noError(c.store.Drop(ctx, "acme", "s"), "Drop")
			c.noError(c.store.Delete(ctx, "acme", "same", v.Rev), "Delete with the current Rev")
			c.same(t, c.get(ctx, t.ID), "Get after the value and the content were removed")
		},
	},
	{
		"a context that has ended",
		"A method whose context has ended must return the context's error at once and not wait, because a drain at shutdown has a deadline",
		func(ctx context.Context, c *check) {
			t := c.create(ctx, row("1"))
			v := c.save(ctx, storage.Value{Tenant: "acme", Name: "a"})
			ended, cancel := context.WithCancel(ctx)
			cancel()
			calls := map[string]func() error{
				"Create": func() error { _, err := c.store.Create(ended, row("2")); return err },
				"Get":    func() error { _, err := c.store.Get(ended, t.ID); return err },
				"Update": func() error { _, err := c.store.Update(ended, t); return err },
				"Purge":  func() error { return c.store.Purge(ended, t.ID, t.Rev) },
				"Due":    func() error { _, err := c.store.Due(ended, t.Queue, base, 10); return err },
				"List":   func() error { _, err := c.store.List(ended, storage.Query{Tenant: "acme"}); return err },
				"Load":   func() error { _, err := c.store.Load(ended, v.Tenant, v.Name); return err },
				"Save":   func() error { _, err := c.store.Save(ended, v); return err },
				"Scan":   func() error { _, _, err := c.store.Scan(ended, "acme", "", "", 0); return err },
				"Delete": func() error { return c.store.Delete(ended, v.Tenant, v.Name, v.Rev) },
				"Put":    func() error { return c.store.Put(ended, "acme", "c", []byte("c")) },
				"Read":   func() error { _, err := c.store.Read(ended, "acme", "c"); return err },
				"Drop":   func() error { return c.store.Drop(ended, "acme", "c") },
			}
			if q, ok := c.store.(storage.Queuer); ok {
				calls["Queues"] = func() error { _, err := q.Queues(ended, base); return err }
			}
			for name, call := range calls {
				c.within(ctx, func() error {
					if err := call(); !errors.Is(err, context.Canceled) {
						return errors.New(name + " with a context that has ended did not return its error but " + errorText(err))
					}
					return nil
				}, name)
			}
		},
	},
	{
		"a caller that leaves hurts nobody",
		"When one caller's context ends in the middle of a write the writes of others must go on, and afterwards the store must work as before",
		func(ctx context.Context, c *check) {
			t := row("1")
			t.Wakes = 0
			t = c.create(ctx, t)
			c.together(ctx, 8, func(i int) error {
				for n := range 5 {
					if i%2 == 0 {
						if err := increment(ctx, c.store, t.ID); err != nil {
							return err
						}
						continue
					}
					short, cancel := context.WithTimeout(ctx, time.Duration(n*100)*time.Microsecond)
					_, err := c.store.Save(short, storage.Value{Tenant: "acme", Name: "left", Data: []byte{byte(n)}})
					cancel()
					if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, storage.ErrConflict) {
						return err
					}
				}
				return nil
			})
			if got := c.get(ctx, t.ID).Wakes; got != 20 {
				c.failf("4 callers counted up 5 times each while others left, and the row says %d", got)
			}
		},
	},
	{
		"everything is there after reopening",
		"Whatever a method returned nil for must be there after the store was closed and opened again, because nil means durable",
		func(ctx context.Context, c *check) {
			c.mayReopen()
			t := c.update(ctx, c.create(ctx, row("1")))
			v := c.save(ctx, storage.Value{Tenant: "acme", Name: "a", Data: []byte("value")})
			c.put(ctx, "acme", "a", "content")
			gone := c.create(ctx, row("2"))
			c.noError(c.store.Purge(ctx, gone.ID, gone.Rev), "Purge with the current Rev")
			c.store = c.reopen(c.store)
			c.same(t, c.get(ctx, t.ID), "Get after reopening")
			c.sameValue(v, c.load(ctx, "acme", "a"), "Load after reopening")
			c.contentIs(ctx, "acme", "a", "content")
			_, err := c.store.Get(ctx, gone.ID)
			c.isError(err, storage.ErrNotFound, "Get of a purged row after reopening")
			c.dueIs(ctx, t.Queue, base, "1")
			c.listIs(ctx, storage.Query{Tenant: "acme", State: t.State}, "1")
			c.update(ctx, t)
			c.save(ctx, v)
		},
	},
	{
		"a rev is not used again after reopening",
		"A Rev must not be used again after the store was closed and opened again, not even for a row or value that was removed before",
		func(ctx context.Context, c *check) {
			c.mayReopen()
			seenRows, seenValues := map[string]bool{}, map[string]bool{}
			for range 3 {
				t := c.update(ctx, c.create(ctx, row("1")))
				v := c.save(ctx, c.save(ctx, storage.Value{Tenant: "acme", Name: "a"}))
				if seenRows[t.Rev] || seenValues[v.Rev] {
					c.failf("after reopening a Rev was used again: row %q, value %q", t.Rev, v.Rev)
				}
				seenRows[t.Rev], seenValues[v.Rev] = true, true
				c.noError(c.store.Purge(ctx, t.ID, t.Rev), "Purge with the current Rev")
				c.noError(c.store.Delete(ctx, v.Tenant, v.Name, v.Rev), "Delete with the current Rev")
				c.store = c.reopen(c.store)
			}
		},
	},
}

func (c *check) mayReopen() {
	c.t.Helper()
	if c.reopen == nil {
		c.t.Skip("the suite was not told how to reopen the store")
	}
}

func errorText(err error) string {
	if err == nil {
		return "nil"
	}
	return err.Error()
}
