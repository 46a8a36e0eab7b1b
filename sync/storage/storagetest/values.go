package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ml-connector/ml-connector/sync/storage"
)

func (c *check) save(ctx context.Context, v storage.Value) storage.Value {
	c.t.Helper()
	v, err := c.store.Save(ctx, v)
	c.noError(err, "Save of %q with its current Rev", v.Name)
	return v
}

func (c *check) load(ctx context.Context, tenant, name string) storage.Value {
	c.t.Helper()
	v, err := c.store.Load(ctx, tenant, name)
	c.noError(err, "Load of %q", name)
	return v
}

func (c *check) sameValue(want, got storage.Value, what string) {
	c.t.Helper()
	if want.Tenant != got.Tenant || want.Name != got.Name || want.Rev != got.Rev || string(want.Data) != string(got.Data) {
		c.failf("%s returned tenant %q, name %q, Rev %q, Data %s where tenant %q, name %q, Rev %q, Data %s was written", what,
			got.Tenant, got.Name, got.Rev, short(string(got.Data)), want.Tenant, want.Name, want.Rev, short(string(want.Data)))
	}
}

// scanIs fails the rule unless the pages of a Scan hold exactly these names.
func (c *check) scanIs(ctx context.Context, tenant, prefix string, limit int, want ...string) {
	c.t.Helper()
	var got []string
	after := ""
	for range len(want) + 2 {
		vs, next, err := c.store.Scan(ctx, tenant, prefix, after, limit)
		c.noError(err, "Scan of %q after %q", prefix, after)
		if n := limit; len(vs) > n && n > 0 || len(vs) > 100 && n == 0 {
			c.failf("Scan with limit %d returned %d values", limit, len(vs))
		}
		for _, v := range vs {
			got = append(got, v.Name)
		}
		if after = next; after == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		c.failf("Scan of tenant %q, prefix %q in pages of %d returned %s, not %s", tenant, prefix, limit, short(got), short(want))
	}
}

