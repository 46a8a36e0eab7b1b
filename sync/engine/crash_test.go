package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// story is what happens to a document over several lives of the program. The
// life that is killed is the last but one; the last one runs to the end with
// another mapping.
type story struct {
	prepare func(b *bench)
	// before is what happened, with no kill, before the life that is killed.
	before func(b *bench, e *engine.Engine)
	// act begins the killed life: it changes the source or target. notify is false
	// when the notice was lost with the process and Concur sends it again.
	act func(b *bench)
	// after, where set, acts in the last life, before the check.
	after func(b *bench, e *engine.Engine)
	// check looks at the end.
	check func(b *bench, where string)
}

var three = map[string]int64{"emp": 10000, "card": 25000, "cash": 700}

// point is one place where a process may be killed: the nth time it passes there.
type point struct {
	name string
	nth  int
}

// live tells a story with a kill at a point, nil: none. It returns the points
// passed and whether the process was killed.
func (s story) live(t *testing.T, at *point) (points []point, killed bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.mapper = toyMapper{prefix: "a-"}
		if s.prepare != nil {
			s.prepare(b)
		}
		if s.before != nil {
			b.opts.Poll = 10 * time.Second
			s.before(b, b.engine())
			b.opts.Poll = time.Hour
		}
		s.act(b)
		b.wire = newTripwire(0)
		where := "not killed"
		if at != nil {
			b.wire.name, b.wire.nth = at.name, at.nth
			where = fmt.Sprintf("killed %s for the %d. time", at.name, at.nth)
		}
		e := b.engine()
		taken := e.Notify(t.Context(), notice("R1")) == nil
		b.run(e, time.Hour)
		// A record may still be on its way when the engine has stopped.
		b.wire.mu.Lock()
		killed = b.wire.at > 0
		names := slices.Clone(b.wire.names)
		b.wire.mu.Unlock()
		seen := map[string]int{}
		for _, name := range names {
			seen[name]++
			points = append(points, point{name, seen[name]})
		}
		// The last life knows nothing but the store, and its mapping has changed.
		b.wire = nil
		b.opts.Poll = 10 * time.Second
		b.mapper.prefix = "b-"
		e = b.engine()
		if !taken {
			require.NoError(t, e.Notify(t.Context(), notice("R1")), where)
		}
		b.run(e, 15*time.Minute)
		if s.after != nil {
			s.after(b, b.engine())
		}
		s.check(b, where)
		b.verifyAudit()
	})
	return points, killed
}

// tell tells a story with a kill at every point it has, and says how many.
func (s story) tell(t *testing.T, passes ...string) {
	t.Helper()
	points, _ := s.live(t, nil)
	require.Greater(t, len(points), 20)
	reached := map[string]bool{}
	n := 0
	for _, p := range points {
		if _, killed := s.live(t, &p); killed {
			reached[p.name] = true
			n++
		}
	}
	require.Greater(t, n, len(points)*3/4, "the same story each time")
	for _, p := range passes {
		require.True(t, reached[p], "no kill at %q: the story does not pass there; it passes %v", p, reached)
	}
	t.Logf("%d crash points: 0 lost, 0 doubled, 0 wrong", n)
}

// oneSet checks that one whole set stands, of one mapping and under one key.
func oneSet(b *bench, where string) {
	b.t.Helper()
	docs := b.erp.all()
	require.Len(b.t, docs, 3, where)
	for _, d := range docs {
		require.Equal(b.t, docs[0].Key, d.Key, "%s: one set, one key", where)
		require.Equal(b.t, docs[0].Party[:2], d.Party[:2], "%s: one mapping for the whole set", where)
	}
	s := b.status("R1")
	require.Equal(b.t, engine.Confirmed, s.State, where)
	require.Len(b.t, s.Receipt.Made, 3, where)
}

func ready(b *bench) { b.source.put("R1", 1, connector.Ready, three) }

func TestKilledAtAnyPointThenRestartedWithAnotherMappingPostsOneSet(t *testing.T) {
	story{act: ready, check: oneSet}.tell(t, "before Fetch", "after create a-card", "before audit deliver attempt")
}

func TestKilledAtAnyPointWithASourceThatIsTold(t *testing.T) {
	story{
		prepare: func(b *bench) { b.tell = true },
		act:     ready,
		check: func(b *bench, where string) {
			oneSet(b, where)
			told := slices.Compact(b.source.signals())
			require.Equal(b.t, []string{"taken 1", "posted 1"}, told, "%s: each at least once, in order", where)
			for _, a := range b.source.acks {
				if a.Kind == connector.Posted {
					require.Len(b.t, a.Receipt.Made, 3, where)
				}
			}
		},
	}.tell(t, "after Acknowledge taken", "after Acknowledge posted")
}

