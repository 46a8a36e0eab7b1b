package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// life runs a process that is killed at the at-th point (0: never) and then a
// second one that is not, with another mapping. It returns the points passed.
func life(t *testing.T, at int, prepare func(*bench)) (points int, where string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.wire = newTripwire(at)
		b.mapper = toyMapper{prefix: "a-"}
		b.source.put("R1", 1, connector.Ready, map[string]int64{"emp": 10000, "card": 25000, "cash": 700})
		if prepare != nil {
			prepare(b)
		}
		e := b.engine()
		taken := e.Notify(t.Context(), notice("R1")) == nil
		b.run(e, time.Hour)
		points = b.wire.count
		if at > 0 && at <= len(b.wire.names) {
			where = b.wire.names[at-1]
		}
		// The second life knows nothing but the store, and its mapping has changed.
		b.wire = nil
		b.opts.Poll = 10 * time.Second
		b.mapper.prefix = "b-"
		e = b.engine()
		if !taken {
			require.NoError(t, e.Notify(t.Context(), notice("R1")), where)
		}
		b.run(e, time.Hour)

		docs := b.erp.all()
		require.Len(t, docs, 3, "killed %s", where)
		for _, d := range docs {
			require.Equal(t, docs[0].Key, d.Key, "killed %s: one set, one key", where)
			require.Equal(t, docs[0].Party[:2], d.Party[:2], "killed %s: one mapping for the whole set", where)
		}
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State, "killed %s", where)
		require.Len(t, s.Receipt.Made, 3, "killed %s", where)
		b.verifyAudit()
	})
	return points, where
}

func TestKilledAtAnyPointThenRestartedWithAnotherMappingPostsOneSet(t *testing.T) {
	points, _ := life(t, 0, nil)
	require.Greater(t, points, 30)
	for at := 1; at <= points; at++ {
		life(t, at, nil)
	}
	t.Logf("%d crash points: 0 lost, 0 doubled, 0 wrong", points)
}

func TestKilledWhileARefusedSetIsTakenBackLeavesOneSetInTheEnd(t *testing.T) {
	refuse := func(b *bench) {
		b.erp.refuse = map[string]bool{"a-emp": true}
		b.policy.Sweep = 10 * time.Minute
	}
	prepare := func(b *bench) {
		refuse(b)
		// The sweep of the second life shows a change, so that the parked document is mapped again.
		b.source.listed = true
	}
	points, _ := countPoints(t, prepare)
	require.Greater(t, points, 30)
	for at := 1; at <= points; at++ {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.wire = newTripwire(at)
			b.mapper = toyMapper{prefix: "a-"}
			b.source.put("R1", 1, connector.Ready, map[string]int64{"emp": 10000, "card": 25000, "cash": 700})
			refuse(b)
			e := b.engine()
			taken := e.Notify(t.Context(), notice("R1")) == nil
			b.run(e, time.Hour)
			where := b.wire.names[min(at, len(b.wire.names))-1]
			b.wire = nil
			b.opts.Poll = 10 * time.Second
			b.mapper.prefix = "b-"
			e = b.engine()
			if !taken {
				require.NoError(t, e.Notify(t.Context(), notice("R1")))
			}
			b.run(e, time.Hour)
			if s := b.status("R1"); s.State == engine.Parked {
				require.Empty(t, b.erp.all(), "killed %s: parked means nothing stands", where)
				require.Equal(t, engine.None, s.Effect)
				require.NoError(t, e.Notify(t.Context(), notice("R1")))
				b.run(b.engine(), time.Hour)
			}
			docs := b.erp.all()
			require.Len(t, docs, 3, "killed %s", where)
			for _, d := range docs {
				require.Equal(t, docs[0].Key, d.Key, "killed %s", where)
				require.Equal(t, "b-", d.Party[:2], "killed %s: the mapping that is not refused", where)
			}
			require.Equal(t, engine.Confirmed, b.status("R1").State)
			b.verifyAudit()
		})
	}
	t.Logf("%d crash points around a reversal: 0 lost, 0 doubled, 0 wrong", points)
}

// countPoints runs one life without a kill.
func countPoints(t *testing.T, prepare func(*bench)) (points int, names []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.wire = newTripwire(0)
		b.mapper = toyMapper{prefix: "a-"}
		b.source.put("R1", 1, connector.Ready, map[string]int64{"emp": 10000, "card": 25000, "cash": 700})
		prepare(b)
		b.policy.Sweep = -1
		e := b.engine()
		require.NoError(t, e.Notify(t.Context(), notice("R1")))
		b.run(e, 30*time.Second)
		points, names = b.wire.count, b.wire.names
	})
	return points, names
}
