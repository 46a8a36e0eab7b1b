package engine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

func TestTwoEnginesOverOneStoreNeverDeliverOneDocumentAtOnce(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.slow = 5 * time.Minute // longer than a lease: it is extended
		e, other := b.engine(), b.engine()
		for i := range 20 {
			b.source.put(fmt.Sprint("R", i), 1, connector.Ready, ten)
			b.notify(e, fmt.Sprint("R", i))
			b.notify(other, fmt.Sprint("R", i))
		}
		b.start(e)
		b.start(other)
		pass(2 * time.Hour)
		require.Len(t, b.erp.all(), 20)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 20, sends)
		require.Equal(t, 1, b.erp.most)
	})
}

func TestLeaseOfADeadProcessRunsOutAndAnotherTakesOver(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.wire = newTripwire(0)
		e := b.engine()
		b.notify(e, "R1")
		w := b.wire
		b.erp.pause = func(context.Context, string, int) { w.kill() }
		b.start(e)
		pass(10 * time.Second)
		require.NotEqual(t, engine.Confirmed, b.status("R1").State)
		b.wire = nil
		b.erp.set(func() { b.erp.pause = nil })
		other := b.engine()
		start := time.Now()
		b.start(other)
		for b.status("R1").State != engine.Confirmed {
			pass(time.Second)
			require.Less(t, time.Since(start), 3*time.Minute)
		}
		require.Greater(t, time.Since(start), time.Minute, "not before the lease is over")
		require.Len(t, b.erp.all(), 1)
	})
}

// stalled is a store whose process stands still: it neither reads nor writes.
type stalled struct {
	storage.Store
	mu     sync.Mutex
	gate   chan struct{}
	linger time.Duration // how much longer what waited then takes
}

func (s *stalled) wait() {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
		<-time.After(s.linger)
	}
}

func (s *stalled) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	s.wait()
	return s.Store.Get(ctx, id)
}

func (s *stalled) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.wait()
	return s.Store.Update(ctx, t)
}

func (s *stalled) stop() (resume func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
	gate := s.gate
	return func() {
		s.mu.Lock()
		s.gate = nil
		s.mu.Unlock()
		close(gate)
	}
}

// A process that pauses in the middle of an end's call while another takes over
// is what no lease can prevent. What it does when it wakes must change nothing.
func TestProcessThatPausesInTheMiddleOfADeliveryAndWakesLater(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		store := &stalled{Store: b.store}
		paused := make(chan struct{})
		var resume func()
		b.erp.pause = func(_ context.Context, op string, n int) {
			if op == "deliver" && n == 1 {
				resume = store.stop()
				<-paused
			}
		}
		b.source.put("R1", 1, connector.Ready, map[string]int64{"a": 1, "b": 2})
		e, err := engine.New(store, b.trail(), &b.opts)
		require.NoError(t, err)
		b.add(e)
		b.notify(e, "R1")
		b.start(e)
		pass(time.Second)
		other := b.engine()
		b.start(other)
		pass(10 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State, "the other one took over")
		close(paused)
		resume()
		pass(10 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		docs := b.erp.all()
		require.Len(t, docs, 2)
		require.Equal(t, docs[0].Key, docs[1].Key)
		require.Len(t, b.status("R1").Receipt.Made, 2)
	})
}

// late is a sink whose answer to the first delivery comes late.
type late struct {
	*toyERP
	after func(n int)
}

func (s late) Deliver(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	r, err := s.toyERP.Deliver(ctx, d)
	_, n, _ := s.counts()
	s.after(n)
	return r, err
}

func TestProcessThatWakesAfterItsDocumentWasTakenBackWritesNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		// What would extend the lease, and so see that it is lost, comes back last.
		store := &stalled{Store: b.store, linger: time.Minute}
		paused := make(chan struct{})
		var resume func()
		b.source.put("R1", 1, connector.Ready, ten)
		e, err := engine.New(store, b.trail(), &b.opts)
		require.NoError(t, err)
		require.NoError(t, engine.Add(e, engine.Flow[claim, bills]{
			Tenant: tenant, Name: "claims", Target: "erp", Source: b.source, Mapper: b.mapper, Policy: &b.policy,
			Sink: late{b.erp, func(n int) {
				if n == 1 {
					resume = store.stop()
					<-paused
				}
			}},
		}))
		b.notify(e, "R1")
		b.start(e)
		pass(time.Second)
		other := b.engine()
		b.start(other)
		pass(10 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State, "found by the other one")
		b.change(other, 1, connector.Withdrawn, nil)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		close(paused)
		resume()
		pass(10 * time.Minute)
		require.Equal(t, engine.Reversed, b.status("R1").State, "its answer is of another time")
		require.Empty(t, b.erp.all())
	})
}