func TestKilledAtAnyPointAroundAReceiptThatIsNotFinal(t *testing.T) {
	story{
		prepare: func(b *bench) { b.erp.final, b.tell = false, true },
		act: func(b *bench) {
			ready(b)
			// Somebody posts in the target while the first life runs.
			go func() {
				<-time.After(90 * time.Second)
				b.erp.set(func() { b.erp.final = true })
			}()
		},
		check: func(b *bench, where string) {
			oneSet(b, where)
			require.Equal(b.t, []string{"taken 1", "posted 1"}, slices.Compact(b.source.signals()), where)
			_, sends, _ := b.erp.counts()
			require.LessOrEqual(b.t, sends, 2, where)
		},
	}.tell(t, "before Find", "after Find")
}

func TestKilledAtAnyPointOfARecallAfterDelivery(t *testing.T) {
	story{
		before: func(b *bench, e *engine.Engine) {
			ready(b)
			require.NoError(b.t, e.Notify(b.t.Context(), notice("R1")))
			b.run(e, time.Minute)
		},
		act: func(b *bench) { b.source.put("R1", 1, connector.Withdrawn, nil) },
		check: func(b *bench, where string) {
			require.Empty(b.t, b.erp.all(), where)
			s := b.status("R1")
			require.Equal(b.t, engine.Reversed, s.State, where)
			require.Equal(b.t, engine.None, s.Effect, where)
			require.Equal(b.t, 2, s.Generation, where)
		},
	}.tell(t, "before Reverse", "after Reverse", "before audit reverse done")
}

func TestKilledAtAnyPointWhileTheSourceAnswersASignalWithRecalled(t *testing.T) {
	for _, kind := range []connector.SignalKind{connector.Taken, connector.Posted} {
		t.Run(string(kind), func(t *testing.T) {
			story{
				prepare: func(b *bench) {
					b.tell = true
					b.source.ackErr = func(s connector.Signal) error {
						if s.Kind == kind {
							return connector.ErrWithdrawn
						}
						return nil
					}
				},
				act: ready,
				check: func(b *bench, where string) {
					require.Empty(b.t, b.erp.all(), where)
					require.Contains(b.t, []engine.State{engine.Reversed, engine.Void}, b.status("R1").State, where)
				},
			}.tell(t, "before audit acknowledge recalled")
		})
	}
}

func TestKilledAtAnyPointOfARecallThatMeetsADelivery(t *testing.T) {
	story{
		act: func(b *bench) {
			ready(b)
			b.erp.slow = 30 * time.Second
			go func() {
				<-time.After(10 * time.Second)
				b.source.put("R1", 1, connector.Withdrawn, nil)
			}()
		},
		after: func(b *bench, e *engine.Engine) {
			require.NoError(b.t, e.Notify(b.t.Context(), notice("R1")))
			b.run(e, 15*time.Minute)
		},
		check: func(b *bench, where string) {
			require.Empty(b.t, b.erp.all(), where)
			require.Contains(b.t, []engine.State{engine.Reversed, engine.Void}, b.status("R1").State, where)
		},
	}.tell(t)
}

func TestKilledAtAnyPointOfAWithdrawnDocumentThatIsReadyAgain(t *testing.T) {
	story{
		before: func(b *bench, e *engine.Engine) {
			ready(b)
			require.NoError(b.t, e.Notify(b.t.Context(), notice("R1")))
			b.run(e, time.Minute)
			b.source.put("R1", 1, connector.Withdrawn, nil)
			e = b.engine()
			require.NoError(b.t, e.Notify(b.t.Context(), notice("R1")))
			b.run(e, time.Minute)
		},
		act: ready,
		check: func(b *bench, where string) {
			oneSet(b, where)
			for _, d := range b.erp.all() {
				require.Equal(b.t, keyOf("R1", 1, 2), d.Key, where)
			}
		},
	}.tell(t)
}

