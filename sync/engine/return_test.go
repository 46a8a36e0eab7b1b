package engine_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// unmapped refuses whatever has a party "bad".
func unmapped(c claim) mapping.Issues {
	if _, bad := c.Amounts["bad"]; bad {
		return mapping.Issues{{Code: "party_unknown", Field: "party", Value: "bad", Owner: connector.Finance}}
	}
	return nil
}

var bad = map[string]int64{"bad": 500}

// failing is a bench whose source wants to be told and whose first document cannot be mapped.
func (b *bench) failing() *engine.Engine {
	b.t.Helper()
	b.tell = true
	b.mapper.issues = unmapped
	return b.posted(bad)
}

// giveBack returns whatever is parked.
func (b *bench) giveBack(e *engine.Engine) int {
	b.t.Helper()
	p, err := e.Plan(b.t.Context(), storage.Query{Tenant: tenant})
	require.NoError(b.t, err)
	n, err := e.Return(b.t.Context(), p, engine.Act{Actor: "ann", Reason: "wrong at the source"})
	require.NoError(b.t, err)
	pass(time.Minute)
	return n
}

func TestReturnTellsTheSourceThatTheRevisionFailedAndWhy(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.failing()
		require.Equal(t, engine.Parked, b.status("R1").State)
		require.Equal(t, []string{"taken 1"}, b.source.signals())
		require.Equal(t, 1, b.giveBack(e))
		s := b.status("R1")
		require.Equal(t, engine.Returned, s.State)
		require.Equal(t, engine.WordOpen, s.Word)
		require.Equal(t, []string{"taken 1", "failed 1"}, b.source.signals())
		require.Equal(t, "party_unknown", b.source.acks[1].Issues[0].Code)
		require.Zero(t, s.Due)
	})
}

func TestReturnedRevisionIsNeverPostedThoughItsCauseWentAway(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.failing()
		b.giveBack(e)
		b.policy.Sweep = time.Minute
		b.mapper.issues = nil
		e2 := b.engine()
		b.start(e2)
		for _, phase := range []connector.Phase{connector.Ready, connector.NotYet, connector.Ready} {
			b.change(e2, 1, phase, bad)
			require.Equal(t, engine.Returned, b.status("R1").State)
		}
		require.Zero(t, b.replay(e2, storage.Query{}), "a returned document is not parked")
		require.Empty(t, b.erp.all())
	})
}

func TestReturnedDocumentIsPostedWhenItComesAsANewRevision(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.failing()
		b.giveBack(e)
		b.change(e, 2, connector.Ready, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
		require.Equal(t, []string{"taken 1", "failed 1", "taken 2", "posted 2"}, b.source.signals())
	})
}

func TestPolicyReturnsAtOnceOnlyTheCausesItNames(t *testing.T) {
	for cause, want := range map[string]engine.State{"party_unknown": engine.Returned, "other": engine.Parked, engine.AnyCause: engine.Returned} {
		t.Run(cause, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.policy.Return = map[string]time.Duration{cause: 0}
				b.failing()
				require.Equal(t, want, b.status("R1").State)
			})
		})
	}
}

func TestPolicyReturnsWhatNobodyMendedInTime(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.Return = map[string]time.Duration{engine.AnyCause: 3 * time.Hour}
		b.failing()
		require.Equal(t, engine.Parked, b.status("R1").State)
		pass(2 * time.Hour)
		require.Equal(t, engine.Parked, b.status("R1").State)
		pass(time.Hour)
		require.Equal(t, engine.Returned, b.status("R1").State)
		require.Equal(t, []string{"taken 1", "failed 1"}, b.source.signals())
	})
}

func TestWhatWasMendedInTimeIsPostedAndNotReturned(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.Return = map[string]time.Duration{engine.AnyCause: 3 * time.Hour}
		b.tell = true
		mended := false
		b.mapper.issues = func(c claim) mapping.Issues {
			if mended {
				return nil
			}
			return unmapped(c)
		}
		e := b.posted(bad)
		mended = true
		b.replay(e, storage.Query{})
		pass(6 * time.Hour)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.NotContains(t, b.source.signals(), "failed 1")
	})
}

func TestRefusedSetIsTakenBackBeforeItIsReturned(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.tell = true
		b.policy.Return = map[string]time.Duration{engine.AnyCause: 0}
		b.erp.refuse = map[string]bool{"emp": true}
		b.posted(three)
		require.Equal(t, engine.Returned, b.status("R1").State)
		require.Empty(t, b.erp.all(), "the party before it was made and taken back")
		require.Equal(t, []string{"taken 1", "failed 1"}, b.source.signals())
	})
}

func TestWhatMayStandInTheTargetIsNotReturned(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.tell = true
		b.policy.MaxTries, b.policy.CircuitFailures = 2, 100
		b.policy.Return = map[string]time.Duration{engine.AnyCause: 0}
		b.erp.fail = func(string) error { return errDown }
		e := b.posted(ten)
		s := b.status("R1")
		require.Equal(t, []any{engine.Parked, engine.Unknown}, []any{s.State, s.Effect})
		require.Zero(t, b.giveBack(e))
		require.Equal(t, []string{"taken 1"}, b.source.signals())
	})
}

func TestSourceThatIsNotToldGetsNothingReturned(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = unmapped
		b.policy.Return = map[string]time.Duration{engine.AnyCause: 0}
		e := b.posted(bad)
		require.Equal(t, engine.Parked, b.status("R1").State)
		require.Zero(t, b.giveBack(e))
	})
}

