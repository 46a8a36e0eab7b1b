package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
)

// hooked is a log in memory that can be made to fail or to wait.
type hooked struct {
	*memlog.Log
	before func(rs []audit.Record) error // nil: go on
	after  func(rs []audit.Record) error // nil: what the log returned
	last   func() error

	mu      sync.Mutex
	batches [][]audit.Record
}

func (h *hooked) Append(ctx context.Context, rs []audit.Record) error {
	h.mu.Lock()
	h.batches = append(h.batches, rs)
	h.mu.Unlock()
	if h.before != nil {
		if err := h.before(rs); err != nil {
			return err
		}
	}
	if err := h.Log.Append(ctx, rs); err != nil {
		return err
	}
	if h.after != nil {
		return h.after(rs)
	}
	return nil
}

func (h *hooked) Last(ctx context.Context, tenant string) (audit.Record, error) {
	if h.last != nil {
		if err := h.last(); err != nil {
			return audit.Record{}, err
		}
	}
	return h.Log.Last(ctx, tenant)
}

func record(n int) audit.Record {
	return audit.Record{Tenant: "acme", ID: "deliver/" + strconv.Itoa(n), Action: "deliver", Subject: "report A1", Detail: []byte(`{"n":1}`)}
}

func read(t *testing.T, l audit.Log) []audit.Record {
	t.Helper()
	rs, next, err := l.Read(t.Context(), audit.Query{Tenant: "acme", Limit: 10000})
	require.NoError(t, err)
	require.Zero(t, next)
	return rs
}

func verified(t *testing.T, l audit.Log, want int) {
	t.Helper()
	last, err := audit.NewTrail(l, nil).Verify(t.Context(), "acme")
	require.NoError(t, err)
	require.EqualValues(t, want, last)
}

func TestAppendMakesAChain(t *testing.T) {
	l := memlog.New()
	now := time.Date(2026, 3, 31, 23, 59, 59, 123456789, time.FixedZone("+02", 7200))
	trail := audit.NewTrail(l, &audit.TrailOptions{Now: func() time.Time { return now }})
	for n := range 3 {
		require.NoError(t, trail.Append(t.Context(), record(n)))
	}
	rs := read(t, l)
	require.Len(t, rs, 3)
	prev := ""
	for i, r := range rs {
		require.EqualValues(t, i+1, r.Seq)
		require.Equal(t, time.Date(2026, 3, 31, 21, 59, 59, 123456000, time.UTC), r.Time)
		require.Equal(t, prev, r.Prev)
		require.Equal(t, audit.ChainHash(r), r.Hash)
		require.Len(t, r.Hash, 64)
		require.Equal(t, "connector", r.Actor)
		prev = r.Hash
	}
	verified(t, l, 3)
}

func TestAppendIgnoresWhatIsItsOwnToSet(t *testing.T) {
	l := memlog.New()
	trail := audit.NewTrail(l, &audit.TrailOptions{Actor: "engine"})
	r := record(1)
	r.Seq, r.Time, r.Prev, r.Hash = 17, time.Unix(1, 0), "x", "y"
	require.NoError(t, trail.Append(t.Context(), r))
	r.Actor = "jane"
	require.NoError(t, trail.Append(t.Context(), r))
	verified(t, l, 2)
	require.Equal(t, "engine", read(t, l)[0].Actor)
	require.Equal(t, "jane", read(t, l)[1].Actor)
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	l := memlog.New()
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	trail := audit.NewTrail(l, &audit.TrailOptions{Now: func() time.Time { return now }})
	require.NoError(t, trail.Append(t.Context(), record(1)))
	now = now.Add(-time.Hour)
	require.NoError(t, trail.Append(t.Context(), record(2)))
	// A new process with the same wrong clock knows no more than the log.
	trail = audit.NewTrail(l, &audit.TrailOptions{Now: func() time.Time { return now }})
	require.NoError(t, trail.Append(t.Context(), record(3)))
	now = now.Add(2 * time.Hour)
	require.NoError(t, trail.Append(t.Context(), record(4)))
	rs := read(t, l)
	require.Equal(t, rs[0].Time, rs[1].Time)
	require.Equal(t, rs[0].Time, rs[2].Time)
	require.Equal(t, rs[0].Time.Add(time.Hour), rs[3].Time)
	verified(t, l, 4)
}

func TestConcurrentCallersShareAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hooked{Log: memlog.New()}
		release := make(chan struct{})
		h.before = func([]audit.Record) error { <-release; return nil }
		trail := audit.NewTrail(h, nil)
		errs := make(chan error, 20)
		for n := range 20 {
			go func() { errs <- trail.Append(t.Context(), record(n)) }()
			synctest.Wait() // the first is being written, the others gather
		}
		close(release)
		for range 20 {
			require.NoError(t, <-errs)
		}
		require.Len(t, h.batches, 2)
		require.Len(t, h.batches[0], 1)
		require.Len(t, h.batches[1], 19)
		verified(t, h.Log, 20)
	})
}

func TestOneTenantDoesNotWaitForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hooked{Log: memlog.New()}
		release := make(chan struct{})
		h.before = func(rs []audit.Record) error {
			if rs[0].Tenant == "acme" {
				<-release
			}
			return nil
		}
		trail := audit.NewTrail(h, nil)
		stuck := make(chan error, 1)
		go func() { stuck <- trail.Append(t.Context(), record(1)) }()
		synctest.Wait()
		require.NoError(t, trail.Append(t.Context(), audit.Record{Tenant: "globex", Action: "x"}))
		close(release)
		require.NoError(t, <-stuck)
	})
}

func TestConflictGoesOnBehindTheWinner(t *testing.T) {
	l := memlog.New()
	one, two := audit.NewTrail(l, nil), audit.NewTrail(l, nil)
	for n := range 10 {
		require.NoError(t, one.Append(t.Context(), record(n)))
		require.NoError(t, two.Append(t.Context(), record(n))) // knows an older last record
	}
	verified(t, l, 20)
}

func TestManyTrailsManyCallersMakeOneChain(t *testing.T) {
	l := memlog.New()
	var all sync.WaitGroup
	for range 4 {
		trail := audit.NewTrail(l, nil)
		for i := range 8 {
			all.Go(func() {
				for n := range 25 {
					if err := trail.Append(t.Context(), record(i*100+n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	verified(t, l, 4*8*25)
}

func TestFailureIsUnavailableAndLeavesNoGap(t *testing.T) {
	broken := errors.New("disk full")
	h := &hooked{Log: memlog.New()}
	trail := audit.NewTrail(h, nil)
	require.NoError(t, trail.Append(t.Context(), record(1)))
	h.before = func([]audit.Record) error { return broken }
	err := trail.Append(t.Context(), record(2))
	require.ErrorIs(t, err, audit.ErrUnavailable)
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "acme")
	h.before = nil
	require.NoError(t, trail.Append(t.Context(), record(3)))
	verified(t, h.Log, 2)
}

func TestWriteWhoseAnswerWasLostIsGoneOnBehind(t *testing.T) {
	h := &hooked{Log: memlog.New()}
	trail := audit.NewTrail(h, nil)
	h.after = func([]audit.Record) error { return errors.New("connection reset after commit") }
	require.ErrorIs(t, trail.Append(t.Context(), record(1)), audit.ErrUnavailable)
	h.after = nil
	require.NoError(t, trail.Append(t.Context(), record(1)))
	verified(t, h.Log, 2)
	require.Equal(t, read(t, h.Log)[0].ID, read(t, h.Log)[1].ID, "a repeat bears the same ID")
}

func TestFailureToReadTheLastRecordIsUnavailable(t *testing.T) {
	h := &hooked{Log: memlog.New(), last: func() error { return errors.New("locked") }}
	trail := audit.NewTrail(h, nil)
	require.ErrorIs(t, trail.Append(t.Context(), record(1)), audit.ErrUnavailable)
	h.last = nil
	require.NoError(t, trail.Append(t.Context(), record(1)))
	verified(t, h.Log, 1)
}

func TestLogThatRefusesAFreeNumberDoesNotSpin(t *testing.T) {
	h := &hooked{Log: memlog.New(), before: func([]audit.Record) error { return audit.ErrConflict }}
	err := audit.NewTrail(h, nil).Append(t.Context(), record(1))
	require.ErrorIs(t, err, audit.ErrUnavailable)
	require.ErrorContains(t, err, "refused number 1")
}

func TestCallerWhoLeavesTakesNobodyWithHim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hooked{Log: memlog.New()}
		release := make(chan struct{})
		h.before = func([]audit.Record) error { <-release; return nil }
		trail := audit.NewTrail(h, nil)
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- trail.Append(ctx, record(1)) }()
		synctest.Wait()
		go func() { second <- trail.Append(t.Context(), record(2)) }()
		synctest.Wait()
		cancel()
		err := <-first
		require.ErrorIs(t, err, audit.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		close(release)
		require.NoError(t, <-second)
		verified(t, h.Log, 2)
	})
}

func TestLogThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trail := audit.NewTrail(hanging{memlog.New()}, &audit.TrailOptions{Timeout: time.Minute})
		start := time.Now()
		err := trail.Append(t.Context(), record(1))
		require.ErrorIs(t, err, audit.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
	})
}

type hanging struct{ *memlog.Log }

func (hanging) Append(ctx context.Context, _ []audit.Record) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestRecordsThatCannotBeChainedAreRefused(t *testing.T) {
	l := memlog.New()
	trail := audit.NewTrail(l, nil)
	for name, r := range map[string]audit.Record{
		"no tenant": {Action: "x"},
		"no action": {Tenant: "acme"},
		"no JSON":   {Tenant: "acme", Action: "x", Detail: []byte(`{"a":`)},
	} {
		require.ErrorIs(t, trail.Append(t.Context(), r), audit.ErrUnavailable, name)
	}
	require.Empty(t, read(t, l))
}

func TestBrokenTextIsMendedBeforeItIsHashed(t *testing.T) {
	l := memlog.New()
	r := record(1)
	r.Subject, r.Reason = "report \xff1", "\xc3"
	require.NoError(t, audit.NewTrail(l, nil).Append(t.Context(), r))
	got := read(t, l)[0]
	require.Equal(t, "report \uFFFD1", got.Subject)
	require.Equal(t, "\uFFFD", got.Reason)
	verified(t, l, 1)
}

func TestCallersSlicesAreHisOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hooked{Log: memlog.New()}
		release := make(chan struct{})
		h.before = func([]audit.Record) error { <-release; return nil }
		ctx, cancel := context.WithCancel(t.Context())
		r := record(1)
		done := make(chan error, 1)
		go func() { done <- audit.NewTrail(h, nil).Append(ctx, r) }()
		synctest.Wait()
		cancel()
		require.Error(t, <-done)
		copy(r.Detail, `!!!!`)
		close(release)
		synctest.Wait()
		require.JSONEq(t, `{"n":1}`, string(read(t, h.Log)[0].Detail))
		verified(t, h.Log, 1)
	})
}

