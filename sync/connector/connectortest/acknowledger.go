package connectortest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// AcknowledgerHarness is what the suite must know about a source that wants to be
// told. Open, Signal and Told are required; a rule that needs a function that is
// nil is skipped.
type AcknowledgerHarness struct {
	// Open returns a source over a system with a document that is finally approved
	// and of which the system was told nothing yet, and what the other functions need
	// to reach it. It is called once for each rule, and by some once more.
	Open func(t *testing.T) (source connector.Acknowledger, system any)
	// Signal returns the signal of a kind about that document; n tells payments
	// apart, 1 being the first. The same arguments give the same signal.
	Signal func(t *testing.T, system any, kind connector.SignalKind, n int) connector.Signal
	// Told returns what the system holds because it was told, one text for each.
	// What was told twice stands there twice, where the system does that.
	Told func(t *testing.T, system any) []string
	// Payments is how many payments of the document the system takes note of.
	Payments int
	// Again returns a second source over the same system, as another process has it.
	Again func(t *testing.T, system any) connector.Acknowledger
	// Recall takes the document back at the source.
	Recall func(t *testing.T, system any)
	// Break makes the system fail every call before it takes effect, or mends it.
	Break func(t *testing.T, system any, broken bool)
	// Lose makes the system lose the answer to the next call that changes something,
	// after the change took effect. Calls after that succeed.
	Lose func(t *testing.T, system any)
}

// RunAcknowledger checks that a source takes signals as the contract says. The
// source itself is checked by RunSource.
func RunAcknowledger(t *testing.T, h AcknowledgerHarness) {
	t.Helper()
	rules := acknowledgerRules()
	each(t, len(rules), func(i int) (string, func(context.Context, *testing.T)) {
		return rules[i].name, func(ctx context.Context, t *testing.T) {
			source, system := h.Open(t)
			rules[i].run(ctx, &acknowledgerCheck{check: check{t: t, text: rules[i].text}, h: h, tt: t, source: source, system: system})
		}
	})
}

type acknowledgerCheck struct {
	check
	h      AcknowledgerHarness
	tt     *testing.T
	source connector.Acknowledger
	system any
}

type acknowledgerRule struct {
	name, text string
	run        func(ctx context.Context, c *acknowledgerCheck)
}

func (c *acknowledgerCheck) signal(kind connector.SignalKind, n int) connector.Signal {
	return c.h.Signal(c.tt, c.system, kind, n)
}

func (c *acknowledgerCheck) tell(ctx context.Context, by connector.Acknowledger, s connector.Signal, when string) {
	c.t.Helper()
	c.noError(by.Acknowledge(ctx, s), "Acknowledge of %s %s", s.Kind, when)
}

// told is what the system holds, in a fixed order.
func (c *acknowledgerCheck) told() []string {
	out := slices.Clone(c.h.Told(c.tt, c.system))
	slices.Sort(out)
	return out
}

// unchanged fails the rule unless the system holds what it held.
func (c *acknowledgerCheck) unchanged(before []string, when string) {
	c.t.Helper()
	if after := c.told(); !slices.Equal(before, after) {
		c.failf("the system held %v and holds %v %s", before, after, when)
	}
}

// lives are the signals that a document may have in its life, in their order.
func (c *acknowledgerCheck) lives() [][]connector.Signal {
	posted := []connector.Signal{c.signal(connector.Taken, 1), c.signal(connector.Posted, 1)}
	for n := 1; n <= c.h.Payments; n++ {
		posted = append(posted, c.signal(connector.Paid, n))
	}
	return [][]connector.Signal{posted, {c.signal(connector.Taken, 1), c.signal(connector.Failed, 1)}}
}

// eachLife runs do over a system of its own for each life.
func (c *acknowledgerCheck) eachLife(do func(life []connector.Signal)) {
	for i := range 2 {
		if i > 0 {
			c.source, c.system = c.h.Open(c.tt)
		}
		do(c.lives()[i])
	}
}

// once is how many things a system of its own holds after one telling.
func (c *acknowledgerCheck) once(ctx context.Context, s connector.Signal) int {
	c.t.Helper()
	source, system := c.h.Open(c.tt)
	c.noError(source.Acknowledge(ctx, c.h.Signal(c.tt, system, s.Kind, 1)), "Acknowledge of %s", s.Kind)
	return len(c.h.Told(c.tt, system))
}

