package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

func keyOf(doc string, revision int64, generation int) string {
	return connector.Delivery[bills]{
		Tenant: tenant, Target: "erp", Ref: connector.Ref{Kind: "claim", ID: doc}, Revision: revision, Generation: generation,
	}.Key()
}

// posted runs a bench until R1 is confirmed.
func (b *bench) posted(amounts map[string]int64) *engine.Engine {
	b.t.Helper()
	b.source.put("R1", 1, connector.Ready, amounts)
	e := b.engine()
	b.notify(e, "R1")
	b.start(e)
	pass(time.Minute)
	return e
}

// tell changes R1 at the source and knocks.
func (b *bench) change(e *engine.Engine, revision int64, phase connector.Phase, amounts map[string]int64) {
	b.t.Helper()
	b.source.put("R1", revision, phase, amounts)
	b.notify(e, "R1")
	pass(2 * time.Minute)
}

func TestNewRevisionVoidsAParkedOne(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = func(c claim) mapping.Issues {
			if c.Amounts["bad"] > 0 {
				return mapping.Issues{{Code: "x"}}
			}
			return nil
		}
		e := b.posted(map[string]int64{"bad": 100})
		require.Equal(t, engine.Parked, b.status("R1").State)
		b.change(e, 2, connector.Ready, ten)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Equal(t, int64(2), s.Revision)
		require.Len(t, b.erp.all(), 1)
		require.Equal(t, keyOf("R1", 2, 1), b.erp.all()[0].Key)
	})
}

func TestOlderRevisionIsIgnored(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 5, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		b.change(e, 4, connector.Ready, map[string]int64{"emp": 1})
		require.Equal(t, int64(5), b.status("R1").Revision)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestChangedSecondRevisionAfterDeliveryParksAndIsNeverDelivered(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 1100})
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, engine.CodeSecondRevision, s.Cause)
		b.replay(e, storage.Query{})
		pass(time.Hour)
		require.Equal(t, engine.CodeSecondRevision, b.status("R1").Cause)
		require.Len(t, b.erp.all(), 1)
		require.Equal(t, int64(1000), b.erp.all()[0].Amount)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestSecondRevisionOfZeroAfterDeliveryParksInsteadOfBeingSkipped(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 0})
		require.Equal(t, engine.CodeSecondRevision, b.status("R1").Cause, "what stands in the target is wrong now")
	})
}

func TestUnchangedSecondRevisionIsConfirmedWithoutADelivery(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 2, connector.Ready, ten)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Equal(t, int64(2), s.Revision)
		require.Len(t, s.Receipt.Made, 1)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
		require.Equal(t, keyOf("R1", 1, 1), b.erp.all()[0].Key)
	})
}

func TestRecallAfterUnchangedRevisionsTakesBackWhatBearsTheFirstKey(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 2, connector.Ready, ten)
		b.change(e, 3, connector.Ready, ten)
		b.change(e, 3, connector.Withdrawn, nil)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		require.Empty(t, b.erp.all())
	})
}

func TestUnchangedSecondRevisionOfAReceiptThatIsNotFinalIsStillPolled(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.final = false
		e := b.posted(ten)
		b.change(e, 2, connector.Ready, ten)
		require.Equal(t, engine.Delivered, b.status("R1").State)
		require.Equal(t, engine.WordSaved, b.status("R1").Word)
		b.erp.set(func() { b.erp.final = true })
		pass(2 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestRecallOfAParkedSecondRevisionTakesBackTheFirst(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 1100})
		b.change(e, 2, connector.Withdrawn, nil)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		require.Empty(t, b.erp.all())
	})
}

