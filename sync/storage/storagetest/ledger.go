package storagetest

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// awkward are names that backends have been seen to mix up, cut or refuse.
var awkward = []string{
	"a", "A", "ä", "a\u0308", "ß", "SS", "é", "日本語", "🧾",
	"a/b", "a:b", "a|b", "a,b", "a#b", "a$b", "a?b", "a%b", "a%2Fb", "a_b", "a*b", "a.b", "a\\b", "a b", " a", "a ",
	".", "..", "../a", "/", "//", "$ / ..", "~", "-", "--", "'", "\"", "`", ";", "a'; DROP TABLE transfers; --",
	"a\tb", "a\nb", "a\r\nb", "{a}", "[a]", "<a>", "a=b", "a&b", "1", "01", "1.0", "NULL", "null", "true",
	"CON", "a\u200bb", "\u202eab", "\ufeffa", "\U0010FFFF",
}

var ledgerRules = []rule{
	{
		"create returns what get returns",
		"Create must return the row as it is stored, with a Rev, and Get must return the same row field by field, because the engine goes on with what it was given",
		func(ctx context.Context, c *check) {
			written := c.create(ctx, row("1"))
			if written.Rev == "" {
				c.failf("Create returned a row without a Rev")
			}
			want := row("1")
			want.Rev = written.Rev
			c.same(want, written, "Create")
			c.same(want, c.get(ctx, want.ID), "Get after Create")
		},
	},
	{
		"create refuses a second row",
		"Create of an ID that is there must return ErrExists and change nothing, so that an event that arrives twice makes no second transfer",
		func(ctx context.Context, c *check) {
			first := c.create(ctx, row("1"))
			second := row("1")
			second.State, second.Data = "other", []byte("other")
			_, err := c.store.Create(ctx, second)
			c.isError(err, storage.ErrExists, "Create of an ID that is there")
			c.same(first, c.get(ctx, first.ID), "Get after a refused Create")
		},
	},
	{
		"create refuses a row with a rev",
		"Create must refuse a row that bears a Rev, because its caller believes that it read the row before",
		func(ctx context.Context, c *check) {
			t := row("1")
			t.Rev = "7"
			if _, err := c.store.Create(ctx, t); err == nil {
				c.failf("Create took a row with a Rev")
			}
		},
	},
	{
		"get of a missing row",
		"Get of a row that is not there must return ErrNotFound, because every other error means that the row may be there",
		func(ctx context.Context, c *check) {
			c.create(ctx, row("1"))
			for _, other := range []storage.ID{
				{Tenant: "acme", Target: "epicor-ap", Document: "2"},
				{Tenant: "acme", Target: "other", Document: "1"},
				{Tenant: "other", Target: "epicor-ap", Document: "1"},
			} {
				_, err := c.store.Get(ctx, other)
				c.isError(err, storage.ErrNotFound, "Get of %q, which was never written,", other)
			}
		},
	},
	{
		"ids hold any character",
		"An ID may hold any character and letter case matters, so that no document is taken for another one",
		func(ctx context.Context, c *check) {
			ids := map[storage.ID]storage.Transfer{}
			for i, name := range awkward {
				for _, id := range []storage.ID{
					{Tenant: "acme", Target: "t", Document: name},
					{Tenant: "acme", Target: name, Document: "d"},
					{Tenant: name, Target: "t", Document: "d"},
				} {
					t := row("")
					t.ID, t.Wakes = id, int64(i)
					ids[id] = c.create(ctx, t)
				}
			}
			for id, want := range ids {
				c.same(want, c.get(ctx, id), "Get")
			}
		},
	},
	{
		"parts of an id do not run together",
		`The parts of an ID must not run together: "a/b" + "c" and "a" + "b/c" are two documents, and whatever a backend joins them with may stand in them`,
		func(ctx context.Context, c *check) {
			var ids []storage.ID
			for _, sep := range []string{"/", ":", "|", "#", ",", ".", "-", "_", " ", "\x1f", "\t", "\n", "~", "$", "%2F", "\\"} {
				ids = append(ids,
					storage.ID{Tenant: "a" + sep + "b", Target: "c", Document: "d"},
					storage.ID{Tenant: "a", Target: "b" + sep + "c", Document: "d"},
					storage.ID{Tenant: "a", Target: "b", Document: "c" + sep + "d"},
				)
			}
			for _, id := range ids {
				t := row("")
				t.ID = id
				if _, err := c.store.Create(ctx, t); err != nil {
					c.failf("Create of %q returned %v: it is taken for another ID", id, err)
				}
			}
			for _, id := range ids {
				if got := c.get(ctx, id); got.ID != id {
					c.failf("Get of %q returned the row of %q", id, got.ID)
				}
			}
		},
	},
	{
		"full size",
		"A row at the limits (200 bytes in each part of the ID, 300 of Hint, 128 KiB of Data with every byte value) must be kept whole, because a cut-off Data is a lost document",
		func(ctx context.Context, c *check) {
			t := storage.Transfer{
				ID: storage.ID{
					Tenant:   strings.Repeat("t", storage.MaxIDPart),
					Target:   strings.Repeat("語", storage.MaxIDPart/3) + "xy",
					Document: strings.Repeat("D", storage.MaxIDPart),
				},
				Queue: strings.Repeat("q", 2*storage.MaxIDPart), Due: base,
				Hint: strings.Repeat("ü", storage.MaxHint/2), Wakes: math.MaxInt64, Format: math.MaxInt32,
				Data: everyByte(storage.MaxData),
			}
			written := c.create(ctx, t)
			t.Rev = written.Rev
			c.same(t, c.get(ctx, t.ID), "Get after Create")
			t.Data[0], t.Data[storage.MaxData-1] = 0xfe, 0xfd
			written = c.update(ctx, t)
			t.Rev = written.Rev
			c.same(t, c.get(ctx, t.ID), "Get after Update")
			almost := t
			almost.Document = almost.Document[:storage.MaxIDPart-1] + "E"
			almost.Rev = ""
			c.create(ctx, almost) // differs in the last byte only
		},
	},
	{
		"empty fields",
		"Every field but the ID may be empty or zero and must come back so, because an empty Cause means that there is none",
		func(ctx context.Context, c *check) {
			t := storage.Transfer{ID: id("1")}
			t.Rev = c.create(ctx, t).Rev
			c.same(t, c.get(ctx, t.ID), "Get after Create")
			full := row("1")
			full.Rev = t.Rev
			t.Rev = c.update(ctx, full).Rev
			t.Rev = c.update(ctx, t).Rev
			c.same(t, c.get(ctx, t.ID), "Get after an Update that empties every field")
		},
	},
	{
		"update replaces the row",
		"Update with the current Rev must replace every field and return the row with another Rev, and Get must see it at once",
		func(ctx context.Context, c *check) {
			t := c.create(ctx, row("1"))
			first := t.Rev
			t.Flow, t.Queue, t.Due, t.Wakes = "invoices-to-ap", "acme/invoices/epicor", base.Add(time.Hour), 4
			t.Hint, t.State, t.Cause, t.Period, t.Format, t.Data = "owner=1", "delivering", "", "2026-04", 3, []byte("new")
			written := c.update(ctx, t)
			if written.Rev == first || written.Rev == "" {
				c.failf("Update returned the Rev %q; before it was %q", written.Rev, first)
			}
			t.Rev = written.Rev
			c.same(t, written, "Update")
			c.same(t, c.get(ctx, t.ID), "Get after Update")
		},
	},
	{
		"microseconds in UTC",
		"Due must come back to the microsecond and in UTC, whatever zone it was given in, because a lease ends at a certain moment",
		func(ctx context.Context, c *check) {
			zone := time.FixedZone("+02", 2*60*60)
			for i, due := range []time.Time{
				base, base.Add(time.Microsecond), base.In(zone), time.Now(),
				time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Unix(0, 0), time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC),
			} {
				t := row(string(rune('a' + i)))
				t.Due = due
				for what, got := range map[string]storage.Transfer{"Create": c.create(ctx, t), "Get": c.get(ctx, t.ID)} {
					if got.Due.UnixMicro() != due.UnixMicro() || got.Due.IsZero() {
						c.failf("%s returned Due %s where %s was written", what, got.Due, due)
					}
					if _, offset := got.Due.Zone(); offset != 0 || got.Due.Location() != time.UTC {
						c.failf("%s returned Due %s, which is not in UTC", what, got.Due)
					}
				}
			}
		},
	},
	{
		"data is not shared",
		"What a caller does to a slice that it passed or was given must not change the store, because the engine decodes and changes rows in place",
		func(ctx context.Context, c *check) {
			t := row("1")
			created := c.create(ctx, t)
			scribble(t.Data)
			scribble(created.Data)
			scribble(c.get(ctx, t.ID).Data)
			want := row("1")
			want.Rev = created.Rev
			c.same(want, c.get(ctx, t.ID), "Get, after the slices of Create and Get were written to,")
			update := want
			update.Data = []byte("second")
			updated := c.update(ctx, update)
			scribble(update.Data)
			scribble(updated.Data)
			want.Rev, want.Data = updated.Rev, []byte("second")
			ts, err := c.store.Due(ctx, want.Queue, base, 10)
			c.noError(err, "Due")
			page, err := c.store.List(ctx, storage.Query{Tenant: want.Tenant})
			c.noError(err, "List")
			for _, t := range append(ts, page.Transfers...) {
				scribble(t.Data)
			}
			c.same(want, c.get(ctx, t.ID), "Get, after the slices of Update, Due and List were written to,")
		},
	},
	{
		"purge removes the row",
		"Purge with the current Rev must remove the row from everywhere, because retention promises that it is gone",
		func(ctx context.Context, c *check) {
			t := c.create(ctx, row("1"))
			c.create(ctx, row("2"))
			c.noError(c.store.Purge(ctx, t.ID, t.Rev), "Purge with the current Rev")
			_, err := c.store.Get(ctx, t.ID)
			c.isError(err, storage.ErrNotFound, "Get after Purge")
			c.dueIs(ctx, t.Queue, base, "2")
			c.listIs(ctx, storage.Query{Tenant: t.Tenant}, "2")
		},
	},
	{
		"purge of what is gone",
		"Purge of a row that is not there must return nil, so that it can be repeated after an error",
		func(ctx context.Context, c *check) {
			t := c.create(ctx, row("1"))
			c.noError(c.store.Purge(ctx, t.ID, t.Rev), "Purge with the current Rev")
			c.noError(c.store.Purge(ctx, t.ID, t.Rev), "Purge of a row that was purged")
			c.noError(c.store.Purge(ctx, id("never"), "x"), "Purge of a row that never was")
		},
	},
}

func everyByte(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i)
	}
	return data
}

func scribble(data []byte) {
	for i := range data {
		data[i] = '!'
	}
}
