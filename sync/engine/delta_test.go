package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// deltaMapper is a toyMapper that makes deltas: for each party the difference of
// the amounts, under a number of its own.
type deltaMapper struct{ toyMapper }

func (deltaMapper) Diff(prior, next bills) (bills, bool, error) {
	had, has, number := map[string]int64{}, map[string]int64{}, ""
	for _, b := range prior.Bills {
		had[b.Party] += b.Amount
		number = b.Number
	}
	for _, b := range next.Bills {
		has[b.Party] += b.Amount
		if b.Party[len(b.Party)-3:] == "???" {
			return bills{}, true, mapping.Issues{{Code: "no_delta", Owner: connector.Finance}}
		}
	}
	all := maps.Clone(had)
	maps.Copy(all, has)
	var delta bills
	for _, party := range slices.Sorted(maps.Keys(all)) {
		if d := has[party] - had[party]; d != 0 {
			delta.Bills = append(delta.Bills, bill{Party: party, Number: fmt.Sprintf("%s~%d~%d", number, had[party], has[party]), Amount: d})
		}
	}
	return delta, len(delta.Bills) > 0, nil
}

// owed is what stands in the target for each party, over all mappings.
func (e *toyERP) owed() map[string]int64 {
	out := map[string]int64{}
	for _, s := range e.all() {
		party := s.Party
		if len(party) > 2 && party[1] == '-' {
			party = party[2:]
		}
		if out[party] += s.Amount; out[party] == 0 {
			delete(out, party)
		}
	}
	return out
}

func owes(party string, amount int64) map[string]int64 { return map[string]int64{party: amount} }

func TestChangedSecondRevisionPostsTheDifferenceBesideTheFirst(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ, b.tell = true, true
		e := b.posted(owes("emp", 10000))
		b.change(e, 2, connector.Ready, owes("emp", 12000))
		docs := b.erp.all()
		require.Len(t, docs, 2)
		require.Equal(t, []any{int64(10000), keyOf("R1", 1, 1)}, []any{docs[0].Amount, docs[0].Key})
		require.Equal(t, []any{int64(2000), keyOf("R1", 2, 1)}, []any{docs[1].Amount, docs[1].Key})
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Len(t, s.Beside, 1)
		require.Equal(t, []string{"taken 1", "posted 1", "taken 2", "posted 2"}, b.source.signals())
	})
}

func TestDifferenceOfZeroInAllStillMovesBetweenParties(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		e := b.posted(owes("cc10", 10000))
		b.change(e, 2, connector.Ready, owes("cc20", 10000))
		require.Len(t, b.erp.all(), 3)
		require.Equal(t, owes("cc20", 10000), b.erp.owed())
	})
}

func TestThirdRevisionIsComparedWithTheWholeOfTheSecond(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		e := b.posted(owes("emp", 10000))
		b.change(e, 2, connector.Ready, owes("emp", 12000))
		b.change(e, 3, connector.Ready, owes("emp", 12000)) // changes nothing
		b.change(e, 4, connector.Ready, owes("emp", 9000))
		require.Equal(t, owes("emp", 9000), b.erp.owed())
		require.Len(t, b.erp.all(), 3)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestSecondRevisionInARowThatComesToNothingRests(t *testing.T) {
	for name, later := range map[string]map[string]int64{"the same": {"emp": 0}, "another party": {"emp": 0, "card": 0}} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.differ, b.tell = true, true
				e := b.posted(owes("emp", 10000))
				b.change(e, 2, connector.Ready, map[string]int64{"emp": 0})
				require.Empty(t, b.erp.owed())
				_, before, _ := b.erp.counts()
				b.change(e, 3, connector.Ready, later)
				s := b.status("R1")
				require.Equal(t, []any{engine.Confirmed, "", int64(3)}, []any{s.State, s.Cause, s.Revision})
				require.Contains(t, s.History[len(s.History)-2].Text, "comes to nothing")
				_, after, _ := b.erp.counts()
				require.Equal(t, before, after, "nothing is sent")
				require.Equal(t, "posted 3", b.source.signals()[len(b.source.signals())-1])
				b.change(e, 4, connector.Ready, owes("emp", 500))
				require.Equal(t, owes("emp", 500), b.erp.owed())
				b.change(e, 4, connector.Withdrawn, nil)
				require.Empty(t, b.erp.all())
			})
		})
	}
}

