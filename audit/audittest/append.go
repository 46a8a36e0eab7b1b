package audittest

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/audit"
)

var appendRules = []rule{
	{
		"records come back as they were",
		"Every field of a record must come back as it was appended, Detail byte for byte and Time to the microsecond in UTC, because the hash covers them",
		func(ctx context.Context, c *check) {
			r := record("acme", 1)
			c.append(ctx, r)
			c.lastIs(ctx, r)
			c.are(c.all(ctx, audit.Query{Tenant: "acme"}), []audit.Record{r}, "Read")
			large := record("acme", 2)
			large.Subject, large.Reason = strings.Repeat("语", 100), "it's \"so\";\n--\t%_\\ $ / .."
			large.Detail = []byte(`"` + strings.Repeat("x", 200<<10) + `"`)
			large.Sealed = bytes.Repeat([]byte{0, 1, 2, 0xfe, 0xff}, 20<<10)
			large.Hash = strings.Repeat("f", 64)
			c.append(ctx, large)
			c.lastIs(ctx, large)
			empty := audit.Record{Tenant: "acme", Seq: 3, Time: base, Action: "x"}
			c.append(ctx, empty)
			c.lastIs(ctx, empty)
			c.are(c.all(ctx, audit.Query{Tenant: "acme"}), []audit.Record{r, large, empty}, "Read")
		},
	},
	{
		"append writes all",
		"Append must write every record that it was given, in order, and Last must see them at once: what was done without a record did not happen rightly",
		func(ctx context.Context, c *check) {
			c.append(ctx, records("acme", 1, 5)...)
			c.lastIs(ctx, record("acme", 5))
			c.append(ctx, record("acme", 6))
			c.lastIs(ctx, record("acme", 6))
			c.append(ctx, records("acme", 7, 9)...)
			c.lastIs(ctx, record("acme", 9))
			c.are(c.all(ctx, audit.Query{Tenant: "acme"}), records("acme", 1, 9), "Read")
			c.append(ctx, records("acme", 10, 300)...)
			c.are(c.all(ctx, audit.Query{Tenant: "acme"}), records("acme", 1, 300), "Read")
		},
	},
	{
		"a number is taken once",
		"Append must return ErrConflict and write nothing when the first record's number exists: two processes that both write record 7 break the chain for ever",
		func(ctx context.Context, c *check) {
			c.append(ctx, records("acme", 1, 3)...)
			for _, first := range []int64{1, 2, 3} {
				late := records("acme", first, first+3)
				for i := range late {
					late[i].Actor, late[i].Hash = "somebody else", "other"
				}
				c.isError(c.log.Append(ctx, late), audit.ErrConflict, "Append of record %d to %d where 3 are there", first, first+3)
				c.are(c.all(ctx, audit.Query{Tenant: "acme"}), records("acme", 1, 3), "Read after a refused Append")
				c.lastIs(ctx, record("acme", 3))
			}
			c.isError(c.log.Append(ctx, records("acme", 3, 3)), audit.ErrConflict, "Append of a record once more")
			c.append(ctx, record("acme", 4))
		},
	},
	{
		"of many appends one wins",
		"Of callers that append the same number at the same time exactly one may succeed, and his records must be there whole",
		func(ctx context.Context, c *check) {
			next := int64(1)
			for range 5 {
				var winner atomic.Int64
				winner.Store(-1)
				c.together(ctx, 8, func(i int) error {
					rs := records("acme", next, next+2)
					for n := range rs {
						rs[n].Actor = strconv.Itoa(i)
					}
					switch err := c.log.Append(ctx, rs); {
					case err == nil && !winner.CompareAndSwap(-1, int64(i)):
						return errors.New("a second Append of the same numbers succeeded")
					case err != nil && !errors.Is(err, audit.ErrConflict):
						return err
					}
					return nil
				})
				rs := c.all(ctx, audit.Query{Tenant: "acme", After: next - 1})
				if len(rs) != 3 {
					c.failf("after 8 concurrent Appends of the same 3 numbers %d records are there", len(rs))
				}
				for _, r := range rs {
					if r.Actor != strconv.FormatInt(winner.Load(), 10) {
						c.failf("record %d is caller %s's, but caller %d was told that it is his", r.Seq, r.Actor, winner.Load())
					}
				}
				next += 3
			}
		},
	},
	{
		"tenants are apart",
		"Each tenant has numbers and a last record of its own, whatever characters its name holds, so that one customer's chain can be shown without another's",
		func(ctx context.Context, c *check) {
			tenants := []string{"acme", "Acme", "acm", "acme/", "a/b", "a:b", "a%", "a_", "ä", "'", "..", " ", "日本語"}
			for i, tenant := range tenants {
				c.append(ctx, records(tenant, 1, int64(i+1))...)
			}
			for i, tenant := range tenants {
				c.lastIs(ctx, record(tenant, int64(i+1)))
				c.are(c.all(ctx, audit.Query{Tenant: tenant, Limit: 2}), records(tenant, 1, int64(i+1)), "Read of tenant "+tenant)
			}
		},
	},
	{
		"trails on one log make one chain",
		"Trails that write to one log at the same time, as several processes do, must make one chain without a gap in which every record stands once",
		func(ctx context.Context, c *check) {
			const trails, each = 4, 15
			c.together(ctx, trails, func(i int) error {
				trail := audit.NewTrail(c.log, nil)
				for n := range each {
					err := trail.Append(ctx, audit.Record{Tenant: "acme", ID: strconv.Itoa(i) + "/" + strconv.Itoa(n), Action: "test", Subject: "s"})
					if err != nil {
						return err
					}
				}
				return nil
			})
			last, err := audit.NewTrail(c.log, nil).Verify(ctx, "acme")
			c.noError(err, "Verify after %d Trails wrote to one log", trails)
			if last != trails*each {
				c.failf("%d Trails wrote %d records each and the chain has %d", trails, each, last)
			}
			seen := map[string]bool{}
			for _, r := range c.all(ctx, audit.Query{Tenant: "acme"}) {
				seen[r.ID] = true
			}
			if len(seen) != trails*each {
				c.failf("of %d different records %d are there", trails*each, len(seen))
			}
		},
	},
	{
		"a failed append leaves no gap",
		"An Append that fails may leave the first of its records but never a gap, because a gap looks like a record that was removed",
		func(ctx context.Context, c *check) {
			for n := range 20 {
				next := int64(1)
				if last, err := c.log.Last(ctx, "acme"); err == nil {
					next = last.Seq + 1
				}
				short, cancel := context.WithTimeout(ctx, time.Duration(n*50)*time.Microsecond)
				err := c.log.Append(short, records("acme", next, next+9))
				cancel()
				if errors.Is(err, audit.ErrConflict) {
					continue // an earlier one that was given up was written after all
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					c.failf("Append whose context ended returned %v, not the context's error", err)
				}
			}
			rs := c.all(ctx, audit.Query{Tenant: "acme"})
			c.are(rs, records("acme", 1, int64(len(rs))), "Read after Appends whose contexts ended")
		},
	},
	{
		"records are not shared",
		"What a caller does to a slice that it passed or was given must not change a record",
		func(ctx context.Context, c *check) {
			rs := records("acme", 1, 2)
			c.append(ctx, rs...)
			scribble(rs)
			rs[0] = audit.Record{}
			last, err := c.log.Last(ctx, "acme")
			c.noError(err, "Last")
			scribble([]audit.Record{last})
			scribble(c.all(ctx, audit.Query{Tenant: "acme"}))
			c.are(c.all(ctx, audit.Query{Tenant: "acme"}), records("acme", 1, 2), "Read, after slices were written to,")
		},
	},
	{
		"everything is there after reopening",
		"Whatever Append returned nil for must be there after the log was closed and opened again, and the chain goes on behind it",
		func(ctx context.Context, c *check) {
			if c.reopen == nil {
				c.t.Skip("the suite was not told how to reopen the log")
			}
			c.append(ctx, records("acme", 1, 3)...)
			c.log = c.reopen(c.log)
			c.lastIs(ctx, record("acme", 3))
			c.isError(c.log.Append(ctx, records("acme", 3, 3)), audit.ErrConflict, "Append of a number from before reopening")
			c.append(ctx, record("acme", 4))
			c.are(c.all(ctx, audit.Query{Tenant: "acme"}), records("acme", 1, 4), "Read after reopening")
		},
	},
}

func scribble(rs []audit.Record) {
	for _, r := range rs {
		for i := range r.Detail {
			r.Detail[i] = '!'
		}
		for i := range r.Sealed {
			r.Sealed[i] = '!'
		}
	}
}