func TestParkedSecondRevisionThatIsGoneAtTheSourceLeavesTheFirstPosted(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 1100})
		b.source.set(func() { delete(b.source.docs, "R1") })
		b.notify(e, "R1")
		pass(time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State, "the row says what stands")
		require.Equal(t, int64(1), s.Revision)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestParkedSecondRevisionThatIsChangedAgainLeavesTheFirstPosted(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 1100})
		b.change(e, 3, connector.NotYet, map[string]int64{"emp": 1200})
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State, "the row says what stands")
		require.Equal(t, int64(1), s.Revision)
		b.change(e, 3, connector.Ready, map[string]int64{"emp": 1200})
		require.Equal(t, engine.CodeSecondRevision, b.status("R1").Cause)
		b.change(e, 4, connector.Ready, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State, "back to what was posted")
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestNewRevisionIsTakenUpAfterAnUnknownOneIsResolved(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.MaxTries, b.policy.CircuitFailures = 2, 100
		down := true
		b.erp.fail = func(op string) error {
			if down && op == "find" {
				return errDown
			}
			return nil
		}
		b.erp.lose = 1
		e := b.posted(ten)
		require.Equal(t, engine.CodeExhausted, b.status("R1").Cause)
		b.erp.set(func() { down = false })
		b.change(e, 2, connector.Ready, ten)
		s := b.status("R1")
		require.Equal(t, int64(2), s.Revision, "the second one is not forgotten")
		require.Equal(t, engine.Confirmed, s.State)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestRecallBeforePostingVoids(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = func(claim) mapping.Issues { return mapping.Issues{{Code: "x"}} }
		e := b.posted(ten)
		b.change(e, 1, connector.Withdrawn, nil)
		s := b.status("R1")
		require.Equal(t, engine.Void, s.State)
		require.Equal(t, engine.WordRecalled, s.Word)
		_, sends, backs := b.erp.counts()
		require.Equal(t, 0, sends+backs)
	})
}

func TestFetchThatSaysWithdrawnVoidsToo(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.fetchErr = func(int) error { return fmt.Errorf("report: %w", connector.ErrWithdrawn) }
		e := b.posted(ten)
		require.Equal(t, engine.Void, b.status("R1").State)
		b.source.set(func() { b.source.fetchErr = nil })
		b.change(e, 1, connector.Ready, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestRecallAfterPostingTakesBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(map[string]int64{"emp": 100, "card": 50})
		b.change(e, 1, connector.Withdrawn, nil)
		s := b.status("R1")
		require.Equal(t, engine.Reversed, s.State)
		require.Equal(t, engine.None, s.Effect)
		require.Equal(t, engine.WordRecalled, s.Word)
		require.Empty(t, b.erp.all())
		_, sends, backs := b.erp.counts()
		require.Equal(t, []int{1, 1}, []int{sends, backs})
	})
}

func TestRecallOfASavedDocumentTakesBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.final = false
		e := b.posted(ten)
		require.Equal(t, engine.Delivered, b.status("R1").State)
		b.change(e, 1, connector.Withdrawn, nil)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		require.Empty(t, b.erp.all())
	})
}

func TestRecallWhileTheTargetIsDownIsTakenBackLater(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		down := true
		b.erp.set(func() {
			b.erp.fail = func(string) error {
				if down {
					return errDown
				}
				return nil
			}
		})
		b.change(e, 1, connector.Withdrawn, nil)
		require.Equal(t, engine.Reversing, b.status("R1").State)
		b.erp.set(func() { down = false })
		pass(10 * time.Minute)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		require.Empty(t, b.erp.all())
	})
}

func TestRecallWhileParkedWithAnUnknownOutcomeTakesBackWithoutDelivering(t *testing.T) {
	for _, stands := range []bool{true, false} {
		t.Run(fmt.Sprint("stands ", stands), func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.policy.MaxTries, b.policy.CircuitFailures = 2, 100
				down := true
				b.erp.fail = func(op string) error {
					if down && (op == "find" || !stands) {
						return errDown
					}
					return nil
				}
				b.erp.lose = 1
				e := b.posted(ten)
				s := b.status("R1")
				require.Equal(t, engine.Parked, s.State)
				require.Equal(t, engine.Unknown, s.Effect)
				b.erp.set(func() { down = false })
				_, before, _ := b.erp.counts()
				b.change(e, 1, connector.Withdrawn, nil)
				require.Equal(t, engine.Reversed, b.status("R1").State)
				require.Empty(t, b.erp.all())
				_, after, _ := b.erp.counts()
				require.Equal(t, before, after, "a document that is known to be recalled is not posted first")
			})
		})
	}
}

