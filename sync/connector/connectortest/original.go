package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// maxKey is how many bytes a key of an object may have.
const maxKey = 200

// OriginalHarness is what the suite must know about an original. Open is
// required; a rule that needs something that is not set is skipped.
type OriginalHarness[T any] struct {
	// Open returns an original whose set holds at least two active objects, and
	// what the other functions need to reach its system. It is called once for each
	// rule. Best the set takes more than one call to read.
	Open func(t *testing.T) (original connector.Original[T], system any)
	// Active are the keys of all the active objects of that set.
	Active []string
	// Inactive are the keys of objects that are there and may not be used.
	Inactive []string
	// Change changes the content of at least one active object, and the identity of
	// none.
	Change func(t *testing.T, system any)
	// Break makes the system fail from the n-th call on, 1 being the next; 0 mends
	// it. It returns false when the system has not been reached by n calls since
	// Break was called.
	Break func(t *testing.T, system any, n int) (reached bool)
	// Calls counts the calls that the system has taken.
	Calls func(t *testing.T, system any) int
}

// RunOriginal checks an original.
func RunOriginal[T any](t *testing.T, h OriginalHarness[T]) {
	t.Helper()
	rules := originalRules[T]()
	each(t, len(rules), func(i int) (string, func(context.Context, *testing.T)) {
		return rules[i].name, func(ctx context.Context, t *testing.T) {
			original, system := h.Open(t)
			rules[i].run(ctx, &originalCheck[T]{check: check{t: t, text: rules[i].text}, h: h, tt: t, original: original, system: system})
		}
	})
}

type originalCheck[T any] struct {
	check
	h        OriginalHarness[T]
	tt       *testing.T
	original connector.Original[T]
	system   any
}

type originalRule[T any] struct {
	name, text string
	run        func(ctx context.Context, c *originalCheck[T])
}

// reading is what one reading of a set gave.
type reading[T any] struct {
	objects []connector.Object[T]
	err     error
	late    int // pairs that came after an error or after the reader had left
}

// read reads the set; it leaves after most objects, 0 being never. The function
// of the sequence is called by hand, since a range loop would panic where the
// suite wants to say what is wrong.
func read[T any](ctx context.Context, o connector.Original[T], most int, body func()) reading[T] {
	var r reading[T]
	left := false
	o.Objects(ctx)(func(obj connector.Object[T], err error) bool {
		switch {
		case left || r.err != nil:
			r.late++
			return r.late < 3 && !left // an error is expected to be the end by itself
		case err != nil:
			r.err = err
			return true
		}
		r.objects = append(r.objects, obj)
		if body != nil {
			body()
		}
		left = len(r.objects) == most
		return !left
	})
	return r
}

func (c *originalCheck[T]) read(ctx context.Context, what string, most int, body func()) reading[T] {
	c.t.Helper()
	var r reading[T]
	// Nothing is read from r when within gives up: it ends the rule.
	_ = c.within(ctx, what, func() error { r = read(ctx, c.original, most, body); return nil })
	switch {
	case r.late > 0 && r.err != nil:
		c.failf("%s gave %d more pairs after the error %v", what, r.late, r.err)
	case r.late > 0:
		c.failf("%s went on after its reader had left", what)
	}
	return r
}

// whole reads the set and fails for an error.
func (c *originalCheck[T]) whole(ctx context.Context, what string) []connector.Object[T] {
	c.t.Helper()
	r := c.read(ctx, what, 0, nil)
	c.noError(r.err, "%s", what)
	return r.objects
}

// same fails the rule unless two readings gave the same objects.
func (c *originalCheck[T]) same(want, have []connector.Object[T], what string) {
	c.t.Helper()
	if diff := difference(want, have); diff != "" {
		c.failf("%s differs from the reading before it: %s", what, diff)
	}
}

