package connectortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// SinkHarness is what the suite must know about a sink. Open and Posting are
// required; a rule that needs a function that is nil is skipped.
type SinkHarness[T any] struct {
	// Open returns a sink over a target that holds nothing yet, and what the other
	// functions need to reach that target. It is called once for each rule.
	Open func(t *testing.T) (sink connector.Sink[T], target any)
	// Posting returns the n-th posting, 1 to 3: all that the target takes, with
	// different content, and at least one of them with several documents.
	Posting func(n int) T
	// Totals returns what a posting adds up to; a receipt must say the same.
	Totals func(posting T) []connector.Total
	// Change returns a posting with the same numbers and other content.
	Change func(posting T) T
	// Again returns a second sink over the same target, as another process has it.
	Again func(t *testing.T, target any) connector.Sink[T]
	// Keys returns the key that each document of the target bears, "" for one
	// without, however many there are; what a reversal left without effect is not
	// among them.
	Keys func(t *testing.T, target any) []string
	// Foreign puts documents into the target that bear no key and have the numbers
	// of a posting, as a clerk does who types the invoice.
	Foreign func(t *testing.T, target any, posting T)
	// Break makes the target fail from the n-th call that changes something on, 1
	// being the next, before it takes effect; 0 mends it. It returns false when the
	// target has not been reached by n calls since Break was called.
	Break func(t *testing.T, target any, n int) (reached bool)
	// Lose makes the target lose the answer to the next call that changes something,
	// after the change took effect. Calls after that succeed.
	Lose func(t *testing.T, target any)
}

// RunSink checks a sink.
func RunSink[T any](t *testing.T, h SinkHarness[T]) {
	t.Helper()
	rules := sinkRules[T]()
	each(t, len(rules), func(i int) (string, func(context.Context, *testing.T)) {
		return rules[i].name, func(ctx context.Context, t *testing.T) {
			sink, target := h.Open(t)
			rules[i].run(ctx, &sinkCheck[T]{check: check{t: t, text: rules[i].text}, h: h, tt: t, sink: sink, target: target})
		}
	})
}

type sinkCheck[T any] struct {
	check
	h      SinkHarness[T]
	tt     *testing.T
	sink   connector.Sink[T]
	target any
}

type sinkRule[T any] struct {
	name, text string
	run        func(ctx context.Context, c *sinkCheck[T])
}

func (c *sinkCheck[T]) delivery(n int) connector.Delivery[T] {
	return connector.Delivery[T]{
		Tenant: "acme", Target: "erp", Ref: connector.Ref{Kind: "report", ID: fmt.Sprint("DOC", n)},
		Revision: 1, Generation: 1, Posting: c.h.Posting(n),
	}
}

func (c *sinkCheck[T]) deliver(ctx context.Context, d connector.Delivery[T]) connector.Receipt {
	c.t.Helper()
	r, err := c.sink.Deliver(ctx, d)
	c.noError(err, "Deliver of generation %d", d.Generation)
	return r
}

func (c *sinkCheck[T]) reverse(ctx context.Context, d connector.Delivery[T]) {
	c.t.Helper()
	_, err := c.sink.Reverse(ctx, d)
	c.noError(err, "Reverse of generation %d", d.Generation)
}

func (c *sinkCheck[T]) finds(ctx context.Context, d connector.Delivery[T], want connector.Presence, when string) connector.Finding {
	c.t.Helper()
	f, err := c.sink.Find(ctx, d)
	c.noError(err, "Find %s", when)
	if f.Presence != want {
		c.failf("Find %s says %q (%s), not %q", when, f.Presence, f.Why, want)
	}
	return f
}

// keys counts the target's documents by key; nil when the harness cannot see.
func (c *sinkCheck[T]) keys() map[string]int {
	if c.h.Keys == nil {
		return nil
	}
	out := map[string]int{}
	for _, k := range c.h.Keys(c.tt, c.target) {
		out[k]++
	}
	return out
}

func (c *sinkCheck[T]) sameSet(a, b connector.Receipt, what string) {
	c.t.Helper()
	if x, y := ids(a), ids(b); !slices.Equal(x, y) {
		c.failf("%s names %v, and the first one named %v", what, y, x)
	}
}

