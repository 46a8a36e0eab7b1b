package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// cabinet keeps the files of a target: one belongs to each delivery.
type cabinet struct {
	mu     sync.Mutex
	refuse int // files to refuse
	lose   int // answers to lose after a file was added
	lost   bool
	err    error               // of the look
	files  map[string][]string // by key
	asked  int                 // calls of Attach
	held   bool                // whether the last one could ask if its lease is over
}

// add adds the file of a delivery, unless it is there.
func (c *cabinet) add(key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.files[key]) > 0 {
		return nil
	}
	if c.refuse > 0 {
		c.refuse--
		return errors.New("the image is not ready")
	}
	if c.files == nil {
		c.files = map[string][]string{}
	}
	c.files[key] = append(c.files[key], "receipt.pdf")
	if c.lose > 0 {
		c.lose--
		return errDown
	}
	return nil
}

func (c *cabinet) of(key string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.files[key])
}

func (c *cabinet) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *cabinet) calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// filing is a toyERP that adds files to what it makes.
type filing struct {
	*toyERP
	c *cabinet
	w *tripwire
}

func (f filing) Deliver(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	r, err := f.toyERP.Deliver(ctx, d)
	if err == nil {
		if aerr := f.c.add(d.Key()); aerr != nil {
			r.Missing = []string{"receipt.pdf: " + aerr.Error()}
		}
	}
	return r, err
}

func (f filing) Find(ctx context.Context, d connector.Delivery[bills]) (connector.Finding, error) {
	got, err := f.toyERP.Find(ctx, d)
	if err == nil && got.Presence == connector.Same && len(f.c.of(d.Key())) == 0 {
		got.Receipt.Missing = []string{"receipt.pdf"}
	}
	return got, err
}

func (f filing) Attach(ctx context.Context, d connector.Delivery[bills]) (connector.Attached, error) {
	return around(f.w, "Attach", func() (connector.Attached, error) {
		if err := ctx.Err(); err != nil {
			return connector.Attached{}, err
		}
		s, _ := audit.FromContext(ctx)
		f.c.mu.Lock()
		f.c.asked++
		f.c.held = s.Held != nil
		err, lost := f.c.err, f.c.lost
		f.c.mu.Unlock()
		if err != nil {
			return connector.Attached{}, err
		}
		if lost {
			return connector.Attached{Lost: []string{"receipt.pdf: the invoice is posted"}}, nil
		}
		there := len(f.c.of(d.Key())) > 0
		if err := f.c.add(d.Key()); err != nil {
			return connector.Attached{Missing: []string{"receipt.pdf: " + err.Error()}}, nil //nolint:nilerr // a file that is refused is told, it is no failure
		}
		if there {
			return connector.Attached{}, nil
		}
		return connector.Attached{Added: []string{"receipt.pdf"}}, nil
	})
}

// lacking is a bench with R1 posted whose file is refused so many times.
func (b *bench) lacking(refuse int) *engine.Engine {
	b.t.Helper()
	b.tell = true
	b.files = &cabinet{refuse: refuse}
	b.opts.Poll = day // nothing but this process writes, and it knows when to try again
	b.source.put("R1", 1, connector.Ready, three)
	e := b.engine()
	b.notify(e, "R1")
	b.start(e)
	pass(time.Second)
	return e
}

// moments are the texts of a document's moments of a kind.
func (b *bench) moments(what string) (out []string) {
	for _, m := range b.status("R1").History {
		if m.What == what {
			out = append(out, m.Text)
		}
	}
	return out
}

func (b *bench) row(doc string) storage.Transfer {
	b.t.Helper()
	t, err := b.store.Get(b.t.Context(), id(doc))
	require.NoError(b.t, err)
	return t
}

func TestFileThatWasRefusedTwiceIsAddedByItselfAndHoldsUpNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.lacking(3) // by the delivery, and by two tries after it
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Equal(t, []string{"taken 1", "posted 1"}, b.source.signals(), "money comes first")
		require.Equal(t, []string{"receipt.pdf: the image is not ready"}, s.Receipt.Missing)
		require.NotZero(t, s.Due)
		pass(time.Hour)
		s = b.status("R1")
		require.Equal(t, []any{engine.Confirmed, engine.Effective, "", engine.WordPosted}, []any{s.State, s.Effect, s.Cause, s.Word})
		require.Empty(t, s.Receipt.Missing)
		require.Zero(t, s.Due)
		require.Equal(t, []string{"receipt.pdf"}, b.files.of(keyOf("R1", 1, 1)))
		require.Equal(t, 3, b.files.calls())
		_, sends, backs := b.erp.counts()
		require.Equal(t, []int{1, 0}, []int{sends, backs})
		require.Equal(t, []string{"taken 1", "posted 1"}, b.source.signals())
		require.Equal(t, []string{"receipt.pdf"}, b.moments("attached"))
		var records []string
		for _, r := range b.audited() {
			if r[:6] == "attach" {
				records = append(records, r)
			}
		}
		require.Equal(t, []string{
			"attach attempt claim/R1", "attach missing claim/R1", "attach attempt claim/R1", "attach missing claim/R1",
			"attach attempt claim/R1", "attach done claim/R1",
		}, records)
		b.verifyAudit()
		require.True(t, b.files.held, "nothing would stop it once its lease is over")
	})
}

