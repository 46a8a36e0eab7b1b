package engine_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// toySet is a reference set and its copy in one.
type toySet struct {
	mu      sync.Mutex
	objects map[string]string // key to name; a name of "-" means inactive
	copied  map[string]string
	edits   []string
	calls   int
	refuse  map[string]bool
	readErr error
	applied func() error // after the copy committed a batch
}

func newToySet(n int) *toySet {
	s := &toySet{objects: map[string]string{}, copied: map[string]string{}}
	for i := range n {
		s.objects[fmt.Sprintf("%04d", i)] = fmt.Sprint("name ", i)
	}
	return s
}

func (s *toySet) Objects(context.Context) iter.Seq2[connector.Object[string], error] {
	return func(yield func(connector.Object[string], error) bool) {
		s.mu.Lock()
		objects, err := maps.Clone(s.objects), s.readErr
		s.mu.Unlock()
		for k, name := range objects {
			if !yield(connector.Object[string]{Key: k, Needs: []string{"account/" + k}, Active: name != "-", Content: name}, nil) {
				return
			}
		}
		if err != nil {
			yield(connector.Object[string]{}, err)
		}
	}
}

func (s *toySet) Limit() int { return 10 }

func (s *toySet) Apply(_ context.Context, edits []connector.Edit[string]) ([]error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	each := make([]error, len(edits))
	for i, e := range edits {
		switch {
		case s.refuse[e.Key]:
			each[i] = errors.New("refused")
		case e.Retire:
			delete(s.copied, e.Key)
			s.edits = append(s.edits, "retire "+e.Key)
		default:
			s.copied[e.Key] = e.Content
			s.edits = append(s.edits, map[bool]string{true: "change ", false: "new "}[e.Known]+e.Key)
		}
	}
	if s.applied != nil {
		if err := s.applied(); err != nil {
			return nil, err
		}
	}
	return each, nil
}

func (s *toySet) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.edits
	s.edits, s.calls = nil, 0
	return out
}

func mirrored(t *testing.T, b *bench, s *toySet) *engine.Engine {
	t.Helper()
	e := b.engine()
	require.NoError(t, engine.AddMirror(e, engine.Mirror[string]{Tenant: tenant, Name: "accounts", Original: s, Copy: s, Policy: &engine.MirrorPolicy{Every: -1}}))
	return e
}

func sync1(t *testing.T, e *engine.Engine) engine.MirrorReport {
	t.Helper()
	r, err := e.RunMirror(t.Context(), tenant, "accounts", false, engine.Act{})
	require.NoError(t, err)
	return r
}

func TestMirrorSendsEverythingOnceAndThenNothing(t *testing.T) {
	s := newToySet(120)
	e := mirrored(t, newBench(t), s)
	first := sync1(t, e)
	require.Equal(t, 120, first.Sent)
	require.Len(t, s.copied, 120)
	s.took()
	second := sync1(t, e)
	require.Equal(t, 120, second.Unchanged)
	require.Empty(t, s.took())
}

func TestMirrorSendsAChangeAsAChange(t *testing.T) {
	s := newToySet(20)
	e := mirrored(t, newBench(t), s)
	sync1(t, e)
	s.took()
	s.objects["0007"] = "renamed"
	sync1(t, e)
	require.Equal(t, []string{"change 0007"}, s.took())
}

func TestMirrorRetiresLast(t *testing.T) {
	s := newToySet(20)
	e := mirrored(t, newBench(t), s)
	sync1(t, e)
	s.took()
	s.objects["0003"] = "-"
	s.objects["9999"] = "added"
	sync1(t, e)
	require.Equal(t, []string{"new 9999", "retire 0003"}, s.took())
}

