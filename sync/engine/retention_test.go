package engine_test

import (
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

const day = 24 * time.Hour

// old is a bench with R1 posted 40 days ago under a policy that keeps contents,
// or rows, for 30.
func (b *bench) old(rows bool) *engine.Engine {
	b.t.Helper()
	b.opts.Poll = day // nothing but this process writes
	if rows {
		b.policy.KeepRows = 30 * day
	} else {
		b.policy.KeepContents = 30 * day
	}
	e := b.posted(ten)
	pass(29 * day)
	_, err := e.Get(b.t.Context(), id("R1"))
	require.NoError(b.t, err)
	var c claim
	require.NoError(b.t, e.Document(b.t.Context(), b.status("R1"), &c), "not before its time")
	pass(11 * day)
	return e
}

func TestContentsAreDroppedAfterTheirTimeAndTheTransferStays(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.old(false)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Len(t, s.Receipt.Made, 1)
		var c claim
		require.ErrorIs(t, e.Document(t.Context(), s, &c), storage.ErrNotFound)
		require.ErrorIs(t, e.Posting(t.Context(), s, &bills{}), storage.ErrNotFound)
		require.Contains(t, b.audited(), "purge contents claim/R1")
		rev := s.Rev
		pass(10 * day)
		require.Equal(t, rev, b.status("R1").Rev, "once is enough")
	})
}

func TestLateEventForDroppedContentsBringsThemNotBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.old(false)
		b.change(e, 1, connector.Ready, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		var c claim
		require.ErrorIs(t, e.Document(t.Context(), b.status("R1"), &c), storage.ErrNotFound)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestLaterRevisionAfterContentsWereDroppedIsComparedByHash(t *testing.T) {
	for name, c := range map[string]struct {
		amounts map[string]int64
		state   engine.State
		cause   string
	}{
		"unchanged": {ten, engine.Confirmed, ""},
		"changed":   {map[string]int64{"emp": 77}, engine.Parked, engine.CodeSecondRevision},
		"zero":      {map[string]int64{"emp": 0}, engine.Parked, engine.CodeSecondRevision},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.differ = true
				e := b.old(false)
				b.change(e, 2, connector.Ready, c.amounts)
				s := b.status("R1")
				require.Equal(t, []any{c.state, c.cause}, []any{s.State, s.Cause})
				require.Len(t, b.erp.all(), 1)
			})
		})
	}
}

func TestRecallAfterContentsWereDroppedIsForAPerson(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.old(false)
		b.change(e, 1, connector.Withdrawn, nil)
		require.Equal(t, engine.CodeContentGone, b.status("R1").Cause)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestOnlyWhatIsAtItsEndIsPurged(t *testing.T) {
	for want, prepare := range map[engine.State]func(b *bench){
		engine.Parked:    func(b *bench) { b.mapper.issues = unmapped },
		engine.Delivered: func(b *bench) { b.erp.final = false },
		engine.Returned: func(b *bench) {
			b.tell, b.mapper.issues, b.policy.Return = true, unmapped, map[string]time.Duration{engine.AnyCause: 0}
		},
	} {
		t.Run(string(want), func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				prepare(b)
				b.policy.Poll, b.opts.Poll = day, day
				b.policy.KeepRows, b.policy.KeepContents = 30*day, 30*day
				e := b.posted(bad)
				pass(60 * day)
				require.Equal(t, want, b.status("R1").State)
				var c claim
				require.NoError(t, e.Document(t.Context(), b.status("R1"), &c))
			})
		})
	}
}

func TestTransferIsRemovedAfterItsTime(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.old(true)
		_, err := e.Get(t.Context(), id("R1"))
		require.ErrorIs(t, err, storage.ErrNotFound)
		require.Contains(t, b.audited(), "purge row claim/R1")
		b.verifyAudit()
	})
}

func TestLateEventForATransferThatWasRemovedPostsNothingAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.old(true)
		_, sends, _ := b.erp.counts()
		for _, phase := range []connector.Phase{connector.Ready, connector.NotYet, connector.Ready} {
			b.change(e, 1, phase, ten)
			s := b.status("R1")
			require.Equal(t, []any{engine.Confirmed, engine.CausePurged, engine.WordPosted}, []any{s.State, s.Cause, s.Word})
		}
		_, after, _ := b.erp.counts()
		require.Equal(t, sends, after)
		pass(60 * day) // it is removed once more
		b.change(e, 1, connector.Ready, ten)
		require.Equal(t, engine.CausePurged, b.status("R1").Cause)
		_, after, _ = b.erp.counts()
		require.Equal(t, sends, after)
	})
}

func TestLaterRevisionOrRecallOfARemovedTransferIsForAPerson(t *testing.T) {
	for want, c := range map[string]struct {
		revision int64
		phase    connector.Phase
	}{
		engine.CodeSecondRevision: {2, connector.Ready}, engine.CodeContentGone: {1, connector.Withdrawn},
	} {
		t.Run(want, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				e := b.old(true)
				b.change(e, c.revision, c.phase, ten)
				require.Equal(t, []any{engine.Parked, want}, []any{b.status("R1").State, b.status("R1").Cause})
				b.replay(e, storage.Query{})
				pass(time.Minute)
				require.Equal(t, want, b.status("R1").Cause, "a replay posts it no more than before")
				require.Len(t, b.erp.all(), 1)
			})
		})
	}
}