func TestSecondRevisionInARowThatComesToNothingRestsAlsoAfterContentsWereDropped(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		b.policy.KeepContents, b.opts.Poll = 30*day, day
		e := b.posted(owes("emp", 10000))
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 0})
		pass(40 * day)
		b.change(e, 3, connector.Ready, map[string]int64{"emp": 0})
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Empty(t, b.erp.owed())
	})
}

func TestRecallTakesBackTheWholeAndEveryDelta(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		e := b.posted(owes("emp", 10000))
		b.change(e, 2, connector.Ready, owes("emp", 12000))
		b.change(e, 3, connector.Ready, owes("emp", 13000))
		require.Len(t, b.erp.all(), 3)
		b.change(e, 3, connector.Withdrawn, nil)
		require.Empty(t, b.erp.all())
		require.Equal(t, engine.Reversed, b.status("R1").State)
		b.change(e, 3, connector.Ready, owes("emp", 13000))
		require.Equal(t, owes("emp", 13000), b.erp.owed())
		require.Len(t, b.erp.all(), 1, "posted whole again")
	})
}

func TestFirstRevisionThatIsNotFinalIsTakenBackAndTheSecondPostedWhole(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ, b.erp.final = true, false
		e := b.posted(owes("emp", 10000))
		require.Equal(t, engine.Delivered, b.status("R1").State)
		b.change(e, 2, connector.Ready, owes("emp", 12000))
		require.Len(t, b.erp.all(), 1)
		require.Equal(t, owes("emp", 12000), b.erp.owed())
		require.Equal(t, engine.Delivered, b.status("R1").State)
		b.erp.set(func() { b.erp.final = true })
		pass(5 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Empty(t, b.status("R1").Beside)
	})
}

func TestDeltaThatIsNotFinalIsReplacedAndTheFirstStays(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		e := b.posted(owes("emp", 10000))
		b.erp.set(func() { b.erp.final = false })
		b.change(e, 2, connector.Ready, owes("emp", 12000))
		require.Equal(t, engine.Delivered, b.status("R1").State)
		b.change(e, 3, connector.Ready, owes("emp", 15000))
		docs := b.erp.all()
		require.Len(t, docs, 2)
		require.Equal(t, []int64{10000, 5000}, []int64{docs[0].Amount, docs[1].Amount})
	})
}

// wholeMapper says that postings differ and gives the whole as their difference.
type wholeMapper struct{ toyMapper }

func (wholeMapper) Diff(prior, next bills) (bills, bool, error) {
	return next, fmt.Sprint(prior) != fmt.Sprint(next), nil
}

func TestDeltaThatIsTheWholeAgainIsNeverPosted(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(owes("emp", 10000))
		require.NoError(t, engine.Add(e, engine.Flow[claim, bills]{
			Tenant: tenant, Name: "whole", Target: "other", Source: b.source, Mapper: wholeMapper{}, Sink: b.erp, Policy: &b.policy,
		}))
		for revision := range int64(2) {
			b.source.put("R2", revision+1, connector.Ready, owes("emp", 100*(revision+1)))
			n := notice("R2")
			n.Flow = "whole"
			require.NoError(t, e.Notify(t.Context(), n))
			pass(time.Minute)
		}
		s, err := e.Get(t.Context(), storage.ID{Tenant: tenant, Target: "other", Document: "claim/R2"})
		require.NoError(t, err)
		require.Equal(t, engine.CodeSecondRevision, s.Cause)
		require.Equal(t, owes("emp", 10100), b.erp.owed())
	})
}

