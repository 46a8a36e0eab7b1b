package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// maxBatch bounds the batch that the suite tries where Limit is very high.
const maxBatch = 1000

// CopyHarness is what the suite must know about a copy. Open, Object and Offered
// are required; a rule that needs a function that is nil is skipped.
type CopyHarness[T any] struct {
	// Open returns a copy over a system that holds no objects yet, and what the
	// other functions need to reach that system. It is called once for each rule.
	Open func(t *testing.T) (copied connector.Copy[T], system any)
	// Object returns the n-th object, from 1 on, in its first or second version:
	// its key, which depends on n alone, its content, which the copy takes, and the
	// text that Offered lists for it, which is another one for the other version.
	Object func(n, version int) (key string, content T, text string)
	// Offered lists the objects that the system offers to its users, one text for
	// each, however many there are. What was retired is not among them.
	Offered func(t *testing.T, system any) []string
	// Refused returns an object that the system refuses, other than any of Object.
	Refused func() (key string, content T)
	// Withdrawn says that people of the system may withdraw an object there, that
	// retiring one looks the same, and that the copy leaves it alone when a known
	// object changes. What was retired then comes back as a new object only.
	Withdrawn bool
	// Again returns a second copy over the same system, as another process has it.
	Again func(t *testing.T, system any) connector.Copy[T]
	// Break makes the system fail from the n-th call on, 1 being the next, before it
	// takes effect; 0 mends it. It returns false when the system has not been
	// reached by n calls since Break was called.
	Break func(t *testing.T, system any, n int) (reached bool)
	// Lose makes the system lose the answer to the next call that changes something,
	// after the change took effect. Calls after that succeed.
	Lose func(t *testing.T, system any)
}

// RunCopy checks a copy.
func RunCopy[T any](t *testing.T, h CopyHarness[T]) {
	t.Helper()
	rules := copyRules[T]()
	each(t, len(rules), func(i int) (string, func(context.Context, *testing.T)) {
		return rules[i].name, func(ctx context.Context, t *testing.T) {
			copied, system := h.Open(t)
			rules[i].run(ctx, &copyCheck[T]{check: check{t: t, text: rules[i].text}, h: h, tt: t, copied: copied, system: system})
		}
	})
}

type copyCheck[T any] struct {
	check
	h      CopyHarness[T]
	tt     *testing.T
	copied connector.Copy[T]
	system any
}

type copyRule[T any] struct {
	name, text string
	run        func(ctx context.Context, c *copyCheck[T])
}

// put is the edit that brings an object to a version.
func (c *copyCheck[T]) put(n, version int, known bool) connector.Edit[T] {
	key, content, _ := c.h.Object(n, version)
	return connector.Edit[T]{Key: key, Content: content, Known: known}
}

func (c *copyCheck[T]) retire(n int, known bool) connector.Edit[T] {
	key, _, _ := c.h.Object(n, 1)
	return connector.Edit[T]{Key: key, Known: known, Retire: true}
}

// limit returns how many edits the suite sends at once.
func (c *copyCheck[T]) limit() int {
	c.t.Helper()
	n := c.copied.Limit()
	if n < 1 {
		c.failf("Limit is %d", n)
	}
	return min(n, maxBatch)
}

// apply sends edits, as many at once as the copy takes, and fails for an error
// of a call, or for a number of results that is not that of the edits.
func (c *copyCheck[T]) apply(ctx context.Context, to connector.Copy[T], what string, edits ...connector.Edit[T]) []error {
	c.t.Helper()
	var out []error
	for part := range slices.Chunk(edits, c.limit()) {
		var got []error
		err := c.within(ctx, "Apply of "+what, func() (err error) { got, err = to.Apply(ctx, part); return err })
		c.noError(err, "Apply of %s", what)
		if len(got) != len(part) {
			c.failf("Apply of %s returned %d results for %d edits", what, len(got), len(part))
		}
		out = append(out, got...)
	}
	return out
}

// done applies edits and fails for any error.
func (c *copyCheck[T]) done(ctx context.Context, what string, edits ...connector.Edit[T]) {
	c.t.Helper()
	c.noError(errors.Join(c.apply(ctx, c.copied, what, edits...)...), "Apply of %s", what)
}

// comesBack retires an object and sends it again.
func (c *copyCheck[T]) comesBack(ctx context.Context, known bool) {
	c.t.Helper()
	for _, of := range []int{1, 2} {
		c.done(ctx, "a new object", c.put(of, 1, false))
		c.done(ctx, "its retirement", c.retire(of, true))
		if err := c.apply(ctx, c.copied, "the object that comes back", c.put(of, of, known))[0]; err != nil {
			c.offers("a refusal of what comes back")
			return
		}
		c.offers("what comes back", version{of, of})
		c.done(ctx, "its retirement", c.retire(of, true))
	}
}