func TestKilledAtAnyPointOfAnUnchangedSecondRevisionAndThenRecalled(t *testing.T) {
	story{
		before: func(b *bench, e *engine.Engine) {
			b.mapper.prefix = "b-" // the mapping does not change in this story
			ready(b)
			require.NoError(b.t, e.Notify(b.t.Context(), notice("R1")))
			b.run(e, time.Minute)
		},
		prepare: func(b *bench) { b.mapper.prefix = "b-" },
		act:     func(b *bench) { b.source.put("R1", 2, connector.Ready, three) },
		after: func(b *bench, e *engine.Engine) {
			s := b.status("R1")
			require.Equal(b.t, engine.Confirmed, s.State)
			require.Equal(b.t, int64(2), s.Revision)
			require.Len(b.t, b.erp.all(), 3)
			_, sends, _ := b.erp.counts()
			require.Equal(b.t, 1, sends, "an unchanged revision is never delivered")
			b.source.put("R1", 2, connector.Withdrawn, nil)
			require.NoError(b.t, e.Notify(b.t.Context(), notice("R1")))
			b.run(e, 15*time.Minute)
		},
		check: func(b *bench, where string) {
			require.Empty(b.t, b.erp.all(), where)
			require.Equal(b.t, engine.Reversed, b.status("R1").State, where)
		},
	}.tell(t)
}

func TestKilledAtAnyPointOfAChangedSecondRevisionNeverDeliversIt(t *testing.T) {
	story{
		prepare: func(b *bench) { b.tell = true },
		before: func(b *bench, e *engine.Engine) {
			ready(b)
			require.NoError(b.t, e.Notify(b.t.Context(), notice("R1")))
			b.run(e, time.Minute)
		},
		act: func(b *bench) {
			b.source.put("R1", 2, connector.Ready, map[string]int64{"emp": 1, "card": 2, "cash": 3})
		},
		check: func(b *bench, where string) {
			require.Equal(b.t, engine.CodeSecondRevision, b.status("R1").Cause, where)
			docs := b.erp.all()
			require.Len(b.t, docs, 3, where)
			require.Equal(b.t, keyOf("R1", 1, 1), docs[0].Key, where)
			require.NotContains(b.t, b.source.signals(), "posted 2", where)
		},
	}.tell(t)
}

func TestKilledWhileARefusedSetIsTakenBackLeavesOneSetInTheEnd(t *testing.T) {
	story{
		act: func(b *bench) {
			ready(b)
			b.erp.refuse = map[string]bool{"a-emp": true} // the last of the set
		},
		after: func(b *bench, e *engine.Engine) {
			if s := b.status("R1"); s.State == engine.Parked {
				require.Empty(b.t, b.erp.all(), "parked means nothing stands")
				require.Equal(b.t, engine.None, s.Effect)
				require.Equal(b.t, 1, b.replay(e, storage.Query{}))
				b.run(e, 15*time.Minute)
			}
		},
		check: func(b *bench, where string) {
			oneSet(b, where)
			require.Equal(b.t, "b-", b.erp.all()[0].Party[:2], "%s: the mapping that is not refused", where)
		},
	}.tell(t, "before Reverse", "after Reverse", "before audit deliver refused")
}

func TestKilledAtAnyPointAroundALostAnswer(t *testing.T) {
	story{
		act:   func(b *bench) { ready(b); b.erp.lose = 1 },
		check: oneSet,
	}.tell(t, "before Find", "after Find", "before audit deliver found")
}

func TestKilledAtAnyPointOfHalfASetThatIsNoLongerApprovedThenApprovedAgain(t *testing.T) {
	story{
		before: func(b *bench, _ *engine.Engine) {
			ready(b)
			b.policy.MaxTries, b.policy.CircuitFailures = 2, 100
			b.erp.midway = func() error { return errDown }
			b.erp.fail = func(op string) error {
				if op == "find" {
					return errDown
				}
				return nil
			}
			e := b.engine()
			require.NoError(b.t, e.Notify(b.t.Context(), notice("R1")))
			b.run(e, time.Minute)
			require.Equal(b.t, engine.Unknown, b.status("R1").Effect)
			require.Len(b.t, b.erp.all(), 1)
			b.erp.set(func() { b.erp.fail, b.erp.midway = nil, nil })
			b.policy.MaxTries, b.policy.CircuitFailures = 0, 0
		},
		act: func(b *bench) { b.source.put("R1", 1, connector.NotYet, three) },
		after: func(b *bench, e *engine.Engine) {
			require.Empty(b.t, b.erp.all())
			s := b.status("R1")
			require.Equal(b.t, []any{engine.Waiting, engine.None}, []any{s.State, s.Effect})
			_, sends, _ := b.erp.counts()
			require.Equal(b.t, 1, sends, "nothing is sent for what is not approved")
			ready(b)
			require.NoError(b.t, e.Notify(b.t.Context(), notice("R1")))
			b.run(e, 15*time.Minute)
		},
		check: func(b *bench, where string) {
			oneSet(b, where)
			require.Equal(b.t, keyOf("R1", 1, 2), b.erp.all()[0].Key, where)
		},
	}.tell(t, "before Find", "after Find", "before Reverse", "after taking back", "after Reverse", "before audit reverse done")
}