func TestReturnNeedsAWhoAndSkipsWhatChangedSinceThePlan(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.failing()
		p, err := e.Plan(t.Context(), storage.Query{Tenant: tenant})
		require.NoError(t, err)
		require.True(t, p.Items[0].Returnable)
		_, err = e.Return(t.Context(), p, engine.Act{})
		require.ErrorContains(t, err, "say who acts")
		b.notify(e, "R1")
		pass(time.Minute)
		n, err := e.Return(t.Context(), p, engine.Act{Actor: "ann"})
		require.NoError(t, err)
		require.Zero(t, n)
		require.Equal(t, engine.Parked, b.status("R1").State)
	})
}

func TestFailureThatCannotBeToldIsToldAfterAReplayAndNothingIsPosted(t *testing.T) {
	for name, fault := range map[string]error{
		"transient": errors.New("busy"), "refused": &connector.Rejection{Issues: []connector.Issue{{Code: "no_such_document"}}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.policy.MaxTries, b.policy.CircuitFailures = 3, 100
				b.policy.Return = map[string]time.Duration{engine.AnyCause: 0}
				b.source.ackErr = func(s connector.Signal) error {
					if s.Kind == connector.Failed {
						return fault
					}
					return nil
				}
				e := b.failing()
				require.Equal(t, engine.Parked, b.status("R1").State)
				b.mapper.issues = nil // mended, and yet it may not be posted
				b.replay(e, storage.Query{})
				pass(time.Minute)
				require.Empty(t, b.erp.all())
				b.source.set(func() { b.source.ackErr = nil })
				b.replay(e, storage.Query{})
				pass(time.Minute)
				require.Equal(t, engine.Returned, b.status("R1").State)
				require.Equal(t, []string{"taken 1", "failed 1"}, b.source.signals())
				require.Empty(t, b.erp.all())
			})
		})
	}
}

func TestSourceThatRecalledWhatIsReturnedIsAskedAnew(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.ackErr = func(s connector.Signal) error {
			if s.Kind == connector.Failed {
				b.source.docs["R1"] = connector.Snapshot[claim]{Ref: connector.Ref{Kind: "claim", ID: "R1"}, Revision: 1, Phase: connector.Withdrawn}
				return connector.ErrWithdrawn
			}
			return nil
		}
		e := b.failing()
		b.giveBack(e)
		require.Equal(t, engine.Void, b.status("R1").State)
	})
}

// returnedOrPosted checks that a document was told as failed or posted, never both.
func returnedOrPosted(b *bench, where string) {
	b.t.Helper()
	told, s := b.source.signals(), b.status("R1")
	if slices.Contains(told, "failed 1") {
		require.Equal(b.t, engine.Returned, s.State, where)
		require.Empty(b.t, b.erp.all(), where)
		require.NotContains(b.t, told, "posted 1", where)
		return
	}
	require.Equal(b.t, engine.Confirmed, s.State, where)
	require.Len(b.t, b.erp.all(), 1, where)
}

func TestKilledAtAnyPointOfAReturnThenRestartedWithAMendedMapping(t *testing.T) {
	story{
		prepare: func(b *bench) {
			b.tell = true
			b.policy.Return = map[string]time.Duration{engine.AnyCause: 0}
			b.mapper.issues = func(c claim) mapping.Issues {
				if b.wire == nil {
					return nil // mended in the last life
				}
				return unmapped(c)
			}
		},
		act:   func(b *bench) { b.source.put("R1", 1, connector.Ready, bad) },
		check: returnedOrPosted,
	}.tell(t, "before Update returned", "after Update returned", "before Acknowledge failed", "after Acknowledge failed", "after audit acknowledge done")
}

// handled is R1 as the source sends it under an id of its own.
func (b *bench) handled(e *engine.Engine, handle string, amounts map[string]int64) {
	b.t.Helper()
	b.source.put("R1", 1, connector.Ready, amounts)
	b.source.mu.Lock()
	d := b.source.docs["R1"]
	d.Handle = handle
	b.source.docs["R1"] = d
	b.source.mu.Unlock()
	b.notify(e, "R1")
	pass(time.Minute)
}

func TestCorrectedUnderTheReturnedNumberAndAnotherHandleIsPostedOnce(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.failing()
		b.handled(e, "first", bad)
		require.Equal(t, 1, b.giveBack(e))
		b.handled(e, "second", ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
		require.Equal(t, keyOf("R1", 1, 2), b.erp.all()[0].Key, "a key of its own")
		require.Equal(t, []string{"taken 1", "taken 1", "failed 1", "taken 1", "posted 1"}, b.source.signals())
		require.Equal(t, "second", b.source.acks[4].Handle)
		require.NotEqual(t, b.source.acks[1].ID, b.source.acks[3].ID)
	})
}

func TestReturnedHandleNeverComesBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.failing()
		b.handled(e, "first", bad)
		require.Equal(t, 1, b.giveBack(e))
		b.handled(e, "second", bad)
		require.Equal(t, engine.Parked, b.status("R1").State)
		b.handled(e, "first", ten)
		require.Empty(t, b.erp.all())
		require.Equal(t, 1, b.giveBack(e), "the second can be given back too")
		b.handled(e, "first", ten)
		b.handled(e, "second", ten)
		require.Empty(t, b.erp.all())
		require.Equal(t, engine.Returned, b.status("R1").State)
		b.handled(e, "third", ten)
		require.Equal(t, keyOf("R1", 1, 3), b.erp.all()[0].Key)
	})
}

func TestReturnedRevisionWithoutAHandleNeverComesBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.failing()
		require.Equal(t, 1, b.giveBack(e))
		b.handled(e, "second", ten)
		require.Empty(t, b.erp.all())
		require.Equal(t, engine.Returned, b.status("R1").State)
	})
}