func ids(r connector.Receipt) []string {
	var out []string
	for _, m := range r.Made {
		out = append(out, m.ID+" "+m.Number)
	}
	slices.Sort(out)
	return out
}

func sinkRules[T any]() []sinkRule[T] {
	return []sinkRule[T]{
		{"Find says absent before", "Before a delivery Find says absent: with anything else the first delivery would be parked, or taken for done.", func(ctx context.Context, c *sinkCheck[T]) {
			for n := 1; n <= 3; n++ {
				c.finds(ctx, c.delivery(n), connector.Absent, "before Deliver")
			}
		}},
		{"Find says same after Deliver", "After Deliver Find says same with the same receipt: it is how a lost answer is found.", func(ctx context.Context, c *sinkCheck[T]) {
			for n := 1; n <= 3; n++ {
				r := c.deliver(ctx, c.delivery(n))
				if len(r.Made) == 0 {
					c.failf("the receipt of Deliver names no document")
				}
				f := c.finds(ctx, c.delivery(n), connector.Same, "after Deliver")
				c.sameSet(r, f.Receipt, "the receipt of Find")
				if r.Final && !f.Receipt.Final {
					c.failf("Deliver said final and Find says it is not")
				}
			}
		}},
		{"Find looks in the target", "Find answers from the target, never from memory: after a restart another process must find what this one made.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Again != nil, "Again")
			c.deliver(ctx, c.delivery(1))
			other := c.h.Again(c.tt, c.target)
			f, err := other.Find(ctx, c.delivery(1))
			c.noError(err, "Find of another process")
			if f.Presence != connector.Same {
				c.failf("Find of another process says %q after this one delivered", f.Presence)
			}
			_, err = other.Reverse(ctx, c.delivery(1))
			c.noError(err, "Reverse of another process")
			c.finds(ctx, c.delivery(1), connector.Absent, "after another process took it back")
		}},
		{"a delivery is its own", "Find, Deliver and Reverse of one delivery leave every other alone.", func(ctx context.Context, c *sinkCheck[T]) {
			c.deliver(ctx, c.delivery(1))
			c.finds(ctx, c.delivery(2), connector.Absent, "of another document")
			c.deliver(ctx, c.delivery(2))
			c.reverse(ctx, c.delivery(1))
			c.finds(ctx, c.delivery(2), connector.Same, "after another document was taken back")
		}},
		{"Deliver twice makes one set", "Deliver completes: what is there with this key counts. Repeated after a crash it must not post an invoice twice.", func(ctx context.Context, c *sinkCheck[T]) {
			for n := 1; n <= 3; n++ {
				first := c.deliver(ctx, c.delivery(n))
				before := c.keys()
				c.sameSet(first, c.deliver(ctx, c.delivery(n)), "the receipt of the second Deliver")
				if after := c.keys(); !maps.Equal(before, after) {
					c.failf("the target had %v after one Deliver and has %v after two", before, after)
				}
				if c.h.Again != nil {
					r, err := c.h.Again(c.tt, c.target).Deliver(ctx, c.delivery(n))
					c.noError(err, "Deliver of another process")
					c.sameSet(first, r, "the receipt of another process's Deliver")
					if after := c.keys(); !maps.Equal(before, after) {
						c.failf("the target had %v and has %v after another process delivered too", before, after)
					}
				}
			}
		}},
		{"concurrent Deliver makes one set", "Two processes may be in Deliver with one delivery, when one paused and its lease ran out. One set may come of it; one of them may return an error.", func(ctx context.Context, c *sinkCheck[T]) {
			sinks := []connector.Sink[T]{c.sink, c.sink, c.sink, c.sink}
			if c.h.Again != nil {
				for i := 1; i < len(sinks); i++ {
					sinks[i] = c.h.Again(c.tt, c.target)
				}
			}
			var wg sync.WaitGroup
			errs := make([]error, len(sinks))
			for i, s := range sinks {
				wg.Go(func() { _, errs[i] = s.Deliver(ctx, c.delivery(1)) })
			}
			wg.Wait()
			if !slices.ContainsFunc(errs, func(err error) bool { return err == nil }) {
				c.t.Helper()
				// Nobody claims success: it must still come to rest by a repeat.
				for _, err := range errs {
					if errors.Is(err, connector.ErrRejected) {
						c.failf("a concurrent Deliver claims a refusal, after which the set would be taken back: %v", err)
					}
				}
			}
			r := c.deliver(ctx, c.delivery(1))
			c.finds(ctx, c.delivery(1), connector.Same, "after concurrent Deliver")
			if keys := c.keys(); keys != nil {
				if n := keys[c.delivery(1).Key()]; n != len(r.Made) || len(keys) != 1 {
					c.failf("the target has documents %v, and the receipt names %d", keys, len(r.Made))
				}
			}
		}},
		{"a part of a set is completed", "When only a part was made Find says partial, and Deliver makes the rest and nothing twice.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Break != nil, "Break")
			partial := false
			for at := 1; at <= 200; at++ {
				sink, target := c.h.Open(c.tt)
				c.sink, c.target = sink, target
				d := c.delivery(1 + at%3)
				c.h.Break(c.tt, target, at)
				_, err := sink.Deliver(ctx, d)
				reached := c.h.Break(c.tt, target, 0)
				if !reached {
					c.noError(err, "Deliver that met no fault")
					if at > 3 {
						break
					}
					continue
				}
				if err == nil {
					c.failf("Deliver returned nil although call %d that changes something failed", at)
				}
				if errors.Is(err, connector.ErrRejected) {
					c.failf("Deliver claims a refusal when the target only failed at call %d: %v", at, err)
				}
				f, err := sink.Find(ctx, d)
				c.noError(err, "Find after a part was made")
				switch f.Presence {
				case connector.Partial:
					partial = true
				case connector.Absent, connector.Same:
				case connector.Different:
					c.failf("Find says different (%s) after call %d failed: what bears our key and is not whole is partial", f.Why, at)
				default:
					c.failf("Find says %q", f.Presence)
				}
				r := c.deliver(ctx, d)
				c.finds(ctx, d, connector.Same, "after the rest was made")
				if keys := c.keys(); keys != nil && (keys[d.Key()] != len(r.Made) || len(keys) != 1) {
					c.failf("after call %d failed and Deliver was repeated the target has documents %v, and the receipt names %d", at, keys, len(r.Made))
				}
			}
			if !partial {
				c.failf("no fault left a part behind: give a posting with several documents, or let Break fail between them")
			}
		}},
		{"a part of a set is taken back", "Reverse takes back a part as it does a whole: a refused set must leave nothing.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Break != nil && c.h.Keys != nil, "Break and Keys")
			for at := 1; at <= 200; at++ {
				c.sink, c.target = c.h.Open(c.tt)
				d := c.delivery(1 + at%3)
				c.h.Break(c.tt, c.target, at)
				_, _ = c.sink.Deliver(ctx, d)
				if !c.h.Break(c.tt, c.target, 0) && at > 3 {
					break
				}
				c.reverse(ctx, d)
				if keys := c.keys(); len(keys) > 0 {
					c.failf("after call %d failed and Reverse the target has %v", at, keys)
				}
				c.finds(ctx, d, connector.Absent, "after a part was taken back")
			}
		}},
		{"a reversal that fails is repeated", "Reverse is repeatable: a crash in the middle of it is followed by another one.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Break != nil && c.h.Keys != nil, "Break and Keys")
			for at := 1; at <= 200; at++ {
				c.sink, c.target = c.h.Open(c.tt)
				d := c.delivery(1 + at%3)
				c.deliver(ctx, d)
				c.h.Break(c.tt, c.target, at)
				_, err := c.sink.Reverse(ctx, d)
				reached := c.h.Break(c.tt, c.target, 0)
				if !reached && at > 3 {
					break
				}
				if reached && err == nil {
					c.failf("Reverse returned nil although call %d that changes something failed", at)
				}
				if errors.Is(err, connector.ErrRejected) {
					c.failf("Reverse claims a refusal when the target only failed at call %d: %v", at, err)
				}
				c.reverse(ctx, d)
				if keys := c.keys(); len(keys) > 0 {
					c.failf("after Reverse was repeated the target has %v", keys)
				}
			}
		}},
		{"a lost answer is found", "When the answer is lost after the commit the outcome is unknown: Deliver returns an error that claims no refusal, Find sees what was made, and a repeat makes nothing twice.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Lose != nil, "Lose")
			d := c.delivery(1)
			c.h.Lose(c.tt, c.target)
			_, err := c.sink.Deliver(ctx, d)
			if errors.Is(err, connector.ErrRejected) {
				c.failf("Deliver claims a refusal when only the answer was lost: %v", err)
			}
			f, ferr := c.sink.Find(ctx, d)
			c.noError(ferr, "Find after a lost answer")
			if f.Presence == connector.Different {
				c.failf("Find says different after a lost answer: %s", f.Why)
			}
			if err == nil && f.Presence != connector.Same {
				c.failf("Deliver returned nil and Find says %q", f.Presence)
			}
			r := c.deliver(ctx, d)
			if keys := c.keys(); keys != nil && (keys[d.Key()] != len(r.Made) || len(keys) != 1) {
				c.failf("after a lost answer and a repeat the target has documents %v, and the receipt names %d", keys, len(r.Made))
			}
		}},
		{"Reverse leaves nothing with the key", "After Reverse nothing with the key has effect: a recalled report must not be paid.", func(ctx context.Context, c *sinkCheck[T]) {
			for n := 1; n <= 3; n++ {
				d := c.delivery(n)
				c.deliver(ctx, d)
				c.reverse(ctx, d)
				c.finds(ctx, d, connector.Absent, "after Reverse")
				if keys := c.keys(); keys[d.Key()] > 0 {
					c.failf("after Reverse the target has %d documents with the key", keys[d.Key()])
				}
			}
		}},
		{"Reverse is repeatable", "Reverse of what is taken back, or was never made, is no error: it is repeated after every crash.", func(ctx context.Context, c *sinkCheck[T]) {
			c.reverse(ctx, c.delivery(1))
			c.deliver(ctx, c.delivery(1))
			c.reverse(ctx, c.delivery(1))
			c.reverse(ctx, c.delivery(1))
			c.finds(ctx, c.delivery(1), connector.Absent, "after two reversals")
		}},
		{"Reverse touches nothing without the key", "Reverse touches only what bears the key: a clerk's invoice with the same number stays.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Foreign != nil && c.h.Keys != nil, "Foreign and Keys")
			c.h.Foreign(c.tt, c.target, c.h.Posting(1))
			before := c.keys()
			if len(before) == 0 {
				c.failf("Foreign put nothing into the target")
			}
			c.reverse(ctx, c.delivery(1))
			if after := c.keys(); !maps.Equal(before, after) {
				c.failf("the target had %v and has %v after Reverse of something that was never delivered", before, after)
			}
		}},
		{"an old reversal leaves the next generation", "A process that wakes late in an old reversal must take back nothing of the next generation: the generation is part of the key.", func(ctx context.Context, c *sinkCheck[T]) {
			first, second := c.delivery(1), c.delivery(1)
			second.Generation = 2
			c.deliver(ctx, first)
			c.reverse(ctx, first)
			r := c.deliver(ctx, second)
			c.reverse(ctx, first)
			f := c.finds(ctx, second, connector.Same, "of generation 2 after a late reversal of generation 1")
			c.sameSet(r, f.Receipt, "the receipt of Find")
		}},
		{"generation 2 after Reverse works", "After Reverse the next generation is delivered under a key of its own.", func(ctx context.Context, c *sinkCheck[T]) {
			for n := 1; n <= 3; n++ {
				first, second := c.delivery(n), c.delivery(n)
				second.Generation = 2
				c.deliver(ctx, first)
				c.reverse(ctx, first)
				c.finds(ctx, second, connector.Absent, "of generation 2 before it is delivered")
				c.deliver(ctx, second)
				c.finds(ctx, second, connector.Same, "of generation 2")
				if keys := c.keys(); keys != nil && (keys[first.Key()] > 0 || keys[second.Key()] == 0) {
					c.failf("after generation 2 was delivered %d documents bear the old key and %d the new one", keys[first.Key()], keys[second.Key()])
				}
				c.reverse(ctx, second)
			}
		}},
		{"every document bears the key", "Every document of a set bears the delivery's key: what does not cannot be found after a lost answer.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Keys != nil, "Keys")
			several := false
			for n := 1; n <= 3; n++ {
				d := c.delivery(n)
				r := c.deliver(ctx, d)
				several = several || len(r.Made) > 1
				if keys := c.keys(); keys[d.Key()] != len(r.Made) || keys[""] > 0 {
					c.failf("the receipt names %d documents, %d bear the key and %d bear none", len(r.Made), keys[d.Key()], keys[""])
				}
			}
			if !several {
				c.failf("no posting makes several documents: the harness needs one that does")
			}
		}},
		{"somebody else's document is different", "A document with the same number that does not bear our key is a clerk's: Find says different and Deliver does not take it for ours.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Foreign != nil, "Foreign")
			d := c.delivery(1)
			c.h.Foreign(c.tt, c.target, d.Posting)
			before := c.keys()
			f := c.finds(ctx, d, connector.Different, "where somebody else's document has the number")
			if f.Why == "" {
				c.failf("Find says different and does not say why")
			}
			if _, err := c.sink.Deliver(ctx, d); err == nil {
				c.failf("Deliver returned nil where somebody else's document has the number")
			}
			c.reverse(ctx, d)
			if after := c.keys(); before != nil && after[""] != before[""] {
				c.failf("the target had %d documents without a key and has %d", before[""], after[""])
			}
		}},
		{"what bears our key and was changed is different", "Same means the same content: what somebody changed in the target must not be confirmed as ours.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Change != nil, "Change")
			d := c.delivery(1)
			c.deliver(ctx, d)
			d.Posting = c.h.Change(d.Posting)
			f := c.finds(ctx, d, connector.Different, "with other content and the same key")
			if f.Why == "" {
				c.failf("Find says different and does not say why")
			}
		}},
		{"Deliver never takes back", "Deliver never takes back: another process may be completing the same set. What cannot be completed is an error.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Change != nil && c.h.Keys != nil, "Change and Keys")
			d := c.delivery(1)
			c.deliver(ctx, d)
			before := c.keys()
			d.Posting = c.h.Change(d.Posting)
			if _, err := c.sink.Deliver(ctx, d); err == nil {
				c.failf("Deliver returned nil where its key stands with other content")
			}
			if after := c.keys(); !maps.Equal(before, after) {
				c.failf("the target had %v and has %v after a Deliver that could not be", before, after)
			}
		}},
		{"a receipt adds up", "The totals of a receipt are those of the posting, by company and currency: they are what ties out.", func(ctx context.Context, c *sinkCheck[T]) {
			c.needs(c.h.Totals != nil, "Totals")
			for n := 1; n <= 3; n++ {
				d := c.delivery(n)
				r := c.deliver(ctx, d)
				f := c.finds(ctx, d, connector.Same, "after Deliver")
				want := sum(c.h.Totals(d.Posting))
				for from, receipt := range map[string]connector.Receipt{"Deliver": r, "Find": f.Receipt} {
					var totals []connector.Total
					for _, m := range receipt.Made {
						totals = append(totals, m.Totals...)
					}
					if have := sum(totals); !maps.Equal(have, want) {
						c.failf("the receipt of %s adds up to %v, the posting to %v", from, have, want)
					}
				}
			}
		}},
		{"a context that ended is an error", "With a context that has ended every method returns an error that claims nothing, and nothing is made.", func(ctx context.Context, c *sinkCheck[T]) {
			d := c.delivery(1)
			c.cancelled(ctx, "Find", func(ctx context.Context) error { _, err := c.sink.Find(ctx, d); return err })
			c.cancelled(ctx, "Deliver", func(ctx context.Context) error { _, err := c.sink.Deliver(ctx, d); return err })
			c.cancelled(ctx, "Reverse", func(ctx context.Context) error { _, err := c.sink.Reverse(ctx, d); return err })
			c.finds(ctx, d, connector.Absent, "after calls with a context that had ended")
		}},
	}
}
