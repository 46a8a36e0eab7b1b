package storagetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// listIs fails the rule unless the query finds exactly these documents, in this
// order.
func (c *check) listIs(ctx context.Context, q storage.Query, want ...string) {
	c.t.Helper()
	c.eventually(ctx, func() string {
		ts, fault := c.pages(ctx, q)
		if fault != "" {
			return fault
		}
		if got := documents(ts); !slices.Equal(got, want) {
			return fmt.Sprintf("List of %s returned %q, not %q", short(q), got, want)
		}
		return ""
	})
}

// pages walks over all pages of a query by hand.
func (c *check) pages(ctx context.Context, q storage.Query) (all []storage.Transfer, fault string) {
	c.t.Helper()
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	seen := map[string]bool{}
	for {
		page, err := c.store.List(ctx, q)
		c.noError(err, "List of %s", short(q))
		if len(page.Transfers) > limit {
			return nil, fmt.Sprintf("List returned a page of %d rows where at most %d were asked for", len(page.Transfers), limit)
		}
		all = append(all, page.Transfers...)
		if page.Next == "" {
			return all, ""
		}
		if seen[page.Next] {
			return nil, fmt.Sprintf("List returned the Next %q twice: it goes round in circles", page.Next)
		}
		seen[page.Next] = true
		q.After = page.Next
	}
}