func TestFileThatIsRefusedForEverIsGivenUpAndAPersonIsTold(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.AttachTries = 4
		b.lacking(1000)
		pass(48 * time.Hour)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Zero(t, s.Due)
		require.Equal(t, 4, b.files.calls())
		require.Len(t, s.Receipt.Missing, 1)
		texts := b.moments("not attached")
		require.Equal(t, "given up after 4 tries, to be added by hand: receipt.pdf: the image is not ready", texts[len(texts)-1])
		require.Len(t, b.erp.all(), 3)
	})
}

func TestWaitsForAFileGrowAndTwelveTriesTakeAboutADay(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		start := time.Now()
		b.lacking(1000)
		var due []time.Duration
		for s := b.status("R1"); !s.Due.IsZero(); s = b.status("R1") {
			due = append(due, time.Until(s.Due))
			pass(time.Until(s.Due) + time.Second)
		}
		require.Len(t, due, 12)
		require.LessOrEqual(t, due[0], time.Minute)
		require.Greater(t, due[11], 2*time.Hour)
		require.Greater(t, time.Since(start), 8*time.Hour)
		require.Less(t, time.Since(start), 48*time.Hour)
	})
}

func TestFileThatCannotBeAddedAnyMoreIsForAPersonAtOnce(t *testing.T) {
	for name, how := range map[string]func(c *cabinet){
		"the sink says so": func(c *cabinet) { c.lost = true },
		"it is refused":    func(c *cabinet) { c.err = connector.ErrRejected },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.lacking(1)
				b.files.set(func() { how(b.files) })
				pass(time.Hour)
				s := b.status("R1")
				require.Equal(t, engine.Confirmed, s.State)
				require.Zero(t, s.Due)
				require.Equal(t, 1, b.files.calls())
				require.Contains(t, b.moments("not attached")[0], "to be added by hand: receipt.pdf")
				require.NotEmpty(t, s.Receipt.Missing)
			})
		})
	}
}

func TestTargetThatIsDownCostsNoTryOfAFile(t *testing.T) {
	for name, err := range map[string]error{
		"asks to wait": slower{10 * time.Minute}, "credential": fmt.Errorf("scope: %w", connector.ErrConnection),
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.policy.AttachTries = 2
				b.lacking(1)
				b.files.set(func() { b.files.err = err })
				pass(24 * time.Hour)
				require.Equal(t, engine.Confirmed, b.status("R1").State)
				require.Greater(t, b.files.calls(), 2)
				b.files.set(func() { b.files.err = nil })
				pass(12 * time.Hour)
				require.Len(t, b.files.of(keyOf("R1", 1, 1)), 1)
				require.Zero(t, b.status("R1").Tries)
			})
		})
	}
}

func TestFilesThatAreRefusedShutNoTarget(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.CircuitFailures = 2
		e := b.lacking(1000)
		pass(time.Hour)
		require.Greater(t, b.files.calls(), 3)
		require.Empty(t, e.Shut())
		b.source.put("R2", 1, connector.Ready, ten)
		b.notify(e, "R2")
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R2").State)
	})
}

func TestLookThatFailsForAFileParksNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.MaxTries, b.policy.AttachTries, b.policy.CircuitFailures = 2, 5, 1000
		b.lacking(1)
		b.files.set(func() { b.files.err = errDown })
		pass(48 * time.Hour)
		s := b.status("R1")
		require.Equal(t, []any{engine.Confirmed, 0, 5}, []any{s.State, s.Tries, b.files.calls()})
		require.Zero(t, s.Due)
	})
}

func TestSignalThatCannotBeToldComesBeforeAFile(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.ackErr = func(s connector.Signal) error {
			if s.Kind == connector.Posted {
				return errDown
			}
			return nil
		}
		b.policy.MaxTries = 1000
		b.lacking(1)
		pass(time.Hour)
		require.Zero(t, b.files.calls())
		b.source.set(func() { b.source.ackErr = nil })
		pass(time.Hour)
		require.Contains(t, b.source.signals(), "posted 1")
		require.Len(t, b.files.of(keyOf("R1", 1, 1)), 1)
	})
}

