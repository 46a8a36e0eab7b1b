package connectortest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// PayerHarness is what the suite must know about a sink that tells of payments.
// Open, Paid and Pay are required; a rule that needs a function that is nil is
// skipped.
type PayerHarness struct {
	// Open returns a sink over a target with at least three payments of what the
	// engine delivered, and what the other functions need to reach that target. A
	// page holds fewer than all of them where the target has pages. It is called once
	// for each rule.
	Open func(t *testing.T) (payer connector.Payer, target any)
	// Paid returns the key of what was paid for each payment that the target made or
	// took back, "" for one of something else.
	Paid func(t *testing.T, target any) []string
	// Pay makes one more payment and returns the key of what it pays.
	Pay func(t *testing.T, target any) (key string)
	// TakeBack takes one payment back and returns the key of what had been paid.
	TakeBack func(t *testing.T, target any) (key string)
	// Again returns a second sink over the same target, as another process has it.
	Again func(t *testing.T, target any) connector.Payer
	// Break makes the target fail every call, or mends it.
	Break func(t *testing.T, target any, broken bool)
}

// RunPayer checks that a sink tells of payments as the contract says. The sink
// itself is checked by RunSink.
func RunPayer(t *testing.T, h PayerHarness) {
	t.Helper()
	rules := payerRules()
	each(t, len(rules), func(i int) (string, func(context.Context, *testing.T)) {
		return rules[i].name, func(ctx context.Context, t *testing.T) {
			payer, target := h.Open(t)
			rules[i].run(ctx, &payerCheck{check: check{t: t, text: rules[i].text}, h: h, tt: t, payer: payer, target: target})
		}
	})
}

type payerCheck struct {
	check
	h      PayerHarness
	tt     *testing.T
	payer  connector.Payer
	target any
}

type payerRule struct {
	name, text string
	run        func(ctx context.Context, c *payerCheck)
}

// told is what was read from a cursor on.
type told struct {
	payments map[string]connector.Payment // by ID
	cursors  []connector.Cursor           // after each page
}

func (r told) last() connector.Cursor { return r.cursors[len(r.cursors)-1] }

// keys are how many payments there are of each key.
func (r told) keys() map[string]int {
	out := map[string]int{}
	for _, p := range r.payments {
		out[p.Key]++
	}
	return out
}

// read reads all pages from a cursor on, as the engine does.
func (c *payerCheck) read(ctx context.Context, by connector.Payer, from connector.Cursor) told {
	c.t.Helper()
	out := told{payments: map[string]connector.Payment{}}
	for range maxPages {
		ps, next, more, err := by.Payments(ctx, from)
		c.noError(err, "Payments after %d pages", len(out.cursors))
		for _, p := range ps {
			if had, ok := out.payments[p.ID]; ok && describe(had) != describe(p) {
				c.failf("two payments have the ID %q: %s and %s", p.ID, describe(had), describe(p))
			}
			out.payments[p.ID] = p
		}
		if more && next == from {
			c.failf("Payments says that there is more and does not move on from the cursor %q", next)
		}
		from = next
		out.cursors = append(out.cursors, next)
		if !more {
			return out
		}
	}
	c.failf("Payments says that there is more after %d pages", maxPages)
	return out
}

func describe(p connector.Payment) string {
	return fmt.Sprintf("%s of %s: %s %s %s on %s", p.Kind, p.Key, p.Amount.Amount, p.Amount.Currency, p.Amount.Company, p.Date.Format("2006-01-02"))
}

// found fails the rule unless a reading has all that the target has of ours.
func (c *payerCheck) found(r told, when string) {
	c.t.Helper()
	want, have := map[string]int{}, r.keys()
	for _, key := range c.h.Paid(c.tt, c.target) {
		if key != "" {
			want[key]++
		}
	}
	maps.DeleteFunc(have, func(key string, _ int) bool { return want[key] == 0 }) // the engine passes them over
	if !maps.Equal(want, have) {
		c.failf("%s the target has %v payments by key, and %v were told", when, want, have)
	}
}