func TestProcessThatPausesInsideAReversalTakesNothingOfTheNextGeneration(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		store := &stalled{Store: b.store}
		paused := make(chan struct{})
		var resume func()
		first := true
		b.erp.pause = func(_ context.Context, op string, _ int) {
			if op == "reverse" && first {
				first = false
				resume = store.stop()
				<-paused
			}
		}
		b.erp.refuse = map[string]bool{"z": true}
		b.source.put("R1", 1, connector.Ready, map[string]int64{"a": 1, "z": 2})
		e, err := engine.New(store, b.trail(), &b.opts)
		require.NoError(t, err)
		b.add(e)
		b.notify(e, "R1")
		b.start(e)
		pass(time.Second)
		other := b.engine()
		b.start(other)
		pass(10 * time.Minute)
		require.Equal(t, engine.Parked, b.status("R1").State)
		b.erp.set(func() { b.erp.refuse = nil })
		b.replay(other, storage.Query{})
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		close(paused)
		resume()
		pass(10 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 2, "the late reversal touches only what bears the first key")
	})
}

func TestContextOfAnEndIsCancelledWhenTheLeaseIsLost(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		store := &failing{Store: b.store}
		ended := make(chan error, 1)
		b.erp.pause = func(ctx context.Context, op string, n int) {
			if n == 1 {
				store.set(true)
				<-ctx.Done()
				ended <- context.Cause(ctx)
			}
		}
		b.source.put("R1", 1, connector.Ready, ten)
		e, err := engine.New(store, b.trail(), &b.opts)
		require.NoError(t, err)
		b.add(e)
		b.notify(e, "R1")
		b.start(e)
		start := time.Now()
		require.Error(t, <-ended)
		require.LessOrEqual(t, time.Since(start), 2*time.Minute, "before another may take it")
		store.set(false)
		pass(10 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestPauseAndResumeReachOtherEnginesAndOutliveRestarts(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e, other := b.engine(), b.engine()
		act := engine.Act{Actor: "ann", Reason: "month end"}
		require.NoError(t, e.Pause(t.Context(), tenant, "claims", act))
		require.NoError(t, e.Pause(t.Context(), tenant, "claims", act), "twice is no error")
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(other, "R1") // the intake goes on
		b.start(other)
		stop := b.start(e)
		pass(time.Hour)
		require.Empty(t, b.erp.all())
		require.Equal(t, engine.Received, b.status("R1").State)
		stop()
		again := b.engine()
		b.start(again)
		pass(time.Minute)
		require.Empty(t, b.erp.all(), "also after a restart")
		require.NoError(t, again.Resume(t.Context(), tenant, "claims", act))
		pass(10 * time.Second)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.NoError(t, again.Resume(t.Context(), tenant, "claims", act), "twice is no error")
		require.Contains(t, b.outcomes(), "pause asked")
		require.Error(t, again.Pause(t.Context(), tenant, "claims", engine.Act{}), "without a name")
		require.Error(t, again.Pause(t.Context(), tenant, "none", act))
		require.Error(t, again.Resume(t.Context(), tenant, "none", act))
	})
}

func TestPauseIsSeenByAnotherEngineWithinSeconds(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e, other := b.engine(), b.engine()
		b.start(other)
		pass(10 * time.Second)
		require.NoError(t, e.Pause(t.Context(), tenant, "claims", engine.Act{Actor: "ann"}))
		pass(5 * time.Second)
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(other, "R1")
		pass(time.Minute)
		require.Empty(t, b.erp.all())
		require.NoError(t, e.Resume(t.Context(), tenant, "claims", engine.Act{Actor: "ann"}))
		pass(5 * time.Second)
		require.Len(t, b.erp.all(), 1)
	})
}