func TestVerifyOfNothing(t *testing.T) {
	last, err := audit.NewTrail(memlog.New(), nil).Verify(t.Context(), "nobody")
	require.NoError(t, err)
	require.Zero(t, last)
}

func TestVerifyWalksManyPages(t *testing.T) {
	l := memlog.New()
	trail := audit.NewTrail(l, nil)
	for n := range 2500 {
		require.NoError(t, trail.Append(t.Context(), record(n)))
	}
	verified(t, l, 2500)
}

func TestVerifyTellsAFaultOfTheLogFromABrokenChain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := audit.NewTrail(memlog.New(), nil).Verify(ctx, "acme")
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, audit.ErrBroken)
}

// The encoding is part of the contract with whoever verifies by other means.
func TestChainHashIsAsDocumented(t *testing.T) {
	r := audit.Record{
		Tenant: "acme", Seq: 7, Time: time.UnixMicro(1774994399123456), ID: "i", Actor: "a", Action: "b", Subject: "s", Outcome: "o", Reason: "r",
		Detail: json.RawMessage(`{}`), Sealed: []byte{0xff}, Prev: "p", Hash: "not read",
	}
	require.Equal(t, chainHashByHand(r), audit.ChainHash(r))
}

func TestChainHashTellsFieldsApart(t *testing.T) {
	seen := map[string]string{}
	base := audit.Record{Tenant: "ab", Seq: 1, Time: time.UnixMicro(1), ID: "ab", Actor: "ab", Action: "ab", Subject: "ab", Outcome: "ab", Reason: "ab", Detail: []byte("ab"), Sealed: []byte("ab"), Prev: "ab"}
	change := func(name string, f func(r *audit.Record)) {
		r := base
		f(&r)
		h := audit.ChainHash(r)
		require.NotContains(t, seen, h, "%s and %s", name, seen[h])
		seen[h] = name
	}
	change("nothing", func(*audit.Record) {})
	fields := map[string]func(r *audit.Record, s string){
		"Tenant": func(r *audit.Record, s string) { r.Tenant = s }, "ID": func(r *audit.Record, s string) { r.ID = s },
		"Actor": func(r *audit.Record, s string) { r.Actor = s }, "Action": func(r *audit.Record, s string) { r.Action = s },
		"Subject": func(r *audit.Record, s string) { r.Subject = s }, "Outcome": func(r *audit.Record, s string) { r.Outcome = s },
		"Reason": func(r *audit.Record, s string) { r.Reason = s }, "Prev": func(r *audit.Record, s string) { r.Prev = s },
		"Detail": func(r *audit.Record, s string) { r.Detail = []byte(s) }, "Sealed": func(r *audit.Record, s string) { r.Sealed = []byte(s) },
	}
	for name, set := range fields {
		for _, s := range []string{"", "a", "b", "abab", "aba", "ab\x00"} {
			change(fmt.Sprintf("%s=%q", name, s), func(r *audit.Record) { set(r, s) })
		}
	}
	change("Seq", func(r *audit.Record) { r.Seq = 2 })
	change("Time", func(r *audit.Record) { r.Time = time.UnixMicro(2) })
	change("a byte moved on", func(r *audit.Record) { r.ID, r.Actor = "aba", "b" })
	change("Seq and Time changed places", func(r *audit.Record) { r.Seq, r.Time = 3, time.UnixMicro(4) })
	change("and back", func(r *audit.Record) { r.Seq, r.Time = 4, time.UnixMicro(3) })
}