// version names an object in one of its versions.
type version struct{ n, version int }

// offers fails the rule unless the system offers these objects and no others.
func (c *copyCheck[T]) offers(what string, objects ...version) {
	c.t.Helper()
	want := []string{}
	for _, o := range objects {
		_, _, text := c.h.Object(o.n, o.version)
		want = append(want, text)
	}
	slices.Sort(want)
	have := c.offered()
	if !slices.Equal(have, want) {
		c.failf("after %s the system offers %s, not %s", what, list(have), list(want))
	}
}

func (c *copyCheck[T]) offered() []string {
	return slices.Sorted(slices.Values(c.h.Offered(c.tt, c.system)))
}

// list prints a few texts.
func list(texts []string) string {
	if len(texts) > 8 {
		return fmt.Sprintf("%d objects such as [%s]", len(texts), strings.Join(texts[:8], "; "))
	}
	return "[" + strings.Join(texts, "; ") + "]"
}

// upTo are the objects 1 to n in one version.
func upTo(n, of int) []version {
	var out []version
	for i := range n {
		out = append(out, version{i + 1, of})
	}
	return out
}

func copyRules[T any]() []copyRule[T] {
	return slices.Concat(copyEditRules[T](), copyKnownRules[T](), copyFailureRules[T]())
}

// copyEditRules are about edits of which nothing is out of the ordinary.
func copyEditRules[T any]() []copyRule[T] {
	return []copyRule[T]{
		{"Limit is at least 1", "Limit is at least 1 and stays what it is: the engine cuts its edits by it, and would send none.", func(_ context.Context, c *copyCheck[T]) {
			first := c.copied.Limit()
			c.limit() // fails for less than 1
			for range 3 {
				if n := c.copied.Limit(); n != first {
					c.failf("Limit is %d and then %d", first, n)
				}
			}
		}},
		{"one result for each edit", "Apply returns one result for each edit, in their order: the engine remembers by its place what the copy has.", func(ctx context.Context, c *copyCheck[T]) {
			var nothing []error
			err := c.within(ctx, "Apply of no edits", func() (err error) { nothing, err = c.copied.Apply(ctx, nil); return err })
			c.noError(err, "Apply of no edits")
			if len(nothing) > 0 {
				c.failf("Apply of no edits returned %d results", len(nothing))
			}
			c.done(ctx, "one new object", c.put(1, 1, false))
			c.done(ctx, "two new objects and one that is there", c.put(2, 1, false), c.put(1, 1, true), c.put(3, 1, false))
			c.done(ctx, "a retirement and a change", c.retire(2, true), c.put(3, 2, true))
		}},
		{"a new object is offered", "A new object is offered once it has no error: documents that wait for it are woken then.", func(ctx context.Context, c *copyCheck[T]) {
			c.done(ctx, "a new object", c.put(1, 1, false))
			c.offers("a new object", version{1, 1})
			c.done(ctx, "two more", c.put(2, 1, false), c.put(3, 1, false))
			c.offers("three new objects", upTo(3, 1)...)
		}},
		{"a change has effect", "A change of a known object has effect on that object, and on no other.", func(ctx context.Context, c *copyCheck[T]) {
			c.done(ctx, "two new objects", c.put(1, 1, false), c.put(2, 1, false))
			c.done(ctx, "a change", c.put(1, 2, true))
			c.offers("a change", version{1, 2}, version{2, 1})
			c.done(ctx, "the change back", c.put(1, 1, true))
			c.offers("the change back", upTo(2, 1)...)
		}},
		{"what is retired is not offered", "An object that is retired is offered no longer, and every other one is.", func(ctx context.Context, c *copyCheck[T]) {
			c.done(ctx, "three new objects", c.put(1, 1, false), c.put(2, 1, false), c.put(3, 1, false))
			c.done(ctx, "a retirement", c.retire(2, true))
			c.offers("a retirement", version{1, 1}, version{3, 1})
		}},
		{"edits have effect in their order", "Edits have effect in their order, also two of the same object in one call: the last one stands.", func(ctx context.Context, c *copyCheck[T]) {
			c.done(ctx, "a new object and its change", c.put(1, 1, false), c.put(1, 2, true))
			c.offers("a new object and its change", version{1, 2})
			c.done(ctx, "a new object and its retirement", c.put(2, 1, false), c.retire(2, true))
			c.offers("a new object and its retirement", version{1, 2})
		}},
		{"what comes back is offered", "An object that was retired and comes back is offered again, or its error says that it is not: a silent success would leave documents refused for a value that nobody can choose.", func(ctx context.Context, c *copyCheck[T]) {
			c.comesBack(ctx, false)
		}},
		{"a full batch", "As many edits as Limit says are taken at once, each of them with effect.", func(ctx context.Context, c *copyCheck[T]) {
			n := c.limit()
			var made, gone []connector.Edit[T]
			for i := range n {
				made, gone = append(made, c.put(i+1, 1, false)), append(gone, c.retire(i+1, true))
			}
			c.done(ctx, fmt.Sprintf("%d new objects", n), made...)
			c.offers("a full batch", upTo(n, 1)...)
			c.done(ctx, fmt.Sprintf("%d retirements", n), gone...)
			c.offers("a full batch of retirements")
		}},
		{"Apply may be called at once", "Apply may be called concurrently, and each call has its effect.", func(ctx context.Context, c *copyCheck[T]) {
			const calls = 6
			errs := make([]error, calls)
			_ = c.within(ctx, "one of 6 concurrent calls of Apply", func() error {
				var wg sync.WaitGroup
				for i := range errs {
					wg.Go(func() {
						got, err := c.copied.Apply(ctx, []connector.Edit[T]{c.put(i+1, 1, false)})
						errs[i] = errors.Join(append(got, err)...)
					})
				}
				wg.Wait()
				return nil
			})
			c.noError(errors.Join(errs...), "one of 6 concurrent calls of Apply")
			c.offers("6 concurrent calls", upTo(calls, 1)...)
		}},
	}
}