// difference names one object in which two readings differ; "" when there is
// none. The content is compared as the engine does, by its JSON.
func difference[T any](a, b []connector.Object[T]) string {
	x, y := texts(a), texts(b)
	for key, text := range x {
		switch other, ok := y[key]; {
		case !ok:
			return fmt.Sprintf("%q is not in it any more", key)
		case other != text:
			return fmt.Sprintf("%q was %s and is %s", key, text, other)
		}
	}
	for key := range y {
		if _, ok := x[key]; !ok {
			return fmt.Sprintf("%q was not in it before", key)
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%d objects were given and then %d", len(a), len(b))
	}
	return ""
}

func texts[T any](objects []connector.Object[T]) map[string]string {
	out := map[string]string{}
	for _, o := range objects {
		content, err := json.Marshal(o.Content)
		if err != nil {
			content = []byte(err.Error())
		}
		out[o.Key] = fmt.Sprintf("active %t, needs %q, content %s", o.Active, o.Needs, content)
	}
	return out
}

// keysOf returns the keys of the objects that may be used, sorted.
func keysOf[T any](objects []connector.Object[T]) []string {
	var out []string
	for _, o := range objects {
		if o.Active {
			out = append(out, o.Key)
		}
	}
	slices.Sort(out)
	return out
}

func originalRules[T any]() []originalRule[T] {
	return []originalRule[T]{
		{"each object once", "A reading gives the whole set, each object once: one that is missing would be retired in the copy, and of one that comes twice nobody knows which content is right.", func(ctx context.Context, c *originalCheck[T]) {
			all := c.whole(ctx, "a reading")
			seen := map[string]bool{}
			for _, o := range all {
				if seen[o.Key] {
					c.failf("%q was given twice", o.Key)
				}
				seen[o.Key] = true
			}
			have := keysOf(all)
			if len(have) < 2 {
				c.failf("the set has %d active objects, and the suite needs 2", len(have))
			}
			if c.h.Active != nil {
				if want := slices.Sorted(slices.Values(c.h.Active)); !slices.Equal(have, want) {
					c.failf("the active objects are %q, and the set has %q", have, want)
				}
			}
		}},
		{"a key is 1 to 200 bytes", "A key has 1 to 200 bytes: the engine remembers objects by it, and a store may refuse others.", func(ctx context.Context, c *originalCheck[T]) {
			for _, o := range c.whole(ctx, "a reading") {
				if len(o.Key) < 1 || len(o.Key) > maxKey {
					c.failf("the key %q has %d bytes", o.Key, len(o.Key))
				}
				if slices.Contains(o.Needs, "") {
					c.failf("%q has a need that is empty, which no issue can name", o.Key)
				}
			}
		}},
		{"two readings are the same", "Without a change each reading gives the same keys with the same content: a key of its own would retire one object and make another, and content of its own would be sent at every run.", func(ctx context.Context, c *originalCheck[T]) {
			first := c.whole(ctx, "the first reading")
			for _, what := range []string{"the second reading", "the third reading"} {
				c.same(first, c.whole(ctx, what), what)
			}
		}},
		{"a change keeps the key and is seen", "When its content changes an object keeps its key, and the next reading gives the new content: otherwise the copy would lose the object or keep what is out of date.", func(ctx context.Context, c *originalCheck[T]) {
			c.needs(c.h.Change != nil, "Change")
			before := c.whole(ctx, "the reading before the change")
			c.h.Change(c.tt, c.system)
			after := c.whole(ctx, "the reading after the change")
			if a, b := keysOf(before), keysOf(after); !slices.Equal(a, b) {
				c.failf("the keys were %q before the change of content and are %q after it", a, b)
			}
			if difference(before, after) == "" {
				c.failf("the reading after the change gave what the one before it gave")
			}
		}},
		{"a failure is an error and the last pair", "When the system fails the sequence ends with the error, wherever it happens: a set that looks whole and is not would retire in the copy whatever is missing.", func(ctx context.Context, c *originalCheck[T]) {
			c.needs(c.h.Break != nil, "Break")
			want := c.whole(ctx, "the reading before the failure")
			for n := 1; n <= maxPages; n++ {
				c.h.Break(c.tt, c.system, n)
				r := c.read(ctx, "a reading whose system fails", 0, nil)
				reached := c.h.Break(c.tt, c.system, 0)
				if !reached {
					if n == 1 {
						c.failf("a reading does not ask the system at all")
					}
					c.noError(r.err, "a reading that the failure did not reach")
					return
				}
				if r.err == nil {
					c.failf("the system failed at call %d, and the reading ended without an error after %d of %d objects", n, len(r.objects), len(want))
				}
				c.same(want, c.whole(ctx, "the reading after the failure"), "the reading after the failure")
			}
		}},
		{"a reading may be abandoned", "The reader may leave at any object: the sequence stops there, and the next reading gives the whole set again.", func(ctx context.Context, c *originalCheck[T]) {
			want := c.whole(ctx, "the first reading")
			for n := 1; n <= min(len(want), 5); n++ {
				r := c.read(ctx, "a reading that is abandoned", n, nil)
				c.noError(r.err, "a reading that is abandoned after %d objects", n)
				c.same(want, c.whole(ctx, "the reading after it"), "the reading after one that was abandoned")
			}
		}},
		{"no lock is held while the body runs", "The reader may ask the same original while it handles an object: an original that holds a lock then never comes back.", func(ctx context.Context, c *originalCheck[T]) {
			var within reading[T]
			asked := false
			want := c.read(ctx, "a reading in the body of another", 0, func() {
				if !asked {
					asked = true
					within = read(ctx, c.original, 0, nil)
				}
			})
			c.noError(want.err, "a reading with another one in its body")
			c.noError(within.err, "a reading in the body of another")
			c.same(want.objects, within.objects, "a reading in the body of another")
		}},
		{"readings may run at once", "Readings may run concurrently, and each gives the whole set.", func(ctx context.Context, c *originalCheck[T]) {
			want := c.whole(ctx, "a reading alone")
			readings := make([]reading[T], 8)
			_ = c.within(ctx, "one of 8 concurrent readings", func() error {
				var wg sync.WaitGroup
				for i := range readings {
					wg.Go(func() { readings[i] = read(ctx, c.original, 0, nil) })
				}
				wg.Wait()
				return nil
			})
			for _, r := range readings {
				c.noError(r.err, "one of 8 concurrent readings")
				c.same(want, r.objects, "one of 8 concurrent readings")
			}
		}},
		{"what may not be used is not active", "An object that may not be used is given as inactive, or is left out: as an active one it would be offered in the copy.", func(ctx context.Context, c *originalCheck[T]) {
			c.needs(len(c.h.Inactive) > 0, "Inactive")
			for _, o := range c.whole(ctx, "a reading") {
				if o.Active && slices.Contains(c.h.Inactive, o.Key) {
					c.failf("%q is given as active", o.Key)
				}
			}
		}},
		{"a context that ended is an error", "With a context that has ended a reading ends with an error that claims nothing about the system; and one whose context ends on the way gives the whole set or an error.", func(ctx context.Context, c *originalCheck[T]) {
			c.cancelled(ctx, "a reading", func(ctx context.Context) error { return read(ctx, c.original, 0, nil).err })
			want := c.whole(ctx, "a reading")
			half, cancel := context.WithCancel(ctx)
			defer cancel()
			var r reading[T]
			_ = c.within(ctx, "a reading whose context ends on the way", func() error {
				r = read(half, c.original, 0, cancel)
				return nil
			})
			if r.err == nil && len(r.objects) != len(want) {
				c.failf("a reading whose context ended on the way gave %d of %d objects and no error", len(r.objects), len(want))
			}
			if errors.Is(r.err, connector.ErrConnection) {
				c.failf("a reading whose context ended on the way claims that a person must act: %v", r.err)
			}
		}},
		{"nothing is read before the range starts", "Objects alone asks the system nothing: the sequence reads when it is ranged over, with what stands there then.", func(ctx context.Context, c *originalCheck[T]) {
			c.needs(c.h.Calls != nil, "Calls")
			before := c.h.Calls(c.tt, c.system)
			seq := c.original.Objects(ctx)
			if n := c.h.Calls(c.tt, c.system) - before; n > 0 {
				c.failf("Objects made %d calls", n)
			}
			seq(func(connector.Object[T], error) bool { return false })
			if c.h.Calls(c.tt, c.system) == before {
				c.failf("the range made no call either, so that the suite cannot see calls")
			}
		}},
	}
}