func TestMirrorHoldsRetirementsBeyondTheCapUntilApproved(t *testing.T) {
	s := newToySet(100)
	e := mirrored(t, newBench(t), s)
	sync1(t, e)
	s.took()
	for i := range 3 { // 2 % are 2
		delete(s.objects, fmt.Sprintf("%04d", i))
	}
	r := sync1(t, e)
	require.Equal(t, []string{"0000", "0001", "0002"}, r.Held)
	require.Empty(t, s.took())
	_, err := e.RunMirror(t.Context(), tenant, "accounts", true, engine.Act{Actor: "ana", Reason: "closed accounts"})
	require.NoError(t, err)
	require.Equal(t, []string{"retire 0000", "retire 0001", "retire 0002"}, s.took())
}

func TestMirrorRetiresNothingWhenTheOriginalBreaksOff(t *testing.T) {
	s := newToySet(50)
	e := mirrored(t, newBench(t), s)
	sync1(t, e)
	s.took()
	delete(s.objects, "0000")
	s.readErr = errors.New("page 3: connection reset")
	_, err := e.RunMirror(t.Context(), tenant, "accounts", false, engine.Act{})
	require.ErrorContains(t, err, "page 3")
	require.Empty(t, s.took())
	last, err := e.LastMirror(t.Context(), tenant, "accounts")
	require.NoError(t, err)
	require.Contains(t, last.Error, "page 3")
}

func TestMirrorTriesARefusedObjectAgain(t *testing.T) {
	s := newToySet(5)
	s.refuse = map[string]bool{"0002": true}
	e := mirrored(t, newBench(t), s)
	r := sync1(t, e)
	require.Equal(t, []engine.MirrorFail{{Key: "0002", Error: "refused"}}, r.Failed)
	s.took()
	s.refuse = nil
	sync1(t, e)
	require.Equal(t, []string{"new 0002"}, s.took())
}

func TestMirrorAfterALostAnswerEndsWithTheSameCopy(t *testing.T) {
	s := newToySet(35)
	lost := false
	s.applied = func() error {
		if s.calls == 2 && !lost {
			lost = true
			return errors.New("answer lost")
		}
		return nil
	}
	e := mirrored(t, newBench(t), s)
	_, err := e.RunMirror(t.Context(), tenant, "accounts", false, engine.Act{})
	require.ErrorContains(t, err, "answer lost")
	sync1(t, e)
	require.Equal(t, s.objects, s.copied)
}

func TestMirrorThatAnotherProcessRunsIsLeftToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s := newToySet(5)
		one, two := mirrored(t, b, s), mirrored(t, b, s)
		s.applied = func() error {
			s.mu.Unlock()
			defer s.mu.Lock()
			_, err := two.RunMirror(t.Context(), tenant, "accounts", false, engine.Act{})
			require.ErrorIs(t, err, engine.ErrMirrorBusy)
			return nil
		}
		sync1(t, one)
		require.Len(t, s.took(), 5)
	})
}

func TestMirrorOfAProcessThatDiedIsTakenOverAfterItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.wire = newTripwire(0)
		s := newToySet(5)
		e := mirrored(t, b, s)
		// Killed at the first write after the claim.
		b.wire.at = b.wire.count + 8
		_, err := e.RunMirror(t.Context(), tenant, "accounts", false, engine.Act{})
		require.ErrorIs(t, err, errKilled)
		b.wire = nil
		next := mirrored(t, b, s)
		_, err = next.RunMirror(t.Context(), tenant, "accounts", false, engine.Act{})
		require.ErrorIs(t, err, engine.ErrMirrorBusy)
		time.Sleep(6 * time.Minute) //nolint:forbidigo // virtual time inside the bubble
		sync1(t, next)
		require.Equal(t, s.objects, s.copied)
	})
}