func TestRecalledDocumentThatComesAgainAfterItWasRemovedUsesNoNumberAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.KeepRows, b.opts.Poll = 30*day, day
		e := b.posted(ten)
		b.change(e, 1, connector.Withdrawn, nil)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		pass(40 * day)
		_, err := e.Get(t.Context(), id("R1"))
		require.ErrorIs(t, err, storage.ErrNotFound)
		b.change(e, 1, connector.Ready, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
		require.Equal(t, keyOf("R1", 1, 2), b.erp.all()[0].Key)
	})
}

func TestRevisionThatWasReturnedIsNotPostedThoughItsTransferWasRemoved(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.KeepRows, b.opts.Poll = 30*day, day
		mended := false
		b.tell = true
		b.mapper.issues = func(c claim) mapping.Issues {
			if mended {
				return nil
			}
			return unmapped(c)
		}
		e := b.posted(bad)
		b.giveBack(e)
		b.change(e, 1, connector.Withdrawn, nil) // void: at its end
		pass(40 * day)
		_, err := e.Get(t.Context(), id("R1"))
		require.ErrorIs(t, err, storage.ErrNotFound)
		mended = true
		b.change(e, 1, connector.Ready, bad)
		require.Empty(t, b.erp.all())
		b.change(e, 2, connector.Ready, bad)
		require.Len(t, b.erp.all(), 1)
	})
}

// returnedAndGone is R1 of which the revision 1 with a handle "first" was given
// back, recalled at the source and removed.
func (b *bench) returnedAndGone() *engine.Engine {
	b.t.Helper()
	b.policy.KeepRows, b.opts.Poll = 30*day, day
	e := b.failing()
	b.handled(e, "first", bad)
	require.Equal(b.t, 1, b.giveBack(e))
	b.change(e, 1, connector.Withdrawn, nil) // void: at its end
	b.gone(e)
	return e
}

// gone lets so much time pass that R1 is removed.
func (b *bench) gone(e *engine.Engine) {
	b.t.Helper()
	pass(40 * day)
	_, err := e.Get(b.t.Context(), id("R1"))
	require.ErrorIs(b.t, err, storage.ErrNotFound)
}

func TestCorrectedUnderTheReturnedNumberIsPostedOnceThoughItsTransferWasRemoved(t *testing.T) {
	for name, late := range map[string]bool{"at once": false, "after a late event for what was returned": true} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				e := b.returnedAndGone()
				if late {
					b.handled(e, "first", ten)
					require.Equal(t, engine.Returned, b.status("R1").State)
				}
				b.handled(e, "second", ten)
				require.Equal(t, engine.Confirmed, b.status("R1").State)
				b.handled(e, "first", bad)
				b.handled(e, "second", ten)
				require.Len(t, b.erp.all(), 1)
				require.Equal(t, keyOf("R1", 1, 2), b.erp.all()[0].Key, "a key of its own")
				require.Equal(t, []string{"taken 1", "taken 1", "failed 1", "taken 1", "posted 1"}, b.source.signals())
				require.NotEqual(t, b.source.acks[1].ID, b.source.acks[3].ID)
				b.gone(e)
				b.handled(e, "second", ten)
				b.handled(e, "first", ten)
				require.Len(t, b.erp.all(), 1, "what stands is not posted again")
				require.Equal(t, engine.CausePurged, b.status("R1").Cause)
			})
		})
	}
}

func TestReturnedHandleIsNeverPostedThoughItsTransferWasRemovedTwice(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.returnedAndGone()
		b.handled(e, "first", ten)
		b.change(e, 1, connector.Withdrawn, nil)
		b.gone(e)
		b.handled(e, "first", ten)
		require.Empty(t, b.erp.all())
		require.Equal(t, engine.Returned, b.status("R1").State)
	})
}

func TestCorrectedBesideWhatStandsIsForAPersonWhenTheTransferWasRemoved(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.KeepRows, b.opts.Poll = 30*day, day
		b.tell = true
		b.mapper.issues = unmapped
		e := b.posted(ten)
		second := func(handle string, amounts map[string]int64) {
			b.source.put("R1", 2, connector.Ready, amounts)
			b.source.set(func() {
				d := b.source.docs["R1"]
				d.Handle = handle
				b.source.docs["R1"] = d
			})
			b.notify(e, "R1")
			pass(time.Minute)
		}
		second("first", bad)
		require.Equal(t, 1, b.giveBack(e))
		b.source.set(func() { delete(b.source.docs, "R1") })
		b.notify(e, "R1")
		pass(time.Hour)
		require.Equal(t, engine.Confirmed, b.status("R1").State, "the first revision stands")
		b.gone(e)
		second("first", map[string]int64{"emp": 1})
		require.Equal(t, engine.CausePurged, b.status("R1").Cause, "what was given back changes nothing")
		second("second", map[string]int64{"emp": 1})
		require.Equal(t, engine.CodeSecondRevision, b.status("R1").Cause, "what was sent anew is not lost")
		require.Len(t, b.erp.all(), 1)
	})
}