// counted is a store that counts how often due rows are asked for.
type counted struct {
	storage.Store
	mu   sync.Mutex
	dues int
	gets int
	lag  []storage.Transfer // shown as due although they are not
}

func (s *counted) Due(ctx context.Context, q string, by time.Time, n int) ([]storage.Transfer, error) {
	ts, err := s.Store.Due(ctx, q, by, n)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dues++
	for _, t := range s.lag {
		if t.Queue == q {
			ts = append([]storage.Transfer{t}, ts...)
		}
	}
	return ts[:min(n, len(ts))], err
}

func (s *counted) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	s.mu.Lock()
	s.gets++
	s.mu.Unlock()
	return s.Store.Get(ctx, id)
}

func (b *bench) on(store storage.Store) *engine.Engine {
	b.t.Helper()
	e, err := engine.New(store, b.trail(), &b.opts)
	require.NoError(b.t, err)
	b.add(e)
	return e
}

// seed writes a row as it stands for a document, changed by f.
func (b *bench) seed(doc string, f func(t *storage.Transfer)) {
	b.t.Helper()
	b.notify(b.engine(), doc)
	row, err := b.store.Get(b.t.Context(), id(doc))
	require.NoError(b.t, err)
	f(&row)
	_, err = b.store.Update(b.t.Context(), row)
	require.NoError(b.t, err)
}

func TestRowsOfANewerFormatAreWokenButNeverRewritten(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		const data = `{"owner":"claims","shape":"unknown here"}`
		for i := range 30 { // more than a round takes: they must not stand in front of the others
			b.seed(fmt.Sprint("N", i), func(t *storage.Transfer) {
				t.Format, t.Data, t.State = 9, []byte(data), "state_of_tomorrow"
				t.Due = time.Time{}
			})
		}
		store := &counted{Store: b.store}
		e := b.on(store)
		for i := range 30 {
			b.notify(e, fmt.Sprint("N", i))
		}
		pass(time.Second)
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		row, err := b.store.Get(t.Context(), id("N0"))
		require.NoError(t, err)
		require.True(t, bytes.Equal([]byte(data), row.Data), "byte for byte")
		require.Equal(t, 9, row.Format)
		require.Equal(t, "state_of_tomorrow", row.State)
		require.Equal(t, int64(2), row.Wakes)
		require.False(t, row.Due.IsZero(), "due for the process that can read it")
		require.Equal(t, engine.Confirmed, b.status("R1").State, "they do not hold up the others")
		require.Less(t, store.gets, 1000, "and nothing spins")
		s, err := e.Get(t.Context(), id("N0"))
		require.Error(t, err)
		require.Equal(t, engine.State("state_of_tomorrow"), s.State)
		_, err = e.Plan(t.Context(), storage.Query{Tenant: tenant})
		require.NoError(t, err)
	})
}

func TestRowThatNobodyCanReadIsSetAsideWithItsDataKept(t *testing.T) {
	for _, data := range []string{"garbage", `{"revisions":"many"}`, `{"lease":7}`, `[]`, `{"revisions":[{}]}`, `{"revisions":[{"state":"reversing","effect":"made"}]}`, `{"outbox":[{}]}`, "\x00\xff"} {
		t.Run(fmt.Sprintf("%q", data), func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				doc := fmt.Sprintf("B%x", data)
				b.seed(doc, func(t *storage.Transfer) { t.Data = []byte(data) })
				b.source.put("R"+doc, 1, connector.Ready, ten)
				store := &counted{Store: b.store}
				e := b.on(store)
				b.notify(e, "R"+doc)
				b.run(e, time.Minute)
				row, err := b.store.Get(t.Context(), id(doc))
				require.NoError(t, err)
				require.Equal(t, data, string(row.Data))
				require.Equal(t, string(engine.Parked), row.State)
				require.Equal(t, engine.CodeUnreadable, row.Cause)
				require.True(t, row.Due.IsZero())
				require.Equal(t, engine.Confirmed, b.status("R"+doc).State)
				require.Less(t, store.dues, 300, "nothing spins")
				n := 0
				for s, err := range e.List(t.Context(), storage.Query{Tenant: tenant, Cause: engine.CodeUnreadable}) {
					require.Error(t, err)
					require.Equal(t, engine.Parked, s.State)
					n++
				}
				require.Positive(t, n)
				b.notify(e, doc) // intake goes on
			})
		})
	}
}