func TestMapperThatCannotMakeADeltaParksWithItsIssues(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		e := b.posted(owes("emp", 10000))
		b.change(e, 2, connector.Ready, owes("e???", 12000))
		require.Equal(t, "no_delta", b.status("R1").Cause)
		require.Equal(t, owes("emp", 10000), b.erp.owed())
	})
}

func TestRefusedDeltaIsTakenBackAloneAndPostedAfterAReplay(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		e := b.posted(owes("emp", 10000))
		b.erp.set(func() { b.erp.refuse = map[string]bool{"zed": true} })
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 12000, "zed": 5})
		require.Equal(t, engine.Parked, b.status("R1").State)
		require.Equal(t, owes("emp", 10000), b.erp.owed())
		b.erp.set(func() { b.erp.refuse = nil })
		b.replay(e, storage.Query{})
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Equal(t, map[string]int64{"emp": 12000, "zed": 5}, b.erp.owed())
	})
}

func TestSameRevisionWithAnotherAmountIsPostedAsADeltaUnderItsOwnKey(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		e := b.posted(owes("emp", 10000))
		b.change(e, 1, connector.Ready, owes("emp", 12000))
		require.Equal(t, owes("emp", 12000), b.erp.owed())
		require.Equal(t, keyOf("R1", 1, 2), b.erp.all()[1].Key)
	})
}

func TestDocumentThatChangesTooOftenIsForAPerson(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.differ = true
		e := b.posted(owes("emp", 1000))
		for n := range int64(8) {
			b.change(e, n+2, connector.Ready, owes("emp", 1000+n+1))
		}
		require.Equal(t, engine.CodeSecondRevision, b.status("R1").Cause)
		b.change(e, 20, connector.Withdrawn, nil)
		require.Empty(t, b.erp.all(), "what stands is known all the same")
	})
}

// secondAfterFirst is a story in which the first revision is posted before.
func secondAfterFirst(act func(b *bench), check func(b *bench, where string)) story {
	return story{
		prepare: func(b *bench) { b.differ, b.tell = true, true },
		before:  func(b *bench, e *engine.Engine) { ready(b); b.notify(e, "R1"); b.run(e, time.Minute) },
		act:     act, check: check,
	}
}

var changed = map[string]int64{"emp": 12500, "cash": 700, "new": 33}

func TestKilledAtAnyPointOfADeltaPostsTheDifferenceOnce(t *testing.T) {
	secondAfterFirst(
		func(b *bench) { b.source.put("R1", 2, connector.Ready, changed) },
		func(b *bench, where string) {
			require.Equal(b.t, changed, b.erp.owed(), where)
			require.Equal(b.t, engine.Confirmed, b.status("R1").State, where)
		},
	).tell(t, "before audit deliver attempt", "after create a-emp", "before Update delivering", "after Update delivering")
}

func TestKilledAtAnyPointOfARecallOfADeltaTakesEverythingBack(t *testing.T) {
	s := secondAfterFirst(
		func(b *bench) { b.source.put("R1", 2, connector.Withdrawn, nil) },
		func(b *bench, where string) {
			require.Empty(b.t, b.erp.all(), where)
			require.Equal(b.t, engine.Reversed, b.status("R1").State, where)
		},
	)
	first := s.before
	s.before = func(b *bench, e *engine.Engine) {
		first(b, e)
		b.source.put("R1", 2, connector.Ready, changed)
		e = b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
	}
	s.tell(t, "after Reverse", "after taking back", "after Update reversing")
}

func TestKilledAtAnyPointWhileARevisionThatIsNotFinalIsReplaced(t *testing.T) {
	s := secondAfterFirst(
		func(b *bench) { b.source.put("R1", 2, connector.Ready, changed) },
		func(b *bench, where string) {
			require.Equal(b.t, changed, b.erp.owed(), where)
			require.Len(b.t, b.erp.all(), 3, "%s: one set", where)
		},
	)
	s.prepare = func(b *bench) { b.differ, b.erp.final, b.policy.Poll = true, false, 25*time.Minute }
	s.tell(t, "after Reverse", "after Update reversing", "after create a-emp")
}
