package storagetest

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/sync/storage"
)

func (c *check) put(ctx context.Context, tenant, name, data string) {
	c.t.Helper()
	c.noError(c.store.Put(ctx, tenant, name, []byte(data)), "Put of %q", name)
}

// contentIs fails the rule unless the content is as given; "" means that it
// must not be there.
func (c *check) contentIs(ctx context.Context, tenant, name, want string) {
	c.t.Helper()
	got, err := c.store.Read(ctx, tenant, name)
	if want == "" {
		c.isError(err, storage.ErrNotFound, "Read of tenant %q, name %q, which is not there,", tenant, name)
		return
	}
	c.noError(err, "Read of tenant %q, name %q", tenant, name)
	if string(got) != want {
		c.failf("Read of tenant %q, name %q returned %s, not %s", tenant, name, short(string(got)), short(want))
	}
}

var contentRules = []rule{
	{
		"put and read",
		"Read must return what was Put, byte for byte, and ErrNotFound for what was not: recovery delivers the stored bytes",
		func(ctx context.Context, c *check) {
			c.put(ctx, "acme", "doc/1", "<document/>")
			c.contentIs(ctx, "acme", "doc/1", "<document/>")
			c.contentIs(ctx, "acme", "doc/2", "")
			c.contentIs(ctx, "acme", "Doc/1", "")
			c.contentIs(ctx, "globex", "doc/1", "")
		},
	},
	{
		"put the same again",
		"Put of the same bytes under the same name must return nil, so that a step that crashed can be repeated",
		func(ctx context.Context, c *check) {
			c.put(ctx, "acme", "a", "same")
			c.put(ctx, "acme", "a", "same")
			c.contentIs(ctx, "acme", "a", "same")
			c.noError(c.store.Put(ctx, "acme", "empty", nil), "Put of nothing")
			c.noError(c.store.Put(ctx, "acme", "empty", []byte{}), "Put of nothing again")
			got, err := c.store.Read(ctx, "acme", "empty")
			c.noError(err, "Read of an empty content")
			if len(got) != 0 {
				c.failf("Read of an empty content returned %d bytes", len(got))
			}
			c.isError(c.store.Put(ctx, "acme", "empty", []byte("x")), storage.ErrExists, "Put of other bytes over an empty content")
		},
	},
	{
		"put never changes a content",
		"Put of other bytes under a name that is taken must return ErrExists and change nothing, because what was approved and posted must not be rewritten",
		func(ctx context.Context, c *check) {
			c.put(ctx, "acme", "a", "first")
			for _, other := range []string{"other", "firs", "first ", "", "FIRST"} {
				c.isError(c.store.Put(ctx, "acme", "a", []byte(other)), storage.ErrExists, "Put of other bytes")
			}
			c.contentIs(ctx, "acme", "a", "first")
			c.put(ctx, "globex", "a", "another tenant's")
			c.contentIs(ctx, "acme", "a", "first")
		},
	},
	{
		"large contents",
		"A content of several megabytes must come back whole: a report with 5,000 allocations is one document",
		func(ctx context.Context, c *check) {
			large := everyByte(4 << 20)
			c.noError(c.store.Put(ctx, "acme", "large", large), "Put of 4 MiB")
			got, err := c.store.Read(ctx, "acme", "large")
			c.noError(err, "Read of 4 MiB")
			if !bytes.Equal(got, large) {
				c.failf("Read returned %d bytes that differ from the %d that were put", len(got), len(large))
			}
			large[len(large)-1] ^= 1
			c.isError(c.store.Put(ctx, "acme", "large", large), storage.ErrExists, "Put of 4 MiB that differ in the last byte")
		},
	},
	{
		"content names hold any character",
		"A content's name may hold any character and letter case matters, so that no document is read for another one",
		func(ctx context.Context, c *check) {
			names := append([]string{strings.Repeat("n", storage.MaxIDPart)}, awkward...)
			for _, name := range names {
				c.put(ctx, "acme", name, "content of "+name)
				c.put(ctx, name, "n", "tenant "+name)
			}
			c.put(ctx, "x/y", "z", "1")
			c.put(ctx, "x", "y/z", "2")
			for _, name := range names {
				c.contentIs(ctx, "acme", name, "content of "+name)
				c.contentIs(ctx, name, "n", "tenant "+name)
			}
			c.contentIs(ctx, "x/y", "z", "1")
		},
	},
	{
		"drop removes the prefix only",
		"Drop must remove every content of the tenant whose name begins with the prefix and nothing else, and may be repeated: too little breaks a promise of retention, too much loses evidence",
		func(ctx context.Context, c *check) {
			for _, name := range []string{"doc/1", "doc/1/a", "doc/10", "doc/2", "Doc/1", "doc", "do", "doc_1", "docx1", "doc%1", "x/doc/1"} {
				c.put(ctx, "acme", name, name)
				c.put(ctx, "globex", name, name)
			}
			c.noError(c.store.Drop(ctx, "acme", "doc/1/"), "Drop")
			c.contentIs(ctx, "acme", "doc/1/a", "")
			c.contentIs(ctx, "acme", "doc/1", "doc/1")
			c.noError(c.store.Drop(ctx, "acme", "doc/1"), "Drop")
			for _, gone := range []string{"doc/1", "doc/1/a", "doc/10"} {
				c.contentIs(ctx, "acme", gone, "")
			}
			c.noError(c.store.Drop(ctx, "acme", "doc_"), "Drop")
			c.noError(c.store.Drop(ctx, "acme", "doc%"), "Drop")
			c.contentIs(ctx, "acme", "doc_1", "")
			c.contentIs(ctx, "acme", "doc%1", "")
			for _, stays := range []string{"doc/2", "Doc/1", "doc", "do", "docx1", "x/doc/1"} {
				c.contentIs(ctx, "acme", stays, stays)
			}
			c.noError(c.store.Drop(ctx, "acme", "doc/1"), "Drop a second time")
			c.noError(c.store.Drop(ctx, "nobody", "doc"), "Drop for a tenant without contents")
			c.contentIs(ctx, "globex", "doc/1/a", "doc/1/a")
		},
	},
	{
		"drop refuses an empty prefix",
		"Drop with an empty prefix must be refused and remove nothing: a prefix that was never set must not cost a tenant all its documents",
		func(ctx context.Context, c *check) {
			c.put(ctx, "acme", "a", "a")
			if err := c.store.Drop(ctx, "acme", ""); err == nil {
				c.failf("Drop with an empty prefix returned nil")
			}
			c.contentIs(ctx, "acme", "a", "a")
		},
	},
	{
		"put after drop",
		"After Drop the name is free again for any bytes: a document that is fetched anew may have changed",
		func(ctx context.Context, c *check) {
			c.put(ctx, "acme", "a", "first")
			c.noError(c.store.Drop(ctx, "acme", "a"), "Drop")
			c.put(ctx, "acme", "a", "second")
			c.contentIs(ctx, "acme", "a", "second")
		},
	},
	{
		"of many puts one wins",
		"Of callers that Put different bytes under one name at the same time one succeeds and all others get ErrExists; callers that Put the same bytes all succeed",
		func(ctx context.Context, c *check) {
			for round := range 5 {
				name := strconv.Itoa(round)
				won := make(chan string, 8)
				c.together(ctx, 8, func(i int) error {
					data := "by " + strconv.Itoa(i)
					switch err := c.store.Put(ctx, "acme", name, []byte(data)); {
					case err == nil:
						won <- data
					case !errors.Is(err, storage.ErrExists):
						return err
					}
					return c.store.Put(ctx, "acme", "same "+name, []byte("same"))
				})
				if len(won) != 1 {
					c.failf("%d of 8 concurrent Puts of different bytes under one name succeeded", len(won))
				}
				c.contentIs(ctx, "acme", name, <-won)
			}
		},
	},
	{
		"contents are not shared",
		"What a caller does to a slice that it passed or was given must not change a content",
		func(ctx context.Context, c *check) {
			data := []byte("as it was")
			c.noError(c.store.Put(ctx, "acme", "a", data), "Put")
			scribble(data)
			got, err := c.store.Read(ctx, "acme", "a")
			c.noError(err, "Read")
			scribble(got)
			c.contentIs(ctx, "acme", "a", "as it was")
		},
	},
}