// halfDone is R1 with a delivery of which two of three documents stand, parked
// because what came after that was never heard.
func (b *bench) halfDone() *engine.Engine {
	b.t.Helper()
	b.policy.MaxTries, b.policy.CircuitFailures = 2, 100
	b.mapper.prefix = "a-"
	made := 0
	b.erp.midway = func() error {
		if made++; made == 2 {
			return errDown
		}
		return nil
	}
	b.erp.fail = func(op string) error {
		if op == "find" {
			return errDown
		}
		return nil
	}
	e := b.posted(three)
	s := b.status("R1")
	require.Equal(b.t, []any{engine.Parked, engine.Unknown}, []any{s.State, s.Effect})
	require.Len(b.t, b.erp.all(), 2)
	b.erp.set(func() { b.erp.fail, b.erp.midway = nil, nil })
	return e
}

func TestHalfASetThatIsNoLongerApprovedIsTakenBackAndRests(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.halfDone()
		_, before, _ := b.erp.counts()
		b.change(e, 1, connector.NotYet, three)
		_, after, _ := b.erp.counts()
		require.Equal(t, before, after, "nothing is sent")
		require.Empty(t, b.erp.all())
		s := b.status("R1")
		require.Equal(t, []any{engine.Waiting, engine.None, engine.WordWaiting}, []any{s.State, s.Effect, s.Word})
		require.Empty(t, s.Issues)
		require.Zero(t, s.Due)
		b.change(e, 1, connector.Ready, three)
		oneSet(b, "approved again")
		require.Equal(t, keyOf("R1", 1, 2), b.erp.all()[0].Key, "no key is used again")
	})
}

func TestUnknownDeliveryOfWhichNothingStandsRestsWhenItIsNoLongerApproved(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.MaxTries, b.policy.CircuitFailures = 2, 100
		b.erp.fail = func(string) error { return errDown }
		e := b.posted(ten)
		b.erp.set(func() { b.erp.fail = nil })
		_, before, _ := b.erp.counts()
		b.change(e, 1, connector.NotYet, ten)
		_, after, _ := b.erp.counts()
		require.Equal(t, before, after)
		require.Equal(t, engine.Waiting, b.status("R1").State)
		b.change(e, 1, connector.Ready, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestUnknownDeliveryThatStandsWholeStaysWhenItIsNoLongerApproved(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.MaxTries, b.policy.CircuitFailures = 2, 100
		b.erp.lose = 1
		b.erp.fail = func(op string) error {
			if op == "find" {
				return errDown
			}
			return nil
		}
		e := b.posted(three)
		require.Equal(t, engine.Parked, b.status("R1").State)
		b.erp.set(func() { b.erp.fail = nil })
		b.change(e, 1, connector.NotYet, three)
		_, sends, backs := b.erp.counts()
		require.Equal(t, []int{1, 0}, []int{sends, backs})
		require.Equal(t, engine.Confirmed, b.status("R1").State, "it was delivered while it was approved")
	})
}