func TestRecallEndsTheWaitForAFile(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.lacking(1)
		b.change(e, 1, connector.Withdrawn, nil)
		pass(2 * time.Hour)
		s := b.status("R1")
		require.Equal(t, engine.Reversed, s.State)
		require.Zero(t, s.Due)
		require.Zero(t, b.files.calls())
		require.Equal(t, 1, b.row("R1").Format)
	})
}

func TestUnchangedRevisionTakesOverTheWaitForAFile(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.lacking(1)
		b.change(e, 2, connector.Ready, three)
		require.Equal(t, int64(2), b.status("R1").Revision)
		pass(time.Hour)
		require.Len(t, b.files.of(keyOf("R1", 1, 1)), 1)
		require.Empty(t, b.status("R1").Receipt.Missing)
		require.Zero(t, b.status("R1").Due)
	})
}

func TestRevisionBesideAnotherAndOneThatIsParkedLeaveTheFirstItsFile(t *testing.T) {
	for name, differ := range map[string]bool{"posted beside it": true, "parked": false} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.differ = differ
				e := b.lacking(2)
				b.change(e, 2, connector.Ready, map[string]int64{"emp": 20000, "card": 25000, "cash": 700})
				pass(time.Hour)
				require.Len(t, b.files.of(keyOf("R1", 1, 1)), 1)
				s := b.status("R1")
				require.Zero(t, s.Due)
				if differ {
					require.Equal(t, engine.Confirmed, s.State)
					require.Len(t, b.files.of(keyOf("R1", 2, 1)), 1)
					return
				}
				require.Equal(t, engine.CodeSecondRevision, s.Cause)
			})
		})
	}
}

func TestRowThatWaitsForAFileIsLeftAloneByOlderProcessesAndByThePurge(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.KeepRows, b.opts.Poll, b.policy.AttachTries = day, day, 1000
		b.lacking(1000)
		require.Equal(t, 2, b.row("R1").Format, "one that knows format 1 alone wakes it and rewrites nothing")
		pass(10 * day)
		require.Equal(t, engine.Confirmed, b.status("R1").State, "it is not purged")
		b.files.set(func() { b.files.refuse = 0 })
		pass(7 * time.Hour)
		require.Len(t, b.files.of(keyOf("R1", 1, 1)), 1)
		require.Equal(t, 1, b.row("R1").Format)
		pass(5 * day)
		_, err := b.store.Get(t.Context(), id("R1"))
		require.ErrorIs(t, err, storage.ErrNotFound)
	})
}

func TestContentThatIsGoneEndsTheWaitForAFile(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.lacking(1)
		require.NoError(t, b.store.Drop(t.Context(), tenant, "c/"))
		pass(time.Hour)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Zero(t, s.Due)
		require.Contains(t, b.moments("not attached")[0], "by hand")
	})
}

func TestSettleDoesNotWaitForAFile(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.lacking(1000)
		require.NoError(t, e.Settle(t.Context(), tenant, 24*time.Hour))
		require.NotZero(t, b.status("R1").Due)
	})
}

func TestSinkThatAddsNothingIsAskedForNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.AttachTries = -1
		b.lacking(1)
		require.Zero(t, b.status("R1").Due)
		require.Equal(t, 1, b.row("R1").Format)
	})
}

func TestKilledAtAnyPointWhileAFileIsRefusedTwiceAddsItOnce(t *testing.T) {
	story{
		prepare: func(b *bench) {
			b.mapper.prefix = "b-" // another one would not change what is sent again
			b.tell = true
			b.files = &cabinet{refuse: 3, lose: 1}
		},
		act: ready,
		after: func(b *bench, _ *engine.Engine) {
			b.opts.Poll = 5 * time.Minute
			b.run(b.engine(), time.Hour)
		},
		check: func(b *bench, where string) {
			oneSet(b, where)
			key := b.erp.all()[0].Key
			require.Equal(b.t, []string{"receipt.pdf"}, b.files.of(key), where)
			require.Len(b.t, b.files.files, 1, where)
			s := b.status("R1")
			require.Empty(b.t, s.Receipt.Missing, where)
			require.Zero(b.t, s.Due, where)
			require.Equal(b.t, []string{"taken 1", "posted 1"}, slices.Compact(b.source.signals()), where)
		},
	}.tell(t, "before Attach", "after Attach", "before audit attach attempt", "before audit attach done")
}