func payerRules() []payerRule {
	return []payerRule{
		{"a payment is whole", "A payment says under which ID it is known, which key it pays, of what kind it is, how much and when.", func(ctx context.Context, c *payerCheck) {
			for id, p := range c.read(ctx, c.payer, "").payments {
				if id == "" || p.Key == "" || p.Kind == "" || p.Amount.Currency == "" || p.Amount.Amount.IsZero() || p.Date.IsZero() {
					c.failf("a payment has the ID %q and is %s", id, describe(p))
				}
			}
		}},
		{"every payment is read and the reading ends", "From the beginning on every payment comes, once under each ID, and the last page says that there is no more.", func(ctx context.Context, c *payerCheck) {
			c.found(c.read(ctx, c.payer, ""), "after a whole reading")
		}},
		{"an ID stays", "The same payment has the same ID and content whenever it is read: by its ID the engine knows that its source was told.", func(ctx context.Context, c *payerCheck) {
			first := c.read(ctx, c.payer, "")
			second := c.read(ctx, c.payer, "")
			for id, p := range first.payments {
				again, ok := second.payments[id]
				if !ok || describe(again) != describe(p) {
					c.failf("the payment %q was %s, and then %s", id, describe(p), describe(again))
				}
			}
			if len(second.payments) != len(first.payments) {
				c.failf("%d payments were read and then %d", len(first.payments), len(second.payments))
			}
		}},
		{"a page may come twice", "The cursor is saved after the page: from each earlier cursor on the rest comes again.", func(ctx context.Context, c *payerCheck) {
			from := connector.Cursor("")
			all := c.read(ctx, c.payer, "")
			seen := map[string]bool{}
			for _, next := range all.cursors {
				rest := c.read(ctx, c.payer, from).payments
				for id, p := range all.payments {
					if _, ok := rest[id]; !ok && !seen[id] {
						c.failf("the payment %q (%s) was not told when its page was read again", id, describe(p))
					}
				}
				ps, _, _, err := c.payer.Payments(ctx, from)
				c.noError(err, "Payments")
				for _, p := range ps {
					seen[p.ID] = true
				}
				from = next
			}
		}},
		{"a new payment is found from the last cursor", "What is paid after a reading is found by going on from its end.", func(ctx context.Context, c *payerCheck) {
			r := c.read(ctx, c.payer, "")
			for range 3 {
				key := c.h.Pay(c.tt, c.target)
				next := c.read(ctx, c.payer, r.last())
				fresh := 0
				for id, p := range next.payments {
					if _, known := r.payments[id]; !known && p.Key == key {
						fresh++
					}
					r.payments[id] = p
				}
				if fresh != 1 {
					c.failf("one payment of %s was made, and %d new ones were told", key, fresh)
				}
				r.cursors = append(r.cursors, next.last())
			}
			c.found(r, "after payments were made one by one")
		}},
		{"another process reads on", "A cursor that one process saved is one that another can go on from.", func(ctx context.Context, c *payerCheck) {
			c.needs(c.h.Again != nil, "Again")
			r := c.read(ctx, c.payer, "")
			c.h.Pay(c.tt, c.target)
			next := c.read(ctx, c.h.Again(c.tt, c.target), r.last())
			maps.Copy(r.payments, next.payments)
			c.found(r, "after another process read on")
		}},
		{"what is taken back is told", "A payment that is taken back comes as one of its own, under another ID: the source was told that it is paid.", func(ctx context.Context, c *payerCheck) {
			c.needs(c.h.TakeBack != nil, "TakeBack")
			r := c.read(ctx, c.payer, "")
			key := c.h.TakeBack(c.tt, c.target)
			next := c.read(ctx, c.payer, r.last())
			var fresh []connector.Payment
			for id, p := range next.payments {
				if _, known := r.payments[id]; !known && p.Key == key {
					fresh = append(fresh, p)
				}
			}
			if len(fresh) != 1 {
				c.failf("a payment of %s was taken back, and %d new ones were told", key, len(fresh))
			}
			same := func(p connector.Payment) bool {
				return p.Kind == fresh[0].Kind && p.Amount.Amount.Sign() == fresh[0].Amount.Amount.Sign()
			}
			if slices.ContainsFunc(slices.Collect(maps.Values(r.payments)), same) {
				c.failf("what was taken back (%s) looks like a payment", describe(fresh[0]))
			}
		}},
		{"a look that fails says so", "A target that cannot be read is an error, never an empty page: the cursor would move past what was not told.", func(ctx context.Context, c *payerCheck) {
			c.needs(c.h.Break != nil, "Break")
			c.h.Break(c.tt, c.target, true)
			_, _, _, err := c.payer.Payments(ctx, "")
			if err == nil {
				c.failf("Payments returned no error although the target failed")
			}
			c.noClaim(err, "Payments while the target fails")
			c.h.Break(c.tt, c.target, false)
			c.found(c.read(ctx, c.payer, ""), "after the target was mended")
		}},
		{"a context that ended is an error", "A call whose context has ended returns an error soon and claims nothing.", func(ctx context.Context, c *payerCheck) {
			c.cancelled(ctx, "Payments", func(ctx context.Context) error {
				_, _, _, err := c.payer.Payments(ctx, "")
				return err
			})
		}},
	}
}