func TestStoreThatShowsTooMuchDoesNotMakeTheRunnerSpin(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		store := &counted{Store: b.store}
		e := b.on(store)
		b.notify(e, "R1")
		row, err := b.store.Get(t.Context(), id("R1"))
		require.NoError(t, err)
		store.lag = []storage.Transfer{row} // its index never learns that the row is done
		b.run(e, time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Less(t, store.gets, 300)
		require.Less(t, store.dues, 600)
	})
}

func TestIdleEngineAsksTheStoreOnceAPollAndQueue(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		store := &counted{Store: b.store}
		b.run(b.on(store), time.Minute)
		require.LessOrEqual(t, store.dues, 2*63)
	})
}

func TestContentThatIsGoneParksOnlyItsDocument(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.source.put("R2", 1, connector.Ready, ten)
		down := true
		b.erp.fail = func(string) error {
			if down {
				return errDown
			}
			return nil
		}
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Second)
		require.Equal(t, engine.Delivering, b.status("R1").State)
		require.NoError(t, b.store.Drop(t.Context(), tenant, "c/"))
		b.erp.set(func() { down = false })
		b.notify(e, "R2")
		pass(5 * time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, engine.CodeContentGone, s.Cause)
		require.Equal(t, engine.Unknown, s.Effect, "what may stand in the target stays known")
		require.Equal(t, engine.Confirmed, b.status("R2").State)
	})
}

func TestStopLetsADeliveryFinishWithinDrain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.slow = 15 * time.Second
		e := b.engine()
		b.notify(e, "R1")
		stop := b.start(e)
		pass(time.Second)
		start := time.Now()
		stop()
		require.InDelta(t, 14, time.Since(start).Seconds(), 1)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestStopCutsADeliveryOffAfterDrainAndTheNextProcessFindsIt(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.slow = time.Hour
		e := b.engine()
		b.notify(e, "R1")
		stop := b.start(e)
		pass(time.Second)
		start := time.Now()
		stop()
		require.InDelta(t, 20, time.Since(start).Seconds(), 3)
		s := b.status("R1")
		require.Equal(t, engine.Delivering, s.State)
		require.Equal(t, 0, s.Tries)
		require.LessOrEqual(t, time.Until(s.Due), 5*time.Second, "given back, not left to the lease")
		b.erp.set(func() { b.erp.slow = 0 })
		b.start(b.engine())
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestSettleWaitsForWhatIsBeingWorkedOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.source.put("R2", 1, connector.NotYet, ten)
		b.erp.slow = 40 * time.Second
		b.erp.final = false
		e := b.engine()
		b.notify(e, "R1")
		b.notify(e, "R2")
		b.start(e)
		require.NoError(t, e.Settle(t.Context(), tenant, time.Second))
		require.Equal(t, engine.Delivered, b.status("R1").State, "and not for the receipt to become final")
		require.Equal(t, engine.Waiting, b.status("R2").State)
		b.erp.set(func() { b.erp.fail = func(string) error { return connector.ErrConnection } })
		b.source.put("R3", 1, connector.Ready, ten)
		b.notify(e, "R3")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, e.Settle(ctx, tenant, time.Hour), context.DeadlineExceeded)
	})
}