func TestDocumentThatWaitsForAnAccountGoesOnWhenTheMirrorSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s := newToySet(1)
		var mu sync.Mutex
		tables := map[string]bool{} // what the mapping looks accounts up in
		b.mapper = toyMapper{prefix: "a-", issues: func(claim) mapping.Issues {
			mu.Lock()
			defer mu.Unlock()
			if tables["account/6410"] {
				return nil
			}
			return mapping.Issues{{Code: "account_unknown", Value: "6410", Needs: "account/6410"}}
		}}
		b.source.put("R1", 1, connector.Ready, map[string]int64{"emp": 100})
		e := b.engine()
		require.NoError(t, engine.AddMirror(e, engine.Mirror[string]{
			Tenant: tenant, Name: "accounts", Original: s, Copy: s, Policy: &engine.MirrorPolicy{Every: time.Minute},
			Appeared: func(_ context.Context, needs []string) error {
				mu.Lock()
				defer mu.Unlock()
				for _, n := range needs {
					tables[n] = true
				}
				return nil
			},
		}))
		require.NoError(t, e.Notify(t.Context(), notice("R1")))
		b.run(e, 30*time.Second)
		require.Equal(t, engine.Parked, b.status("R1").State)
		s.mu.Lock()
		s.objects["6410"] = "Travel"
		s.mu.Unlock()
		e = b.engine()
		require.NoError(t, engine.AddMirror(e, engine.Mirror[string]{
			Tenant: tenant, Name: "accounts", Original: s, Copy: s,
			Appeared: func(_ context.Context, needs []string) error {
				mu.Lock()
				defer mu.Unlock()
				for _, n := range needs {
					tables[n] = true
				}
				return nil
			},
		}))
		b.run(e, time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestEveryBatchOfAMirrorIsInTheAuditTrail(t *testing.T) {
	b := newBench(t)
	s := newToySet(25)
	sync1(t, mirrored(t, b, s))
	rs, _, err := b.log.Read(t.Context(), auditAll())
	require.NoError(t, err)
	var got []string
	for _, r := range rs {
		if r.Action == "mirror" {
			got = append(got, r.Outcome)
		}
	}
	require.Equal(t, slices.Repeat([]string{"attempt", "done"}, 3), got, strings.Join(got, " "))
	b.verifyAudit()
}

func auditAll() audit.Query { return audit.Query{Tenant: tenant, Limit: 1000} }

func TestASetThatIsOnlyWatchedWakesWhatWaitsAndSendsNothing(t *testing.T) {
	b := newBench(t)
	s := newToySet(3)
	e := b.engine()
	var told []string
	require.NoError(t, engine.AddMirror(e, engine.Mirror[string]{
		Tenant: tenant, Name: "watched", Original: s, Policy: &engine.MirrorPolicy{Every: -1},
		Appeared: func(_ context.Context, needs []string) error { told = append(told, needs...); return nil },
	}))
	_, err := e.RunMirror(t.Context(), tenant, "watched", false, engine.Act{})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"account/0000", "account/0001", "account/0002"}, told)
	_, err = e.RunMirror(t.Context(), tenant, "watched", false, engine.Act{})
	require.NoError(t, err)
	require.Len(t, told, 3, "told once")
	require.Empty(t, s.took())
}

// lostThenBack changes an object, loses the copy's answer, and lets the original
// go back to what it was.
func lostThenBack(t *testing.T, away string) {
	t.Helper()
	s := newToySet(20)
	e := mirrored(t, newBench(t), s)
	sync1(t, e)
	before := s.objects["0003"]
	s.objects["0003"] = away
	s.applied = func() error { return errors.New("answer lost") }
	_, err := e.RunMirror(t.Context(), tenant, "accounts", false, engine.Act{})
	require.ErrorContains(t, err, "answer lost")
	s.applied = nil
	s.objects["0003"] = before
	sync1(t, e)
	require.Equal(t, before, s.copied["0003"])
}

func TestARetirementWhoseAnswerWasLostIsTakenBackWhenTheObjectReturns(t *testing.T) {
	lostThenBack(t, "-")
}

func TestAChangeWhoseAnswerWasLostIsTakenBackWithTheOriginal(t *testing.T) {
	lostThenBack(t, "another name")
}