func TestHalfASetThatIsNoLongerApprovedParksWhereItCannotBeLookedAtOrTakenBack(t *testing.T) {
	for name, c := range map[string]struct {
		obstruct func(b *bench)
		cause    string
	}{
		"the target does not answer": {func(b *bench) {
			b.erp.fail = func(op string) error {
				if op == "find" {
					return errDown
				}
				return nil
			}
		}, engine.CodeExhausted},
		"something else stands there": {func(b *bench) { b.erp.presence = connector.Different }, engine.CodeDiffers},
		"what stands is posted and stays": {func(b *bench) {
			b.erp.fail = func(op string) error {
				if op == "reverse" {
					return connector.ErrRejected
				}
				return nil
			}
		}, engine.CodeReversalRefused},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				e := b.halfDone()
				b.erp.set(func() { c.obstruct(b) })
				_, before, _ := b.erp.counts()
				b.change(e, 1, connector.NotYet, three)
				s := b.status("R1")
				require.Equal(t, []any{engine.Parked, engine.Unknown, c.cause}, []any{s.State, s.Effect, s.Cause})
				require.Zero(t, s.Due)
				require.Len(t, b.erp.all(), 2)
				b.erp.set(func() { b.erp.fail, b.erp.presence = nil, "" })
				require.Equal(t, 1, b.replay(e, storage.Query{}))
				pass(time.Minute)
				require.Equal(t, engine.Waiting, b.status("R1").State, "mended, it rests")
				require.Empty(t, b.erp.all())
				_, after, _ := b.erp.counts()
				require.Equal(t, before, after)
			})
		})
	}
}

func TestHalfADifferenceThatIsNoLongerApprovedIsTakenBackAndTheFirstStays(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		b.mapper.prefix = "a-"
		b.policy.MaxTries, b.policy.CircuitFailures = 2, 100
		e := b.posted(three)
		b.erp.set(func() {
			made := 0
			b.erp.midway = func() error {
				if made++; made == 1 {
					return errDown
				}
				return nil
			}
			b.erp.fail = func(op string) error {
				if op == "find" {
					return errDown
				}
				return nil
			}
		})
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 20000, "card": 35000, "cash": 800})
		require.Equal(t, engine.Unknown, b.status("R1").Effect)
		require.Len(t, b.erp.all(), 4)
		b.erp.set(func() { b.erp.fail = nil })
		b.change(e, 3, connector.NotYet, three)
		oneSet(b, "the first revision")
		s := b.status("R1")
		require.Equal(t, []any{int64(1), engine.Effective}, []any{s.Revision, s.Effect})
		require.Equal(t, keyOf("R1", 1, 1), b.erp.all()[0].Key)
	})
}

func TestWithdrawnThenReadyAgainIsPostedAgainWithTheNextGeneration(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 1, connector.Withdrawn, nil)
		b.change(e, 1, connector.Ready, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
		require.Equal(t, keyOf("R1", 1, 2), b.erp.all()[0].Key)
		require.Equal(t, "R1-2", b.erp.all()[0].Number)
	})
}