// copyKnownRules are about edits that come again, and about Known being wrong.
func copyKnownRules[T any]() []copyRule[T] {
	return []copyRule[T]{
		{"an edit may come again", "The same edit again is no error and doubles nothing: after a crash the engine does not know what it sent.", func(ctx context.Context, c *copyCheck[T]) {
			for _, known := range []bool{false, false, true, true} {
				c.done(ctx, "the same object again", c.put(1, 1, known), c.put(2, 1, known))
				c.offers("the same object again", upTo(2, 1)...)
			}
		}},
		{"what is there may be sent as new", "After a crash an object that the copy has comes as a new one: it ends with the content that was sent, once.", func(ctx context.Context, c *copyCheck[T]) {
			c.done(ctx, "two new objects", c.put(1, 1, false), c.put(2, 1, false))
			c.done(ctx, "a change that is sent as new", c.put(1, 2, false))
			c.offers("a change that is sent as new", version{1, 2}, version{2, 1})
		}},
		{"what is new may be sent as known", "An object that the copy never got, or that somebody deleted there, comes as a known one: it is offered afterwards all the same.", func(ctx context.Context, c *copyCheck[T]) {
			c.done(ctx, "a new object that is sent as known", c.put(1, 1, true))
			c.offers("a new object that is sent as known", version{1, 1})
			c.done(ctx, "one of each", c.put(1, 2, true), c.put(2, 2, true))
			c.offers("one of each", upTo(2, 2)...)
		}},
		{"what comes back may be sent as known", "After a crash an object that was retired comes back as a known one: it is offered again, or its error says that it is not.", func(ctx context.Context, c *copyCheck[T]) {
			if c.h.Withdrawn {
				c.t.Skip("the system's own people withdraw objects, and a change leaves that alone")
			}
			c.comesBack(ctx, true)
		}},
		{"retiring what is gone is no error", "A retirement comes again, or is of an object that never came: what is not offered is retired, and there is nothing to refuse.", func(ctx context.Context, c *copyCheck[T]) {
			c.done(ctx, "a new object", c.put(1, 1, false))
			for _, known := range []bool{true, true, false} {
				c.done(ctx, "a retirement of what is gone or never was", c.retire(2, known), c.retire(3, known))
			}
			c.offers("retirements of what never was", version{1, 1})
			for _, known := range []bool{false, true, false} {
				c.done(ctx, "a retirement that is repeated", c.retire(1, known))
				c.offers("a retirement that is repeated")
			}
		}},
		{"another process sees the same", "What the copy has is what the system has, not what the process remembers: another one finds it, and one that was away misses no change.", func(ctx context.Context, c *copyCheck[T]) {
			c.needs(c.h.Again != nil, "Again")
			c.done(ctx, "a new object", c.put(1, 1, false))
			other := c.h.Again(c.tt, c.system)
			for _, e := range []connector.Edit[T]{c.put(1, 2, false), c.put(2, 1, true)} {
				c.noError(c.apply(ctx, other, "an edit by another process", e)[0], "an edit by another process")
			}
			c.offers("edits by another process", version{1, 2}, version{2, 1})
			c.done(ctx, "the first content again by the first process", c.put(1, 1, true))
			c.offers("the first content again by the first process", upTo(2, 1)...)
			c.noError(c.apply(ctx, other, "a retirement by another process", c.retire(1, false))[0], "a retirement by another process")
			c.offers("a retirement by another process", version{2, 1})
		}},
	}
}