var listRules = []rule{
	{
		"list is in byte order",
		"List must return a tenant's rows in byte order of target, then document, whatever locale the backend runs in, because a page's end is the next one's beginning",
		func(ctx context.Context, c *check) {
			var want []storage.ID
			for i, target := range awkward {
				for _, document := range []string{"d", awkward[(i+7)%len(awkward)]} {
					want = append(want, storage.ID{Tenant: "acme", Target: target, Document: document})
				}
				other := row("d")
				other.Tenant, other.Target = "acme2", target
				c.create(ctx, other)
			}
			slices.SortFunc(want, compareIDs)
			want = slices.Compact(want)
			for i := range want {
				t := row("")
				t.ID = want[(i*5+3)%len(want)] // in no order
				if _, err := c.store.Get(ctx, t.ID); err != nil {
					c.create(ctx, t)
				}
			}
			for _, id := range want { // what a common divisor left out
				if _, err := c.store.Get(ctx, id); err != nil {
					t := row("")
					t.ID = id
					c.create(ctx, t)
				}
			}
			for _, limit := range []int{0, 1, 7, len(want), len(want) + 1} {
				c.eventually(ctx, func() string {
					ts, fault := c.pages(ctx, storage.Query{Tenant: "acme", Limit: limit})
					if fault != "" {
						return fault
					}
					var got []storage.ID
					for _, t := range ts {
						got = append(got, t.ID)
					}
					if !slices.Equal(got, want) {
						return fmt.Sprintf("in pages of %d List returned other rows or another order: %s", limit, firstDifference(got, want))
					}
					return ""
				})
			}
		},
	},
	{
		"list pages hold each row once",
		"The pages of a List must hold each row exactly once, whatever the limit, and a limit of 0 means 100: a report that misses rows does not tie out",
		func(ctx context.Context, c *check) {
			var want []string
			for i := range 103 {
				t := row(fmt.Sprintf("%03d", i))
				t.State = []string{"parked", "confirmed", "waiting"}[i%3]
				c.create(ctx, t)
				want = append(want, t.Document)
			}
			for _, limit := range []int{0, 1, 2, 50, 102, 103, 104} {
				c.listIs(ctx, storage.Query{Tenant: "acme", Limit: limit}, want...)
			}
			var parked []string
			for i := 0; i < len(want); i += 3 {
				parked = append(parked, want[i])
			}
			for _, limit := range []int{0, 1, 5, len(parked)} {
				c.listIs(ctx, storage.Query{Tenant: "acme", State: "parked", Limit: limit}, parked...)
			}
		},
	},
	{
		"list filters",
		"List must return the rows that equal every field of the query that is not empty and no others, because a replay acts on what it lists",
		func(ctx context.Context, c *check) {
			var all []storage.Transfer
			n := 0
			for _, target := range []string{"epicor-ap", "Epicor-ap", "epicor-a"} {
				for _, state := range []string{"parked", "PARKED", "delivered"} {
					for _, cause := range []string{"", "vendor_missing", "vendor_missing_2"} {
						for _, period := range []string{"", "2026-03", "2026-0"} {
							t := row(fmt.Sprintf("%03d", n))
							t.Target, t.State, t.Cause, t.Period = target, state, cause, period
							all = append(all, c.create(ctx, t))
							t.Tenant = "globex"
							c.create(ctx, t)
							n++
						}
					}
				}
			}
			slices.SortFunc(all, func(a, b storage.Transfer) int { return compareIDs(a.ID, b.ID) })
			for mask := range 16 {
				q := storage.Query{Tenant: "acme", Limit: 7}
				if mask&1 != 0 {
					q.Target = "epicor-ap"
				}
				if mask&2 != 0 {
					q.State = "parked"
				}
				if mask&4 != 0 {
					q.Cause = "vendor_missing"
				}
				if mask&8 != 0 {
					q.Period = "2026-03"
				}
				var want []string
				for _, t := range all {
					if (q.Target == "" || q.Target == t.Target) && (q.State == "" || q.State == t.State) &&
						(q.Cause == "" || q.Cause == t.Cause) && (q.Period == "" || q.Period == t.Period) {
						want = append(want, t.Document)
					}
				}
				c.listIs(ctx, q, want...)
			}
			c.listIs(ctx, storage.Query{Tenant: "acme", State: "nothing"})
			c.listIs(ctx, storage.Query{Tenant: "nobody"})
		},
	},
	{
		"list follows an update",
		"List must find a row under its present state, cause and period and no longer under the former ones, because what was mended must leave the list of faults",
		func(ctx context.Context, c *check) {
			t := c.create(ctx, row("1"))
			parked := storage.Query{Tenant: "acme", State: "parked", Cause: "cost_centre_unknown", Period: "2026-03"}
			c.listIs(ctx, parked, "1")
			t.State, t.Cause, t.Period = "pending", "", "2026-04"
			t = c.update(ctx, t)
			c.listIs(ctx, parked)
			c.listIs(ctx, storage.Query{Tenant: "acme", State: "parked"})
			c.listIs(ctx, storage.Query{Tenant: "acme", Cause: "cost_centre_unknown"})
			c.listIs(ctx, storage.Query{Tenant: "acme", Period: "2026-03"})
			c.listIs(ctx, storage.Query{Tenant: "acme", State: "pending", Period: "2026-04"}, "1")
			c.noError(c.store.Purge(ctx, t.ID, t.Rev), "Purge with the current Rev")
			c.listIs(ctx, storage.Query{Tenant: "acme", State: "pending"})
		},
	},
	{
		"list returns whole rows",
		"List must return whole rows with a Rev that Update takes, because a plan made from a list must notice what changed since",
		func(ctx context.Context, c *check) {
			t := c.update(ctx, c.create(ctx, row("1")))
			c.eventually(ctx, func() string {
				page, err := c.store.List(ctx, storage.Query{Tenant: "acme"})
				c.noError(err, "List")
				if len(page.Transfers) != 1 {
					return fmt.Sprintf("List returned %d rows where there is one", len(page.Transfers))
				}
				if d := difference(t, page.Transfers[0]); d != "" {
					return "List returned a row that differs: " + d
				}
				return ""
			})
		},
	},
	{
		"list without a tenant",
		"List without a tenant must be refused: one that returns the rows of all tenants shows a customer another one's documents",
		func(ctx context.Context, c *check) {
			c.create(ctx, row("1"))
			if page, err := c.store.List(ctx, storage.Query{}); err == nil && len(page.Transfers) > 0 {
				c.failf("List without a tenant returned %d rows", len(page.Transfers))
			}
		},
	},
	{
		"the body of all may write",
		"Between pages no lock may be held and no position be lost: the body of All reads, updates, creates and purges rows, the one it stands on included",
		func(ctx context.Context, c *check) {
			const n = 12
			for i := range n {
				c.create(ctx, row(fmt.Sprintf("%03d", i)))
			}
			c.settled(ctx, n)
			var got []string
			c.within(ctx, func() error {
				for t, err := range storage.All(ctx, c.store, storage.Query{Tenant: "acme", Limit: 3}) {
					if err != nil {
						return err
					}
					got = append(got, t.Document)
					if t, err = c.store.Get(ctx, t.ID); err != nil {
						return err
					}
					t.State = "confirmed"
					if t, err = c.store.Update(ctx, t); err != nil {
						return err
					}
					if len(got)%2 == 1 { // fewer than are purged, so that the number of rows before the cursor changes
						if _, err = c.store.Create(ctx, row("! made by the body "+strconv.Itoa(len(got)))); err != nil {
							return err
						}
					}
					if err = c.store.Purge(ctx, t.ID, t.Rev); err != nil {
						return err
					}
				}
				return nil
			}, "All with a body that writes")
			if len(got) != n || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != n {
				c.failf("All over %d rows whose body purges them showed %q", n, got)
			}
		},
	},
	{
		"all stops when its body does",
		"After a loop over All was left early the store must go on working, because a plan is cut off at its limit",
		func(ctx context.Context, c *check) {
			for i := range 10 {
				c.create(ctx, row(strconv.Itoa(i)))
			}
			c.settled(ctx, 10)
			c.within(ctx, func() error {
				for range 20 { // more often than there are connections in a pool
					for _, err := range storage.All(ctx, c.store, storage.Query{Tenant: "acme", Limit: 2}) {
						if err != nil {
							return err
						}
						break
					}
				}
				_, err := c.store.Create(ctx, row("afterwards"))
				return err
			}, "Create after loops over All that were left early")
		},
	},
}

// settled waits until List shows n rows.
func (c *check) settled(ctx context.Context, n int) {
	c.t.Helper()
	c.eventually(ctx, func() string {
		ts, fault := c.pages(ctx, storage.Query{Tenant: "acme"})
		if fault == "" && len(ts) != n {
			fault = fmt.Sprintf("List returned %d of %d rows", len(ts), n)
		}
		return fault
	})
}

func compareIDs(a, b storage.ID) int {
	for _, pair := range [][2]string{{a.Tenant, b.Tenant}, {a.Target, b.Target}, {a.Document, b.Document}} {
		if pair[0] < pair[1] {
			return -1
		}
		if pair[0] > pair[1] {
			return 1
		}
	}
	return 0
}

func firstDifference(got, want []storage.ID) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("row %d is %q, not %q", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d rows, not %d", len(got), len(want))
}