func TestDocumentThatIsNoLongerFoundAfterPostingStays(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.source.set(func() { delete(b.source.docs, "R1") })
		b.notify(e, "R1")
		pass(time.Hour)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestDocumentThatIsNotFoundIsVoidUntilItAppears(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Equal(t, engine.Void, b.status("R1").State)
		b.change(e, 1, connector.Ready, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestPostedDocumentThatIsNotApprovedAnyMoreStays(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 1, connector.NotYet, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestPostedDocumentWhoseNewsCannotBeFetchedStaysPosted(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.CircuitFailures = 1000
		e := b.posted(ten)
		b.source.set(func() { b.source.fetchErr = func(int) error { return errDown } })
		b.notify(e, "R1")
		pass(24 * time.Hour)
		require.Equal(t, engine.WordPosted, b.status("R1").Word)
		require.Greater(t, b.source.fetched(), 50, "it is asked for again and again")
		b.source.set(func() { b.source.fetchErr = nil })
		b.source.put("R1", 1, connector.Withdrawn, nil)
		pass(16 * time.Minute)
		require.Equal(t, engine.Reversed, b.status("R1").State)
	})
}

func TestReceiptThatIsNotFinalIsPolledUntilItIs(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.final = false
		b.posted(ten)
		s := b.status("R1")
		require.Equal(t, engine.Delivered, s.State)
		require.Equal(t, engine.WordSaved, s.Word)
		pass(10 * time.Minute)
		finds, _, _ := b.erp.counts()
		require.InDelta(t, 10, finds, 2, "once a minute")
		b.erp.set(func() { b.erp.final = true })
		pass(2 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestDriftParksAndIsNeverDeliveredAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.final = false
		e := b.posted(ten)
		b.erp.set(func() { delete(b.erp.docs, "emp/R1") })
		pass(2 * time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, engine.CodeDrift, s.Cause)
		b.notify(e, "R1") // a knock is no person's decision
		pass(10 * time.Minute)
		require.Equal(t, engine.CodeDrift, b.status("R1").Cause)
		b.replay(e, storage.Query{})
		pass(10 * time.Minute)
		require.Equal(t, engine.CodeDrift, b.status("R1").Cause)
		require.Empty(t, b.erp.all())
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestDriftThatWasPutBackGoesOnAfterAReplay(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.final = false
		e := b.posted(ten)
		var kept standing
		b.erp.set(func() { kept = b.erp.docs["emp/R1"]; delete(b.erp.docs, "emp/R1") })
		pass(2 * time.Minute)
		b.erp.set(func() { b.erp.docs["emp/R1"] = kept; b.erp.final = true })
		b.replay(e, storage.Query{})
		pass(2 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestDriftThatIsRecalledIsTakenBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.final = false
		e := b.posted(map[string]int64{"a": 1, "b": 2})
		b.erp.set(func() { delete(b.erp.docs, "a/R1") })
		pass(2 * time.Minute)
		b.change(e, 1, connector.Withdrawn, nil)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		require.Empty(t, b.erp.all())
	})
}

func TestSourceIsToldTakenBeforeMappingAndPostedAfterDelivery(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.tell = true
		b.mapper.issues = func(claim) mapping.Issues {
			require.Equal(t, []string{"taken 1"}, b.source.signals())
			return nil
		}
		b.erp.pause = func(context.Context, string, int) { require.Equal(t, []string{"taken 1"}, b.source.signals()) }
		b.posted(ten)
		require.Equal(t, []string{"taken 1", "posted 1"}, b.source.signals())
		require.Len(t, b.source.acks[1].Receipt.Made, 1)
		require.Equal(t, []string{
			"acknowledge attempt", "acknowledge done", "deliver attempt", "deliver made", "acknowledge attempt", "acknowledge done",
		}, b.outcomes())
	})
}

func TestPostedIsToldOnlyWhenFinal(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.tell = true
		b.erp.final = false
		b.posted(ten)
		pass(10 * time.Minute)
		require.Equal(t, []string{"taken 1"}, b.source.signals())
		b.erp.set(func() { b.erp.final = true })
		pass(2 * time.Minute)
		require.Equal(t, []string{"taken 1", "posted 1"}, b.source.signals())
	})
}

func TestSignalThatFailsIsRepeatedWithTheSameID(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.tell = true
		seen := map[string]int{}
		b.source.ackErr = func(s connector.Signal) error {
			seen[string(s.Kind)+s.ID]++
			if seen[string(s.Kind)+s.ID] < 3 {
				return errors.New("busy")
			}
			return nil
		}
		b.posted(ten)
		pass(time.Minute)
		require.Len(t, seen, 2)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestPostedThatCannotBeToldIsParkedAsDeliveredAndToldAfterAReplay(t *testing.T) {
	for name, fault := range map[string]error{
		"transient": errors.New("busy"), "refused": &connector.Rejection{Issues: []connector.Issue{{Code: "no_such_document"}}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.tell = true
				b.policy.MaxTries, b.policy.CircuitFailures = 3, 100
				b.source.ackErr = func(s connector.Signal) error {
					if s.Kind == connector.Posted {
						return fault
					}
					return nil
				}
				e := b.posted(ten)
				s := b.status("R1")
				require.Equal(t, engine.Parked, s.State)
				require.Equal(t, engine.Effective, s.Effect)
				b.source.set(func() { b.source.ackErr = nil })
				b.replay(e, storage.Query{})
				pass(time.Minute)
				require.Equal(t, engine.Confirmed, b.status("R1").State)
				require.Equal(t, []string{"taken 1", "posted 1"}, b.source.signals())
				_, sends, _ := b.erp.counts()
				require.Equal(t, 1, sends)
			})
		})
	}
}