func TestRemovedTransferThatCameBackAndEndedOtherwiseStillKnowsWhatStands(t *testing.T) {
	for name, end := range map[string]func(b *bench, e *engine.Engine){
		"gone after a second revision was parked": func(b *bench, e *engine.Engine) {
			b.change(e, 2, connector.Ready, map[string]int64{"emp": 1})
			require.Equal(b.t, engine.CodeSecondRevision, b.status("R1").Cause)
			b.source.set(func() { delete(b.source.docs, "R1") })
			b.notify(e, "R1")
			pass(time.Hour)
		},
		"a second revision that is not approved": func(b *bench, e *engine.Engine) {
			b.change(e, 2, connector.NotYet, ten)
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				e := b.old(true)
				end(b, e)
				b.gone(e)
				b.change(e, 1, connector.Ready, ten)
				require.Equal(t, engine.CausePurged, b.status("R1").Cause, "not posted again")
				b.change(e, 2, connector.Ready, map[string]int64{"emp": 1})
				require.Equal(t, engine.CodeSecondRevision, b.status("R1").Cause, "not lost")
				require.Len(t, b.erp.all(), 1)
			})
		})
	}
}

func TestKeepingOfRowsCountsFromTheEndAndNotFromTheDropOfContents(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.KeepContents, b.policy.KeepRows, b.opts.Poll = 10*day, 30*day, day
		e := b.posted(ten)
		pass(15 * day)
		require.ErrorIs(t, e.Document(t.Context(), b.status("R1"), &claim{}), storage.ErrNotFound)
		pass(14 * day)
		require.Equal(t, engine.Confirmed, b.status("R1").State, "not before its time")
		pass(4 * day)
		_, err := e.Get(t.Context(), id("R1"))
		require.ErrorIs(t, err, storage.ErrNotFound)
	})
}

func TestPurgeWaitsWhereTheAuditTrailRefuses(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.KeepRows, b.opts.Poll = 30*day, day
		b.posted(ten)
		pass(time.Hour)
		log := &refusing{Log: b.log}
		log.set(func([]audit.Record) bool { return true })
		e, err := engine.New(b.store, audit.NewTrail(log, nil), nil)
		require.NoError(t, err)
		require.NoError(t, engine.Add(e, engine.Flow[claim, bills]{
			Tenant: tenant, Name: "claims", Target: "erp", Source: b.source, Mapper: b.mapper, Sink: b.erp, Policy: &b.policy,
		}))
		pass(29*day + 22*time.Hour)
		_, err = e.Purge(t.Context(), tenant, "claims")
		require.NoError(t, err, "not its time yet")
		pass(3 * time.Hour)
		_, err = b.store.Get(t.Context(), id("R1"))
		if err == nil {
			_, err = e.Purge(t.Context(), tenant, "claims")
			require.Error(t, err)
			_, err = b.store.Get(t.Context(), id("R1"))
		}
		require.NoError(t, err)
	})
}

func TestKilledAtAnyPointOfAPurgeAndThenALateEventPostsNothingAgain(t *testing.T) {
	points := 0
	for k := 1; ; k++ {
		killed := false
		in(t, func(t *testing.T, b *bench) {
			e := b.engine()
			b.source.put("R1", 1, connector.Ready, ten)
			b.notify(e, "R1")
			b.run(e, time.Minute)
			b.policy.KeepRows = day
			b.opts.Poll = time.Minute
			_, err := b.engine().Purge(t.Context(), tenant, "claims") // leaves the mark
			require.NoError(t, err)
			pass(2 * day)
			b.wire = newTripwire(k)
			_, err = b.engine().Purge(t.Context(), tenant, "claims")
			killed = b.wire.at > 0 && b.wire.count >= k
			require.Equal(t, killed, err != nil)
			b.wire = nil
			where := fmt.Sprint("killed at point ", k)
			pass(10 * time.Minute)
			e = b.engine()
			b.notify(e, "R1")
			b.run(e, 10*time.Minute)
			require.Equal(t, engine.Confirmed, b.status("R1").State, where)
			_, sends, _ := b.erp.counts()
			require.Equal(t, 1, sends, where)
			require.Len(t, b.erp.all(), 1, where)
			b.verifyAudit()
		})
		if !killed {
			break
		}
		points++
	}
	require.Greater(t, points, 12)
	t.Logf("%d crash points", points)
}

// audited are the records of R1: action, outcome and subject.
func (b *bench) audited() []string {
	b.t.Helper()
	rs, _, err := b.log.Read(b.t.Context(), audit.Query{Tenant: tenant, Subject: "claim/R1"})
	require.NoError(b.t, err)
	var out []string
	for _, r := range rs {
		out = append(out, r.Action+" "+r.Outcome+" "+r.Subject)
	}
	return out
}