func acknowledgerRules() []acknowledgerRule {
	return []acknowledgerRule{
		{"what is told is held", "A signal that returned nil has reached the system: the engine tells it never again.", func(ctx context.Context, c *acknowledgerCheck) {
			c.eachLife(func(life []connector.Signal) {
				for _, s := range life {
					before := c.told()
					c.tell(ctx, c.source, s, "for the first time")
					if s.Kind != connector.Taken && slices.Equal(before, c.told()) {
						c.failf("the system holds %v before and after it was told %s", before, s.Kind)
					}
				}
			})
		}},
		{"posted and failed differ", "A document that could not be posted is told as that: its owner must mend it, and one that was posted must not be sent again.", func(ctx context.Context, c *acknowledgerCheck) {
			var told [][]string
			c.eachLife(func(life []connector.Signal) {
				for _, s := range life[:2] {
					c.tell(ctx, c.source, s, "for the first time")
				}
				told = append(told, c.told())
			})
			if slices.Equal(told[0], told[1]) {
				c.failf("the system holds %v after posted, and the same after failed", told[0])
			}
		}},
		{"a repeat returns nil", "A signal comes at least once. A repeat returns nil and changes nothing, or the document would wait for a person for nothing, and be told twice.", func(ctx context.Context, c *acknowledgerCheck) {
			c.eachLife(func(life []connector.Signal) {
				for _, s := range life {
					c.tell(ctx, c.source, s, "for the first time")
					before := c.told()
					c.tell(ctx, c.source, s, "for the second time")
					c.unchanged(before, "after "+string(s.Kind)+" was repeated")
				}
			})
		}},
		{"a repeat of another process returns nil", "What was told is known from the system and not from memory: after a crash another process repeats it.", func(ctx context.Context, c *acknowledgerCheck) {
			c.needs(c.h.Again != nil, "Again")
			c.eachLife(func(life []connector.Signal) {
				for _, s := range life {
					c.tell(ctx, c.source, s, "for the first time")
					before := c.told()
					c.tell(ctx, c.h.Again(c.tt, c.system), s, "by another process")
					c.unchanged(before, "after another process repeated "+string(s.Kind))
				}
			})
		}},
		{"a late repeat undoes nothing", "A process that paused may repeat a signal after later ones were told. It returns nil and takes nothing back.", func(ctx context.Context, c *acknowledgerCheck) {
			c.eachLife(func(life []connector.Signal) {
				for _, s := range life {
					c.tell(ctx, c.source, s, "for the first time")
				}
				before := c.told()
				for _, s := range life {
					c.tell(ctx, c.source, s, "after all of its life")
					c.unchanged(before, "after "+string(s.Kind)+" was repeated late")
				}
			})
		}},
		{"repeats at once tell once", "Two processes may tell one signal at the same time, when one paused and its lease ran out. The system is told once; one of them may return an error, and the repeat after that returns nil.", func(ctx context.Context, c *acknowledgerCheck) {
			s := c.signal(connector.Taken, 1)
			sources := []connector.Acknowledger{c.source, c.source, c.source, c.source}
			if c.h.Again != nil {
				for i := 1; i < len(sources); i++ {
					sources[i] = c.h.Again(c.tt, c.system)
				}
			}
			var all sync.WaitGroup
			errs := make([]error, len(sources))
			for i, source := range sources {
				all.Go(func() { errs[i] = source.Acknowledge(ctx, s) })
			}
			all.Wait()
			for _, err := range errs {
				c.noClaim(err, "Acknowledge at the same time as others")
			}
			c.tell(ctx, c.source, s, "after several did so at once")
			if n, want := len(c.told()), c.once(ctx, s); n != want {
				c.failf("the system holds %d things after it was told at once, and %d when it is told once: %v", n, want, c.told())
			}
		}},
		{"a lost answer is no second telling", "An answer that is lost says nothing; the repeat finds what the first one did and returns nil.", func(ctx context.Context, c *acknowledgerCheck) {
			c.needs(c.h.Lose != nil, "Lose")
			s := c.signal(connector.Taken, 1)
			c.h.Lose(c.tt, c.system)
			c.noClaim(c.source.Acknowledge(ctx, s), "Acknowledge whose answer is lost")
			c.tell(ctx, c.source, s, "after an answer was lost")
			if n, want := len(c.told()), c.once(ctx, s); n != want {
				c.failf("the system holds %d things after an answer was lost, and %d otherwise: %v", n, want, c.told())
			}
		}},
		{"a system that fails is no refusal", "A failure that passes is an error that claims nothing: the engine tells it again. Claimed as a refusal it would wait for a person.", func(ctx context.Context, c *acknowledgerCheck) {
			c.needs(c.h.Break != nil, "Break")
			c.eachLife(func(life []connector.Signal) {
				for _, s := range life {
					c.h.Break(c.tt, c.system, true)
					err := c.source.Acknowledge(ctx, s)
					if err == nil {
						c.failf("Acknowledge of %s returned nil although the system failed", s.Kind)
					}
					c.noClaim(err, "Acknowledge of "+string(s.Kind)+" while the system fails")
					c.h.Break(c.tt, c.system, false)
					c.tell(ctx, c.source, s, "after the system was mended")
				}
			})
		}},
		{"a recalled document is ErrWithdrawn", "A source that took the document back says so with ErrWithdrawn: nothing is posted then, or what was posted is taken back.", func(ctx context.Context, c *acknowledgerCheck) {
			c.needs(c.h.Recall != nil, "Recall")
			c.h.Recall(c.tt, c.system)
			if err := c.source.Acknowledge(ctx, c.signal(connector.Taken, 1)); !errors.Is(err, connector.ErrWithdrawn) {
				c.failf("Acknowledge of a document that was recalled returned %v", err)
			}
		}},
		{"a context that ended is an error", "A call whose context has ended returns an error soon and claims nothing.", func(ctx context.Context, c *acknowledgerCheck) {
			s := c.signal(connector.Taken, 1)
			c.cancelled(ctx, "Acknowledge", func(ctx context.Context) error { return c.source.Acknowledge(ctx, s) })
		}},
	}
}