func TestSourceThatAnswersWithdrawnVoidsOrTakesBack(t *testing.T) {
	for kind, want := range map[connector.SignalKind]engine.State{connector.Taken: engine.Void, connector.Posted: engine.Reversed} {
		t.Run(string(kind), func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.tell = true
				b.source.ackErr = func(s connector.Signal) error {
					if s.Kind == kind {
						return fmt.Errorf("status 104: %w", connector.ErrWithdrawn)
					}
					return nil
				}
				b.posted(ten)
				require.Equal(t, want, b.status("R1").State)
				require.Empty(t, b.erp.all())
			})
		})
	}
}

func TestRecallIsSeenAlsoWhileTheSourceCannotBeTold(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.tell = true
		b.policy.CircuitFailures = 100
		b.source.ackErr = func(s connector.Signal) error {
			if s.Kind == connector.Posted {
				return errors.New("busy")
			}
			return nil
		}
		e := b.posted(ten)
		b.change(e, 1, connector.Withdrawn, nil)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		b.source.set(func() { b.source.ackErr = nil })
		pass(time.Hour)
		require.Equal(t, []string{"taken 1"}, b.source.signals(), "posted is no longer true")
	})
}

func TestNewsDuringAReversalAreLookedAtBeforeAPersonIsAsked(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.refuse = map[string]bool{"z": true}
		var e *engine.Engine
		b.erp.pause = func(_ context.Context, op string, _ int) {
			if op == "reverse" {
				b.source.put("R1", 2, connector.Ready, ten)
				_ = e.Notify(context.Background(), notice("R1"))
			}
		}
		b.source.put("R1", 1, connector.Ready, map[string]int64{"a": 1, "z": 3})
		e = b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Equal(t, int64(2), s.Revision)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestApprovedDocumentThatIsNotFoundOnceIsPostedAllTheSame(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.source.fetchErr = func(n int) error {
			if n <= 2 {
				return connector.ErrNotFound
			}
			return nil
		}
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestSweepWakesADocumentThatWasNotFoundAndIsStillListed(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.Sweep = 10 * time.Minute
		b.source.listed = true
		b.source.put("R1", 1, connector.Ready, ten)
		b.source.fetchErr = func(n int) error {
			if n <= 3 {
				return connector.ErrNotFound
			}
			return nil
		}
		e := b.engine()
		b.start(e)
		pass(5 * time.Minute)
		require.Equal(t, engine.Void, b.status("R1").State)
		pass(10 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestTheSameRevisionWithAnotherAmountAfterPostingIsForAPerson(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 1, connector.Ready, map[string]int64{"emp": 2500})
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, engine.CodeSecondRevision, s.Cause)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestTransfersOfAFlowThatIsGoneAreToldOf(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.fail = func(string) error { return errDown }
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		stop := b.start(e)
		pass(time.Minute)
		stop()
		without, err := engine.New(b.store, audit.NewTrail(b.log, nil), nil)
		require.NoError(t, err)
		lost, err := without.Orphans(t.Context(), tenant)
		require.NoError(t, err)
		require.Len(t, lost, 1)
		kept, err := b.engine().Orphans(t.Context(), tenant)
		require.NoError(t, err)
		require.Empty(t, kept)
	})
}
