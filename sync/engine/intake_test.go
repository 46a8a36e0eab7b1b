package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

func in(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.opts.Poll = time.Second
		f(t, b)
		b.verifyAudit()
	})
}

var ten = map[string]int64{"emp": 1000}

func TestNoticeBecomesAConfirmedPosting(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, map[string]int64{"emp": 10000, "card": 2500})
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Equal(t, engine.WordPosted, s.Word)
		require.Equal(t, "corr-R1", s.Correlation)
		require.Equal(t, 1, s.Attempts)
		require.Len(t, b.erp.all(), 2)
		require.True(t, s.Due.IsZero(), "a confirmed document is never due")
	})
}

func TestFiftyNoticesAtOnceMakeOneSetAndAreAnsweredByOneMoreFetch(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.slow = 10 * time.Second
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(5 * time.Second) // inside Deliver
		for range 50 {
			go func() { _ = e.Notify(t.Context(), notice("R1")) }()
		}
		pass(time.Minute)
		require.Equal(t, 2, b.source.fetched())
		require.Len(t, b.erp.all(), 1)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestDocumentThatIsNotApprovedWaitsAndIsPostedWhenItBecomesReady(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.NotYet, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Hour)
		s := b.status("R1")
		require.Equal(t, engine.Waiting, s.State)
		require.Equal(t, engine.WordWaiting, s.Word)
		require.Equal(t, "phase not_yet", s.Why)
		require.Equal(t, 1, b.source.fetched(), "it is not asked again by itself")
		require.Empty(t, b.erp.all())
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(e, "R1")
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestSweepFindsTheDocumentWhoseEventNeverCame(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.Sweep = 10 * time.Minute
		b.source.listed = true
		e := b.engine()
		b.start(e)
		pass(time.Minute)
		b.source.put("R1", 1, connector.Ready, ten)
		pass(11 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		p, err := e.Progress(t.Context(), tenant, "claims")
		require.NoError(t, err)
		require.Equal(t, int64(1), p.Found)
		require.False(t, p.LastSweep.IsZero())
	})
}

func TestSweepDoesNotWakeAVersionThatIsKnown(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.Sweep = time.Minute
		b.source.listed = true
		b.source.put("R1", 1, connector.Ready, ten)
		b.source.put("R2", 1, connector.NotYet, ten)
		b.start(b.engine())
		pass(time.Hour)
		require.Equal(t, 2, b.source.fetched())
		b.source.put("R2", 1, connector.Ready, ten)
		pass(2 * time.Minute)
		require.Equal(t, 3, b.source.fetched())
		require.Equal(t, engine.Confirmed, b.status("R2").State)
	})
}

func TestSweepThatCarriesDocumentsLeavesTheDeliveriesToTheWorkers(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.Sweep = time.Hour
		b.source.listed, b.source.carry = true, true
		b.erp.slow = 10 * time.Second
		for i := range 8 {
			b.source.put(fmt.Sprint("R", i), 1, connector.Ready, ten)
		}
		b.start(b.engine())
		pass(15 * time.Second)
		require.Len(t, b.erp.all(), 8, "eight workers deliver at once, not one sweep after the other")
		require.Less(t, b.source.fetched(), 8, "what the sweep brought need not be fetched again")
	})
}

func TestQueueReadFromItsHeadIsEmptiedByTakenSignals(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.Sweep = time.Hour
		b.tell = true
		b.source.listed, b.source.carry, b.source.head = true, true, true
		for i := range 5 {
			b.source.put(fmt.Sprint("R", i), 1, connector.Ready, ten)
		}
		b.start(b.engine())
		pass(time.Minute)
		require.Len(t, b.erp.all(), 5)
		require.Equal(t, 2, b.source.pages, "one page with all, and one that is empty")
	})
}

func TestSweepOfAQueueThatCannotBeEmptiedEnds(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.Sweep = time.Hour
		b.source.listed, b.source.carry, b.source.head = true, true, true
		b.tell = true
		b.source.ackErr = func(connector.Signal) error { return fmt.Errorf("source is busy") }
		b.source.put("R1", 1, connector.Ready, ten)
		b.start(b.engine())
		pass(10 * time.Minute)
		require.LessOrEqual(t, b.source.pages, 4)
	})
}

func TestDocumentThatNoRowCanStandForDoesNotStopTheSweep(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.Sweep = time.Hour
		b.source.listed = true
		b.source.put(strings.Repeat("x", 250), 1, connector.Ready, ten)
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.start(e)
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Equal(t, int64(1), e.Unrouted(), "it is counted")
	})
}