var valueRules = []rule{
	{
		"save returns what load returns",
		"Save without a Rev must create the value and return it with one, and Load must return the same, because a cursor that is not as it was saved skips documents",
		func(ctx context.Context, c *check) {
			v := storage.Value{Tenant: "acme", Name: "cursor/reports", Data: []byte("2026-03-31")}
			saved := c.save(ctx, v)
			if saved.Rev == "" {
				c.failf("Save returned a value without a Rev")
			}
			v.Rev = saved.Rev
			c.sameValue(v, saved, "Save")
			c.sameValue(v, c.load(ctx, v.Tenant, v.Name), "Load")
			v.Data = []byte("2026-04-01")
			second := c.save(ctx, v)
			if second.Rev == v.Rev || second.Rev == "" {
				c.failf("the second Save returned the Rev %q; before it was %q", second.Rev, v.Rev)
			}
			v.Rev = second.Rev
			c.sameValue(v, c.load(ctx, v.Tenant, v.Name), "Load after a second Save")
		},
	},
	{
		"load of a missing value",
		"Load of a value that is not there must return ErrNotFound, because every other error means that there may be credentials already",
		func(ctx context.Context, c *check) {
			c.save(ctx, storage.Value{Tenant: "acme", Name: "a"})
			for _, v := range []storage.Value{{Tenant: "acme", Name: "b"}, {Tenant: "globex", Name: "a"}, {Tenant: "acme", Name: "A"}} {
				_, err := c.store.Load(ctx, v.Tenant, v.Name)
				c.isError(err, storage.ErrNotFound, "Load of tenant %q, name %q, which was never written,", v.Tenant, v.Name)
			}
		},
	},
	{
		"save compares the rev",
		"Save must return ErrConflict and change nothing when Rev is stale, when it is empty and the value exists, and when it is set and the value is gone: two processes must not both rotate one refresh token",
		func(ctx context.Context, c *check) {
			v := storage.Value{Tenant: "acme", Name: "token", Data: []byte("first")}
			stale := c.save(ctx, v)
			current := stale
			current.Data = []byte("second")
			current = c.save(ctx, current)
			for _, rev := range []string{stale.Rev, "", "nonsense", "0" + current.Rev} {
				_, err := c.store.Save(ctx, storage.Value{Tenant: "acme", Name: "token", Rev: rev, Data: []byte("third")})
				c.isError(err, storage.ErrConflict, "Save with the Rev %q", rev)
			}
			c.sameValue(current, c.load(ctx, "acme", "token"), "Load after refused Saves")
			c.noError(c.store.Delete(ctx, "acme", "token", current.Rev), "Delete with the current Rev")
			_, err := c.store.Save(ctx, current)
			c.isError(err, storage.ErrConflict, "Save of a value that is gone")
			_, err = c.store.Load(ctx, "acme", "token")
			c.isError(err, storage.ErrNotFound, "Load after it")
		},
	},
	{
		"a value's rev is never used twice",
		"A Rev must never be used twice for one name, not even after Delete, so that whoever held a lease before cannot take it for his own",
		func(ctx context.Context, c *check) {
			seen := map[string]bool{}
			var old []storage.Value
			for range 4 {
				v := c.save(ctx, storage.Value{Tenant: "acme", Name: "lease", Data: []byte("same")})
				for range 3 {
					if seen[v.Rev] {
						c.failf("the Rev %q was used before for this name", v.Rev)
					}
					seen[v.Rev] = true
					for _, o := range old {
						_, err := c.store.Save(ctx, o)
						c.isError(err, storage.ErrConflict, "Save with a Rev from before")
					}
					old = append(old, v)
					v = c.save(ctx, v)
				}
				seen[v.Rev] = true
				c.noError(c.store.Delete(ctx, v.Tenant, v.Name, v.Rev), "Delete with the current Rev")
			}
		},
	},
	{
		"delete compares the rev",
		"Delete with a stale Rev must return ErrConflict and remove nothing; of a value that is gone it must return nil",
		func(ctx context.Context, c *check) {
			stale := c.save(ctx, storage.Value{Tenant: "acme", Name: "a", Data: []byte("1")})
			current := c.save(ctx, stale)
			other := c.save(ctx, storage.Value{Tenant: "globex", Name: "a", Data: []byte("2")})
			for _, rev := range []string{stale.Rev, "", "nonsense"} {
				c.isError(c.store.Delete(ctx, "acme", "a", rev), storage.ErrConflict, "Delete with the Rev %q", rev)
			}
			c.sameValue(current, c.load(ctx, "acme", "a"), "Load after refused Deletes")
			c.noError(c.store.Delete(ctx, "acme", "a", current.Rev), "Delete with the current Rev")
			_, err := c.store.Load(ctx, "acme", "a")
			c.isError(err, storage.ErrNotFound, "Load after Delete")
			c.noError(c.store.Delete(ctx, "acme", "a", current.Rev), "Delete of what is gone")
			c.noError(c.store.Delete(ctx, "acme", "never", ""), "Delete of what never was")
			c.sameValue(other, c.load(ctx, "globex", "a"), "Load of another tenant's value")
		},
	},
	{
		"of many saves one wins",
		"Of callers that save one value with the same Rev exactly one may succeed, so that a lease has one holder",
		func(ctx context.Context, c *check) {
			v := storage.Value{Tenant: "acme", Name: "lease"}
			for range 5 {
				var won atomic.Int64
				c.together(ctx, 8, func(i int) error {
					mine := v
					mine.Data = []byte(strconv.Itoa(i))
					switch _, err := c.store.Save(ctx, mine); {
					case err == nil:
						won.Add(1)
					case !errors.Is(err, storage.ErrConflict):
						return err
					}
					return nil
				})
				if n := won.Load(); n != 1 {
					c.failf("%d of 8 concurrent Saves with one Rev succeeded", n)
				}
				v = c.load(ctx, "acme", "lease")
			}
		},
	},
	{
		"names hold any character",
		"A name may hold any character, letter case matters, and tenants are apart, so that no value is taken for another one",
		func(ctx context.Context, c *check) {
			type key struct{ tenant, name string }
			all := map[key]storage.Value{}
			for i, name := range append(slices.Clone(awkward), strings.Repeat("n", storage.MaxIDPart)) {
				for _, k := range []key{{"acme", name}, {name, "n"}} {
					all[k] = c.save(ctx, storage.Value{Tenant: k.tenant, Name: k.name, Data: []byte(strconv.Itoa(i))})
				}
			}
			for _, k := range []key{{"x/y", "z"}, {"x", "y/z"}, {"x:y", "z"}, {"x", "y:z"}, {"x\x1fy", "z"}, {"x", "y\x1fz"}} {
				all[k] = c.save(ctx, storage.Value{Tenant: k.tenant, Name: k.name, Data: []byte(k.tenant)})
			}
			for k, want := range all {
				c.sameValue(want, c.load(ctx, k.tenant, k.name), "Load")
			}
		},
	},
	{
		"scan is in byte order",
		"Scan must return the values of the tenant whose names begin with prefix, in byte order, each once whatever the limit, and a limit of 0 means 100",
		func(ctx context.Context, c *check) {
			names := slices.Clone(awkward)
			slices.Sort(names)
			for i := range names {
				c.save(ctx, storage.Value{Tenant: "acme", Name: names[len(names)-1-i]})
				c.save(ctx, storage.Value{Tenant: "acm", Name: names[i]})
			}
			c.save(ctx, storage.Value{Tenant: "globex", Name: "a"})
			for _, limit := range []int{0, 1, 7, len(names), len(names) + 1} {
				c.scanIs(ctx, "acme", "", limit, names...)
			}
			for _, prefix := range []string{"a", "a%", "a_", "a*", "a.", "a/", "\U0010FFFF", "nothing", "日", "a'", "A"} {
				var want []string
				for _, name := range names {
					if strings.HasPrefix(name, prefix) {
						want = append(want, name)
					}
				}
				c.scanIs(ctx, "acme", prefix, 0, want...)
				c.scanIs(ctx, "acme", prefix, 1, want...)
			}
			c.scanIs(ctx, "nobody", "", 0)
		},
	},
	{
		"scan pages of a hundred",
		"Scan over more values than a page holds must show each once: 256 shards of a mirror of which some are missed deactivate vendors that exist",
		func(ctx context.Context, c *check) {
			var want []string
			for i := range 205 {
				name := fmt.Sprintf("mirror/%03d", i)
				c.save(ctx, storage.Value{Tenant: "acme", Name: name})
				want = append(want, name)
			}
			c.save(ctx, storage.Value{Tenant: "acme", Name: "mirror0"})
			c.scanIs(ctx, "acme", "mirror/", 0, want...)
			c.scanIs(ctx, "acme", "mirror/", 41, want...)
		},
	},
	{
		"scan returns whole values",
		"Scan must return values with the Rev that Save takes and see every finished write",
		func(ctx context.Context, c *check) {
			v := c.save(ctx, storage.Value{Tenant: "acme", Name: "a", Data: []byte("1")})
			v.Data = []byte("2")
			v = c.save(ctx, v)
			vs, next, err := c.store.Scan(ctx, "acme", "", "", 0)
			c.noError(err, "Scan")
			if len(vs) != 1 || next != "" {
				c.failf("Scan over one value returned %d and the next %q", len(vs), next)
			}
			c.sameValue(v, vs[0], "Scan")
			c.save(ctx, vs[0])
		},
	},
	{
		"scan goes on behind a deleted name",
		"Scan must go on behind the name it is given, whether a value of that name is still there or not, because the body of a loop deletes what it has dealt with",
		func(ctx context.Context, c *check) {
			for _, name := range []string{"w/1", "w/2", "w/3", "w/4"} {
				c.save(ctx, storage.Value{Tenant: "acme", Name: name})
			}
			var got []string
			after := ""
			for range 6 {
				vs, next, err := c.store.Scan(ctx, "acme", "w/", after, 1)
				c.noError(err, "Scan")
				for _, v := range vs {
					got = append(got, v.Name)
					c.noError(c.store.Delete(ctx, v.Tenant, v.Name, v.Rev), "Delete")
				}
				if after = next; after == "" {
					break
				}
			}
			if want := []string{"w/1", "w/2", "w/3", "w/4"}; !slices.Equal(got, want) {
				c.failf("a loop over Scan that deletes what it sees saw %q, not %q", got, want)
			}
		},
	},
	{
		"values at full size and empty",
		"A value of 128 KiB with every byte value, and one without data, must come back whole",
		func(ctx context.Context, c *check) {
			for name, data := range map[string][]byte{"full": everyByte(storage.MaxData), "empty": {}, "nil": nil} {
				v := c.save(ctx, storage.Value{Tenant: "acme", Name: name, Data: data})
				c.sameValue(storage.Value{Tenant: "acme", Name: name, Rev: v.Rev, Data: data}, c.load(ctx, "acme", name), "Load")
			}
		},
	},
	{
		"values are not shared",
		"What a caller does to a slice that it passed or was given must not change a value",
		func(ctx context.Context, c *check) {
			data := []byte("as it was")
			v := c.save(ctx, storage.Value{Tenant: "acme", Name: "a", Data: data})
			scribble(data)
			scribble(v.Data)
			scribble(c.load(ctx, "acme", "a").Data)
			vs, _, err := c.store.Scan(ctx, "acme", "", "", 0)
			c.noError(err, "Scan")
			for _, v := range vs {
				scribble(v.Data)
			}
			if got := string(c.load(ctx, "acme", "a").Data); got != "as it was" {
				c.failf("after the slices were written to, Load returned %q", got)
			}
		},
	},
}