func TestRowStaysSmallWhateverHappensToItsDocument(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		long := strings.Repeat("a long text from outside ", 20_000)
		b.policy.MaxTries, b.policy.CircuitFailures, b.policy.MaxWait = 200, 10_000, 2*time.Second
		n := 0
		b.source.fetchErr = func(int) error {
			if n++; n < 150 {
				return errors.New(long)
			}
			return nil
		}
		b.mapper.issues = func(c claim) mapping.Issues {
			if c.Amounts["bad"] == 0 {
				return nil
			}
			var is mapping.Issues
			for range 500 {
				is = append(is, connector.Issue{Code: "x", Field: long, Value: long, Message: long, Remedy: long})
			}
			return is
		}
		b.source.put("R1", 1, connector.Ready, map[string]int64{"bad": 1})
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(20 * time.Minute)
		require.Equal(t, engine.Parked, b.status("R1").State)
		for rev := int64(2); rev < 30; rev++ {
			b.source.put("R1", rev, connector.Ready, map[string]int64{"bad": rev})
			b.notify(e, "R1")
			pass(10 * time.Second)
		}
		row, err := b.store.Get(t.Context(), id("R1"))
		require.NoError(t, err)
		require.LessOrEqual(t, len(row.Data), storage.MaxData)
		require.True(t, json.Valid(row.Data))
		s := b.status("R1")
		require.Equal(t, int64(29), s.Revision)
		require.LessOrEqual(t, len(s.History), 60)
	})
}

func TestReceiptThatIsTooLongForARowDoesNotStopItsDocument(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.tell = true
		many := map[string]int64{}
		for i := range 3000 {
			many[fmt.Sprintf("party-%04d", i)] = 1
		}
		b.source.put("R1", 1, connector.Ready, many)
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		require.NotEmpty(t, s.Receipt.Made)
		require.NotEmpty(t, s.Receipt.Notes, "it says that it is not whole")
		require.Len(t, b.erp.all(), 3000)
	})
}

func TestChangesOfStateAreToldAfterTheyAreDurable(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var mu sync.Mutex
		var told []string
		b.opts.Observer.Changed = func(c engine.Change) {
			mu.Lock()
			defer mu.Unlock()
			row, err := b.store.Get(context.Background(), c.ID)
			require.NoError(t, err)
			require.Equal(t, string(c.To), row.State)
			told = append(told, string(c.From)+">"+string(c.To))
		}
		b.posted(ten)
		require.Equal(t, []string{">received", "received>delivering", "delivering>confirmed"}, told)
	})
}

// vault seals by a key of each person.
type vault struct {
	mu   sync.Mutex
	gone map[string]bool
}

func (v *vault) Seal(_ context.Context, _, person string, plain []byte) ([]byte, error) {
	return append([]byte(person+"|"), plain...), nil
}

func (v *vault) Open(_ context.Context, _, person string, sealed []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone[person] {
		return nil, fmt.Errorf("vault: the key was destroyed: %w", storage.ErrNotFound)
	}
	plain, ok := strings.CutPrefix(string(sealed), person+"|")
	if !ok {
		return nil, errors.New("vault: sealed by another key")
	}
	return []byte(plain), nil
}

func (v *vault) Name(_ string, plain []byte) string { return fmt.Sprintf("%x", sha256.Sum256(plain)) }

func TestSealedPostingIsOpenedWithTheKeyOfThePersonWhoseItIs(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		v := &vault{gone: map[string]bool{}}
		b.opts.Sealer = v
		b.source.person = "ann"
		e := b.posted(ten)
		b.source.person = "bob" // the second revision is another person's
		b.change(e, 2, connector.Ready, ten)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		b.change(e, 2, connector.Withdrawn, nil)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		require.Empty(t, b.erp.all())
	})
}

func TestDestroyedKeyParksOnlyItsDocument(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		v := &vault{gone: map[string]bool{"ann": true}}
		b.opts.Sealer = v
		b.source.person = "ann"
		e := b.posted(ten)
		require.Equal(t, engine.CodeContentGone, b.status("R1").Cause)
		b.source.person = "bob"
		b.source.put("R2", 1, connector.Ready, ten)
		b.notify(e, "R2")
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R2").State)
	})
}

func TestAKnockThatComesWhileADocumentIsMappedIsLookedAtBeforeAnythingIsSent(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.engine()
		var once sync.Once
		b.mapper.stop = func() error {
			once.Do(func() {
				b.source.put("R1", 1, connector.Withdrawn, nil)
				b.notify(e, "R1")
			})
			return nil
		}
		e = b.engine()
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(e, "R1")
		b.run(e, time.Minute)
		require.Equal(t, engine.Void, b.status("R1").State)
		_, sends, _ := b.erp.counts()
		require.Zero(t, sends)
	})
}