func TestNoticeThatNoFlowTakesIsCountedAndNoError(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.engine()
		require.NoError(t, e.Notify(t.Context(), connector.Notice{Tenant: tenant, Ref: connector.Ref{Kind: "voucher", ID: "V1"}}))
		require.NoError(t, e.Notify(t.Context(), connector.Notice{Tenant: "other", Ref: connector.Ref{Kind: "claim", ID: "R1"}}))
		require.Equal(t, int64(2), e.Unrouted())
	})
}

func TestNoticeThatCannotBeKeptIsAnError(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.engine()
		for _, n := range []connector.Notice{
			{Tenant: tenant, Ref: connector.Ref{Kind: "claim"}},
			{Tenant: tenant, Ref: connector.Ref{ID: "R1"}},
			{Tenant: tenant, Ref: connector.Ref{Kind: "cl/aim", ID: "R1"}},
			{Tenant: tenant, Ref: connector.Ref{Kind: "claim", ID: strings.Repeat("x", 200)}},
			{Tenant: tenant, Ref: connector.Ref{Kind: "claim", ID: "\xff"}},
			{Tenant: tenant, Flow: "none", Ref: connector.Ref{Kind: "claim", ID: "R1"}},
		} {
			require.Error(t, e.Notify(t.Context(), n))
		}
	})
}

func TestKnockDuringALeaseIsNotLostAndLetsNoSecondWorkerIn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.slow = 30 * time.Second
		e, other := b.engine(), b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Second)
		b.start(other)
		pass(time.Second)
		b.notify(other, "R1")
		row, err := b.store.Get(t.Context(), id("R1"))
		require.NoError(t, err)
		require.Greater(t, time.Until(row.Due), time.Minute, "due at the end of the lease, not now")
		pass(20 * time.Second)
		require.Equal(t, 1, b.source.fetched(), "nobody else came in")
		pass(time.Minute)
		require.Equal(t, 2, b.source.fetched(), "one more look when the holder is done")
		require.Equal(t, 1, b.erp.most)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestHintOfTheEventReachesFetchAlsoAfterASweepThatKnowsLess(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.NotYet, ten)
		hints := make(chan string, 10)
		src := hinted{b.source, hints}
		e, err := engine.New(b.store, b.trail(), &b.opts)
		require.NoError(t, err)
		require.NoError(t, engine.Add(e, engine.Flow[claim, bills]{
			Tenant: tenant, Name: "claims", Target: "erp", Source: src, Mapper: b.mapper, Sink: b.erp, Policy: &b.policy,
		}))
		b.source.listed = true
		n := notice("R1")
		n.Ref.Hint = "https://example.com/users?id=7&owner=ann&x=" + strings.Repeat("y&", 60)
		require.NoError(t, e.Notify(t.Context(), n))
		b.start(e)
		pass(time.Minute)
		require.NoError(t, e.Sweep(t.Context(), tenant, "claims"))
		pass(time.Minute)
		require.Equal(t, n.Ref.Hint, <-hints)
		require.Equal(t, n.Ref.Hint, <-hints)
	})
}

type hinted struct {
	*toySource
	hints chan string
}

func (s hinted) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[claim], error) {
	s.hints <- ref.Hint
	return s.toySource.Fetch(ctx, ref)
}

func (b *bench) trail() *audit.Trail { return audit.NewTrail(b.log, nil) }

// two adds a second flow to one target.
func (b *bench) second(e *engine.Engine, src connector.Source[claim], prefix string) {
	b.t.Helper()
	require.NoError(b.t, engine.Add(e, engine.Flow[claim, bills]{
		Tenant: tenant, Name: "second", Target: "erp", Source: src, Mapper: toyMapper{prefix: prefix}, Sink: b.erp, Policy: &b.policy,
	}))
}

func TestOfTwoFlowsWithOneTargetTheFirstThatSeesADocumentReadyOwnsIt(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		late := newToySource()
		b.source.put("R1", 1, connector.NotYet, ten)
		late.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.second(e, late, "late-")
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Equal(t, engine.Waiting, b.status("R1").State)
		n := notice("R1")
		n.Flow = "second"
		require.NoError(t, e.Notify(t.Context(), n))
		pass(time.Minute)
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(e, "R1")
		pass(time.Minute)
		docs := b.erp.all()
		require.Len(t, docs, 1)
		require.Equal(t, "late-emp", docs[0].Party)
		require.Equal(t, "second", b.status("R1").Flow)
		require.Equal(t, 1, b.source.fetched(), "the other flow ignores it")
	})
}

