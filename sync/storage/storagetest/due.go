package storagetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// dueIs fails the rule unless exactly these documents are due, in this order.
func (c *check) dueIs(ctx context.Context, queue string, by time.Time, want ...string) {
	c.t.Helper()
	c.eventually(ctx, func() string {
		ts, err := c.store.Due(ctx, queue, by, len(want)+10)
		c.noError(err, "Due")
		if got := documents(ts); !slices.Equal(got, want) {
			return fmt.Sprintf("Due of queue %q by %s returned %q, not %q", queue, by.Format(time.RFC3339Nano), got, want)
		}
		return ""
	})
}

func documents(ts []storage.Transfer) []string {
	var names []string
	for _, t := range ts {
		names = append(names, t.Document)
	}
	return names
}

// dueRow returns a row with one Due and one queue.
func dueRow(document, queue string, due time.Time) storage.Transfer {
	t := row(document)
	t.Queue, t.Due = queue, due
	return t
}

var dueRules = []rule{
	{
		"due is oldest first",
		"Due must return the rows of the queue whose Due is not after by, oldest first, so that nobody waits for ever",
		func(ctx context.Context, c *check) {
			for _, r := range []struct {
				document string
				seconds  int
			}{{"e", 4}, {"a", 3}, {"d", 0}, {"c", 1}, {"b", 2}, {"later", 6}, {"much later", 1e6}} {
				c.create(ctx, dueRow(r.document, "q", base.Add(time.Duration(r.seconds)*time.Second)))
			}
			c.dueIs(ctx, "q", base.Add(5*time.Second), "d", "c", "b", "a", "e")
		},
	},
	{
		"due to the microsecond",
		"A row is due at its very microsecond and not one before, and rows a microsecond apart keep their order",
		func(ctx context.Context, c *check) {
			c.create(ctx, dueRow("2", "q", base.Add(2*time.Microsecond)))
			c.create(ctx, dueRow("1", "q", base.Add(1*time.Microsecond)))
			c.create(ctx, dueRow("0", "q", base))
			c.dueIs(ctx, "q", base.Add(-time.Microsecond))
			c.dueIs(ctx, "q", base, "0")
			c.dueIs(ctx, "q", base.Add(1*time.Microsecond), "0", "1")
			c.dueIs(ctx, "q", base.Add(2*time.Microsecond), "0", "1", "2")
		},
	},
	{
		"due across powers of ten",
		"Due orders by time and not by the text of a number: rows from before 1970 and with more digits stand in their place",
		func(ctx context.Context, c *check) {
			for document, due := range map[string]time.Time{
				"1": time.Unix(-100, 0), "2": time.Unix(-9, 0), "3": time.Unix(0, 0), "4": time.Unix(9, 0), "5": time.Unix(10, 0),
				"6": time.Unix(999_999_999, 0), "7": time.Unix(1_000_000_000, 0),
			} {
				c.create(ctx, dueRow(document, "q", due))
			}
			c.dueIs(ctx, "q", base, "1", "2", "3", "4", "5", "6", "7")
		},
	},
	{
		"due keeps the limit",
		"Due must return at most limit rows, the oldest ones, because the engine takes turns between queues",
		func(ctx context.Context, c *check) {
			for i, document := range []string{"a", "b", "c", "d", "e"} {
				c.create(ctx, dueRow(document, "q", base.Add(-time.Duration(i)*time.Second)))
			}
			c.dueIs(ctx, "q", base, "e", "d", "c", "b", "a")
			for limit, want := range [][]string{nil, {"e"}, {"e", "d"}, {"e", "d", "c"}} {
				ts, err := c.store.Due(ctx, "q", base, limit)
				c.noError(err, "Due with limit %d", limit)
				if got := documents(ts); !slices.Equal(got, want) {
					c.failf("Due with limit %d returned %q, not %q", limit, got, want)
				}
			}
		},
	},
	{
		"due keeps queues apart",
		"Due must return rows of the queue asked for and of no other, since a paused tenant is one whose queue is not asked",
		func(ctx context.Context, c *check) {
			queues := []string{"a", "A", "a/b", "a/", "a%", "a_", "", "b"}
			for i, queue := range queues {
				c.create(ctx, dueRow(fmt.Sprint(i), queue, base))
			}
			for i, queue := range queues {
				c.dueIs(ctx, queue, base, fmt.Sprint(i))
			}
			c.dueIs(ctx, "c", base)
		},
	},
	{
		"a queue spans tenants",
		"Due must return every row of the queue, also rows of several tenants and targets: what a queue means is the engine's affair",
		func(ctx context.Context, c *check) {
			for i, tenant := range []string{"acme", "globex", "initech"} {
				t := dueRow(tenant, "q", base.Add(time.Duration(i)*time.Second))
				t.Tenant, t.Target = tenant, "target of "+tenant
				c.create(ctx, t)
			}
			c.dueIs(ctx, "q", base.Add(time.Hour), "acme", "globex", "initech")
		},
	},
	{
		"zero is never due",
		"A row whose Due is zero must never be due: it is finished, or a person must act",
		func(ctx context.Context, c *check) {
			c.create(ctx, dueRow("never", "q", time.Time{}))
			c.create(ctx, dueRow("now", "q", base))
			far := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
			c.dueIs(ctx, "q", far, "now")
			t := c.get(ctx, id("now"))
			t.Due = time.Time{}
			c.update(ctx, t)
			c.dueIs(ctx, "q", far)
			t = c.get(ctx, id("never"))
			t.Due = base
			c.update(ctx, t)
			c.dueIs(ctx, "q", far, "never")
		},
	},
	{
		"due follows an update",
		"Due must find a row at the time and in the queue of its last write and nowhere else; a row that falls out of Due is a lost document",
		func(ctx context.Context, c *check) {
			a := c.create(ctx, dueRow("a", "q", base))
			b := c.create(ctx, dueRow("b", "q", base.Add(time.Second)))
			c.dueIs(ctx, "q", base.Add(time.Minute), "a", "b")
			a.Due = base.Add(2 * time.Second)
			a = c.update(ctx, a)
			c.dueIs(ctx, "q", base.Add(time.Minute), "b", "a")
			c.dueIs(ctx, "q", base)
			b.State = "delivering" // neither Due nor Queue
			b = c.update(ctx, b)
			c.dueIs(ctx, "q", base.Add(time.Minute), "b", "a")
			a.Queue = "r"
			a = c.update(ctx, a)
			c.dueIs(ctx, "q", base.Add(time.Minute), "b")
			c.dueIs(ctx, "r", base.Add(time.Minute), "a")
			a.Due, a.Queue = base, "q"
			c.update(ctx, a)
			c.dueIs(ctx, "r", base.Add(time.Minute))
			c.dueIs(ctx, "q", base.Add(time.Minute), "a", "b")
			c.noError(c.store.Purge(ctx, b.ID, b.Rev), "Purge with the current Rev")
			c.dueIs(ctx, "q", base.Add(time.Minute), "a")
		},
	},
	{
		"due keeps rows of one moment",
		"Rows that are due at the same moment must all be returned: an index whose key is the time alone loses all but one",
		func(ctx context.Context, c *check) {
			want := []string{"a", "b", "c", "d", "e", "f"}
			for _, document := range want {
				c.create(ctx, dueRow(document, "q", base))
			}
			c.eventually(ctx, func() string {
				ts, err := c.store.Due(ctx, "q", base, 100)
				c.noError(err, "Due")
				got := documents(ts)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					return fmt.Sprintf("of six rows due at one moment Due returned %q", got)
				}
				return ""
			})
		},
	},
	{
		"due returns whole rows",
		"Due must return whole rows with a Rev that Update takes, because the engine claims a row with what Due returned",
		func(ctx context.Context, c *check) {
			t := c.create(ctx, row("1"))
			t.State = "pending"
			t = c.update(ctx, t)
			c.eventually(ctx, func() string {
				ts, err := c.store.Due(ctx, t.Queue, base, 10)
				c.noError(err, "Due")
				if len(ts) != 1 {
					return fmt.Sprintf("Due returned %d rows where one is due", len(ts))
				}
				if d := difference(t, ts[0]); d != "" {
					return "Due returned a row that differs: " + d
				}
				return ""
			})
			c.update(ctx, t)
		},
	},
	{
		"due under load",
		"While rows are created, claimed and finished at the same time, no row may stay behind unfinished: a row that Due never shows is a lost document",
		func(ctx context.Context, c *check) {
			const makers, each = 4, 10
			c.together(ctx, makers, func(i int) error {
				for n := range each {
					t, err := c.store.Create(ctx, dueRow(fmt.Sprintf("%d-%d", i, n), "q", base.Add(time.Duration(n)*time.Second)))
					if err != nil {
						return err
					}
					t.Due = t.Due.Add(time.Minute)
					if _, err := c.store.Update(ctx, t); err != nil {
						return err
					}
				}
				return nil
			})
			c.eventually(ctx, func() string {
				ts, err := c.store.Due(ctx, "q", base.Add(time.Hour), 2*makers*each)
				c.noError(err, "Due")
				if len(ts) != makers*each {
					return fmt.Sprintf("Due returned %d of %d rows", len(ts), makers*each)
				}
				return ""
			})
		},
	},
	{
		"queues names every queue with work",
		"Queues, where a store has it, must name every queue that has a row due by then and after the lag no other: a queue that is not named is never worked on",
		func(ctx context.Context, c *check) {
			q, ok := c.store.(storage.Queuer)
			if !ok {
				c.t.Skip("the store is no Queuer; the engine asks each flow's queue")
			}
			are := func(by time.Time, want ...string) {
				c.t.Helper()
				c.eventually(ctx, func() string {
					got, err := q.Queues(ctx, by)
					c.noError(err, "Queues")
					slices.Sort(got)
					if !slices.Equal(got, want) {
						return fmt.Sprintf("Queues returned %q, not %q", got, want)
					}
					return ""
				})
			}
			are(base)
			c.create(ctx, dueRow("1", "a", base))
			c.create(ctx, dueRow("2", "a", base))
			c.create(ctx, dueRow("3", "b/c", base.Add(time.Microsecond)))
			c.create(ctx, dueRow("4", "never", time.Time{}))
			four := c.create(ctx, dueRow("5", "B", base.Add(-time.Hour)))
			are(base, "B", "a")
			are(base.Add(time.Microsecond), "B", "a", "b/c")
			four.Due = base.Add(time.Hour)
			c.update(ctx, four)
			are(base, "a")
		},
	},
}