// copyFailureRules are about what the system refuses and about calls that fail.
func copyFailureRules[T any]() []copyRule[T] {
	return []copyRule[T]{
		{"a refused edit stops no other", "A refused edit has its error in its place, and every other edit of the call has its effect: one bad object must not keep a reference set out of date.", func(ctx context.Context, c *copyCheck[T]) {
			c.needs(c.h.Refused != nil, "Refused")
			key, content := c.h.Refused()
			refused := connector.Edit[T]{Key: key, Content: content}
			for at := range 3 {
				edits := []connector.Edit[T]{c.put(2*at+1, 1, false), c.put(2*at+2, 1, true)}
				edits = slices.Insert(edits, at, refused)
				for i, err := range c.apply(ctx, c.copied, "a refused edit among others", edits...) {
					switch {
					case i == at && err == nil:
						c.failf("the refused edit, number %d of 3, has no error", at+1)
					case i != at && err != nil:
						c.failf("number %d of 3 edits was refused, and number %d has the error: %v", at+1, i+1, err)
					}
				}
				c.offers("a refused edit among others", upTo(2*at+2, 1)...)
			}
		}},
		{"a failing call is the second error", "When the system does not answer Apply returns its second error, wherever it happens, and the same edits have their effect later: as errors of edits it would look like objects that were refused, and as none like objects that were taken.", func(ctx context.Context, c *copyCheck[T]) {
			c.needs(c.h.Break != nil, "Break")
			if c.limit() < 3 {
				c.t.Skip("the copy takes fewer than 3 edits at once")
			}
			c.done(ctx, "two objects", c.put(1, 1, false), c.put(2, 1, false))
			for n := 1; n <= maxPages; n++ {
				edits := []connector.Edit[T]{c.put(1, 1+n%2, true), c.put(2+n, 1, false), c.retire(1+n, true)}
				c.h.Break(c.tt, c.system, n)
				var results []error
				err := c.within(ctx, "Apply whose system fails", func() (err error) { results, err = c.copied.Apply(ctx, edits); return err })
				reached := c.h.Break(c.tt, c.system, 0)
				switch {
				case !reached && n == 1:
					c.failf("Apply does not ask the system at all")
				case !reached:
					c.noError(errors.Join(append(results, err)...), "Apply that the failure did not reach")
				case err == nil:
					c.failf("the system failed at call %d, and Apply returned no second error, but %v", n, results)
				case errors.Is(err, connector.ErrRejected), errors.Is(err, connector.ErrWithdrawn):
					c.failf("the system failed at call %d, and Apply claims more than that: %v", n, err)
				}
				c.done(ctx, "the same edits after a failure", edits...)
				c.offers("the same edits after a failure", version{1, 1 + n%2}, version{2 + n, 1})
				if !reached {
					return
				}
			}
		}},
		{"a lost answer doubles nothing", "When the answer was lost the edit comes again, and ends as if it had been sent once.", func(ctx context.Context, c *copyCheck[T]) {
			c.needs(c.h.Lose != nil, "Lose")
			for _, s := range []struct {
				what string
				edit connector.Edit[T]
				then []version
			}{
				{"a new object", c.put(1, 1, false), upTo(1, 1)},
				{"a change", c.put(1, 2, true), upTo(1, 2)},
				{"a retirement", c.retire(1, true), nil},
			} {
				c.h.Lose(c.tt, c.system)
				_ = c.within(ctx, "Apply whose answer is lost", func() error {
					_, err := c.copied.Apply(ctx, []connector.Edit[T]{s.edit})
					return err
				})
				c.done(ctx, s.what+" whose answer was lost", s.edit)
				c.offers(s.what+" whose answer was lost", s.then...)
			}
		}},
		{"a context that ended is an error", "With a context that has ended Apply returns its second error, which claims nothing about an object.", func(ctx context.Context, c *copyCheck[T]) {
			c.done(ctx, "an object", c.put(1, 1, false))
			for what, e := range map[string]connector.Edit[T]{
				"a new object": c.put(2, 1, false), "a change": c.put(1, 2, true), "a retirement": c.retire(1, true),
			} {
				c.cancelled(ctx, "Apply of "+what, func(ctx context.Context) error {
					_, err := c.copied.Apply(ctx, []connector.Edit[T]{e})
					return err
				})
			}
		}},
	}
}