func TestNoticeOfAnotherFlowWhileADocumentIsTakenInDoesNotMoveIt(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		other := newToySource()
		other.put("R1", 1, connector.Ready, ten)
		b.source.put("R1", 1, connector.Ready, ten)
		b.mapper.prefix = "first-"
		e := b.engine()
		b.second(e, other, "second-")
		var once bool
		b.source.between = func(context.Context) error {
			if !once {
				once = true
				n := notice("R1")
				n.Flow = "second" // comes while the first flow is fetching
				return e.Notify(t.Context(), n)
			}
			return nil
		}
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		docs := b.erp.all()
		require.Len(t, docs, 1)
		require.Equal(t, "first-emp", docs[0].Party)
		require.Equal(t, "claims", b.status("R1").Flow)
		require.Equal(t, 0, other.fetched())
	})
}

func TestNothingToPostIsConfirmedAndSkipped(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, map[string]int64{"emp": 0})
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.Equal(t, engine.WordSkipped, s.Word)
		require.Empty(t, b.erp.all())
	})
}

func TestMoneyReachesTheEngineAsTotalsOnly(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, map[string]int64{"emp": 12345})
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		row, err := b.store.Get(t.Context(), id("R1"))
		require.NoError(t, err)
		require.Contains(t, string(row.Data), "123.45", "the total")
		require.NotContains(t, string(row.Data), "12345", "and no amount of the document or the posting")
		require.NotContains(t, string(row.Data), "Amounts")
		s := b.status("R1")
		require.Equal(t, "123.45", s.Totals[0].Amount.String())
		var doc claim
		require.NoError(t, e.Document(t.Context(), s, &doc))
		require.Equal(t, int64(12345), doc.Amounts["emp"])
		var posting bills
		require.NoError(t, e.Posting(t.Context(), s, &posting))
		require.Equal(t, int64(12345), posting.Bills[0].Amount)
	})
}

func TestKeyOfAPostingLeadsBackToItsTransfer(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		got, err := e.ByKey(t.Context(), tenant, b.erp.all()[0].Key)
		require.NoError(t, err)
		require.Equal(t, id("R1"), got)
		_, err = e.ByKey(t.Context(), tenant, "nobody's")
		require.ErrorIs(t, err, storage.ErrNotFound)
	})
}

func TestFlowsWithFaultsAreRefused(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.engine()
		good := engine.Flow[claim, bills]{Tenant: tenant, Name: "more", Target: "erp", Source: b.source, Mapper: b.mapper, Sink: b.erp}
		for name, spoil := range map[string]func(f *engine.Flow[claim, bills]){
			"no tenant":                func(f *engine.Flow[claim, bills]) { f.Tenant = "" },
			"no name":                  func(f *engine.Flow[claim, bills]) { f.Name = "" },
			"long target":              func(f *engine.Flow[claim, bills]) { f.Target = strings.Repeat("x", 201) },
			"no source":                func(f *engine.Flow[claim, bills]) { f.Source = nil },
			"no mapper":                func(f *engine.Flow[claim, bills]) { f.Mapper = nil },
			"no sink":                  func(f *engine.Flow[claim, bills]) { f.Sink = nil },
			"a second one":             func(f *engine.Flow[claim, bills]) { f.Name = "claims" },
			"negative wait":            func(f *engine.Flow[claim, bills]) { f.Policy = &engine.Policy{MinWait: -1} },
			"negative time of failing": func(f *engine.Flow[claim, bills]) { f.Policy = &engine.Policy{MaxFailing: -1} },
			"negative lease":           func(f *engine.Flow[claim, bills]) { f.Policy = &engine.Policy{Lease: -time.Minute} },
		} {
			f := good
			spoil(&f)
			require.Error(t, engine.Add(e, f), name)
		}
		require.NoError(t, engine.Add(e, good))
		_, err := engine.New(nil, b.trail(), nil)
		require.Error(t, err)
		_, err = engine.New(b.store, nil, nil)
		require.Error(t, err)
	})
}

func TestFlowAddedWhileTheEngineRunsIsSwept(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.engine()
		b.start(e)
		pass(time.Minute)
		src := newToySource()
		src.listed = true
		src.put("R9", 1, connector.Ready, ten)
		b.policy.Sweep = time.Minute
		b.second(e, src, "")
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R9").State)
	})
}

func TestIssuesReachTheStatusAndListAndPlanAgree(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = func(claim) mapping.Issues { return mapping.Issues{{Code: "account_unknown", Value: "6410"}} }
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		n := 0
		for s, err := range e.List(t.Context(), storage.Query{Tenant: tenant, State: string(engine.Parked)}) {
			require.NoError(t, err)
			require.Equal(t, "account_unknown", s.Cause)
			require.Equal(t, "6410", s.Issues[0].Value)
			n++
		}
		require.Equal(t, 1, n)
	})
}
