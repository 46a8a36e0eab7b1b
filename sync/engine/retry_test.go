package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

var errDown = errors.New("target does not answer")

func TestAnswerLostAfterTheCommitIsFoundAndNotSentAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.lose = 1
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		finds, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
		require.Equal(t, 1, finds)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestAfterAnUnknownOutcomeNothingComesBeforeFind(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		var ops []string
		b.erp.fail = func(op string) error {
			ops = append(ops, op)
			if len(ops) == 1 {
				return errDown
			}
			return nil
		}
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		require.Equal(t, []string{"deliver", "find", "deliver"}, ops)
		require.Equal(t, 1, b.source.fetched(), "and the document is not mapped again")
	})
}

func TestTransientErrorsAreTriedWithGrowingWaitsThenParked(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.policy.MinWait, b.policy.MaxWait, b.policy.MaxTries = 2*time.Second, time.Minute, 9
		b.policy.CircuitFailures = 1000
		var at []time.Time
		b.source.fetchErr = func(int) error { at = append(at, time.Now()); return errDown }
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Hour)
		require.Len(t, at, 9)
		nominal := 2 * time.Second
		for i := 1; i < len(at); i++ {
			wait := at[i].Sub(at[i-1])
			require.GreaterOrEqual(t, wait, nominal/2, "try %d", i)
			require.LessOrEqual(t, wait, nominal+time.Second, "try %d", i)
			nominal = min(2*nominal, time.Minute)
		}
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, engine.CodeExhausted, s.Cause)
		require.Contains(t, s.Issues[0].Message, errDown.Error())
		require.NotEmpty(t, s.Issues[0].Remedy)
		require.True(t, s.Due.IsZero())
	})
}

func TestWaitsAreDrawnSoThatWhatFailedTogetherDoesNotComeBackTogether(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.MinWait, b.policy.CircuitFailures = time.Minute, 1000
		for i := range 20 {
			b.source.put(fmt.Sprint("R", i), 1, connector.Ready, ten)
		}
		b.source.fetchErr = func(int) error { return errDown }
		e := b.engine()
		for i := range 20 {
			b.notify(e, fmt.Sprint("R", i))
		}
		b.run(e, 10*time.Second)
		due := map[time.Time]bool{}
		for i := range 20 {
			due[b.status(fmt.Sprint("R", i)).Due] = true
		}
		require.Greater(t, len(due), 15)
	})
}

func TestEveryRetryOfThisProcessComesOnTimeWithoutAPoll(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.opts.Poll = time.Hour
		b.policy.CircuitFailures = 1000
		fails := map[string]int{}
		b.erp.fail = func(op string) error {
			if fails[op]++; fails[op] <= 5 {
				return errDown
			}
			return nil
		}
		e := b.engine()
		for i := range 5 {
			b.source.put(fmt.Sprint("R", i), 1, connector.Ready, ten)
			b.notify(e, fmt.Sprint("R", i))
		}
		b.start(e)
		pass(time.Minute)
		for i := range 5 {
			require.Equal(t, engine.Confirmed, b.status(fmt.Sprint("R", i)).State)
		}
	})
}

type slower struct{ after time.Duration }

func (slower) Error() string               { return "too many requests" }
func (s slower) RetryAfter() time.Duration { return s.after }

func TestRetryAfterIsHonouredForTheWholeSystemAndCountsNoTry(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.source.put("R2", 1, connector.Ready, ten)
		var at []time.Time
		b.erp.fail = func(op string) error {
			at = append(at, time.Now())
			if len(at) == 1 {
				return fmt.Errorf("deliver: %w", slower{7 * time.Minute})
			}
			return nil
		}
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Second)
		require.Equal(t, 0, b.status("R1").Tries)
		b.notify(e, "R2")
		pass(time.Hour)
		require.GreaterOrEqual(t, at[1].Sub(at[0]), 7*time.Minute)
		require.LessOrEqual(t, at[1].Sub(at[0]), 7*time.Minute+10*time.Second)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Equal(t, engine.Confirmed, b.status("R2").State)
	})
}

func TestConnectionFaultShutsThatTenantsSystemOnlyAndGoesOnByItselfWhenMended(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.opts.Poll = 30 * time.Second
		broken := true
		b.erp.fail = func(string) error {
			if broken {
				return fmt.Errorf("licence: %w", connector.ErrConnection)
			}
			return nil
		}
		b.source.put("R1", 1, connector.Ready, ten)
		other := newToyERP()
		e := b.engine()
		require.NoError(t, engine.Add(e, engine.Flow[claim, bills]{
			Tenant: "beta", Name: "claims", Target: "erp", Source: b.source, Mapper: b.mapper, Sink: other, Policy: &b.policy,
		}))
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Len(t, e.Shut(), 1)
		require.Equal(t, []engine.Shut{{
			Tenant: tenant, Target: "erp", Why: "licence: " + connector.ErrConnection.Error(), Mend: true,
			Since: e.Shut()[0].Since, Until: e.Shut()[0].Until,
		}}, e.Shut())
		require.NoError(t, e.Notify(t.Context(), connector.Notice{Tenant: "beta", Ref: connector.Ref{Kind: "claim", ID: "R1"}}))
		b.source.put("R2", 1, connector.Ready, ten)
		b.notify(e, "R2") // the intake goes on
		pass(time.Minute)
		require.Len(t, other.all(), 1, "another tenant is not held up")
		require.Equal(t, engine.Delivering, b.status("R2").State, "fetched and mapped, so that it is ready to go")
		require.Equal(t, 0, b.status("R1").Tries, "no try is counted")
		pass(12 * time.Hour)
		require.Equal(t, engine.Delivering, b.status("R1").State, "and it is never parked for it")
		_, before, _ := b.erp.counts()
		require.Less(t, before+b.erp.finds, 80, "few tries against a system that a person must mend")
		b.erp.set(func() { broken = false })
		pass(16 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Equal(t, engine.Confirmed, b.status("R2").State)
		require.Empty(t, e.Shut())
	})
}

func TestResumeAsksAMendedSystemAtOnce(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		broken := true
		b.erp.fail = func(string) error {
			if broken {
				return connector.ErrConnection
			}
			return nil
		}
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(4 * time.Hour)
		b.erp.set(func() { broken = false })
		require.NoError(t, e.Resume(t.Context(), tenant, "claims", engine.Act{Actor: "ann"}))
		pass(3 * time.Second)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestCircuitOpensAfterFailuresInARowAndOneCallerTries(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.CircuitFailures, b.policy.CircuitOpen, b.policy.MaxTries = 5, time.Minute, 1000
		down := true
		calls := 0
		b.erp.fail = func(string) error {
			calls++
			if down {
				return errDown
			}
			return nil
		}
		e := b.engine()
		for i := range 30 {
			b.source.put(fmt.Sprint("R", i), 1, connector.Ready, ten)
			b.notify(e, fmt.Sprint("R", i))
		}
		b.start(e)
		pass(10 * time.Second)
		first := calls
		require.LessOrEqual(t, first, 5+8, "at most what was under way when it opened")
		require.Len(t, e.Shut(), 1)
		require.False(t, e.Shut()[0].Mend)
		pass(time.Minute)
		require.Equal(t, first+1, calls, "one caller tries")
		b.erp.set(func() { down = false })
		pass(10 * time.Minute)
		require.Len(t, b.erp.all(), 30)
		require.Empty(t, e.Shut())
	})
}

func TestCircuitOfTheSourceLeavesTheTargetAlone(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.final = false // polled in the target
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(10 * time.Second)
		b.source.set(func() { b.source.fetchErr = func(int) error { return connector.ErrConnection } })
		b.notify(e, "R2")
		pass(time.Second)
		require.Equal(t, "claims", e.Shut()[0].Flow)
		b.erp.set(func() { b.erp.final = true })
		pass(2 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestKnockDoesNotMakeAFailingDocumentForgetItsTries(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.policy.MaxTries, b.policy.CircuitFailures = 6, 1000
		b.source.fetchErr = func(int) error { return errDown }
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		for range 5 {
			pass(time.Second)
			b.notify(e, "R1")
		}
		pass(10 * time.Minute)
		require.Equal(t, engine.CodeExhausted, b.status("R1").Cause)
	})
}

func TestPoisonDoesNotBlockTheOthers(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.policy.CircuitFailures = 1000
		b.mapper.poison = "R3"
		e := b.engine()
		for i := range 10 {
			b.source.put(fmt.Sprint("R", i), 1, connector.Ready, ten)
			b.notify(e, fmt.Sprint("R", i))
		}
		b.run(e, 30*time.Second)
		require.Len(t, b.erp.all(), 9)
		require.Positive(t, b.status("R3").Tries)
	})
}

func TestPanicOfAnEndOrAMapperIsAFaultOfItsDocumentOnly(t *testing.T) {
	for _, where := range []string{"fetch", "map", "deliver", "sweep"} {
		t.Run(where, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.policy.CircuitFailures = 100
				var n atomic.Int64
				blow := func() error {
					if n.Add(1) == 1 {
						panic("jane.doe@example.com")
					}
					return nil
				}
				switch where {
				case "fetch":
					b.source.between = func(context.Context) error { return blow() }
				case "map":
					b.mapper.stop = blow
				case "deliver":
					b.erp.midway = blow
				case "sweep":
					b.policy.Sweep = time.Minute
					b.source.listed = true
					b.source.onPage = blow
				}
				b.source.put("R1", 1, connector.Ready, ten)
				b.source.put("R2", 1, connector.Ready, ten)
				e := b.engine()
				if where != "sweep" {
					b.notify(e, "R1")
					b.notify(e, "R2")
				}
				b.start(e)
				pass(5 * time.Minute)
				require.Greater(t, n.Load(), int64(1))
				require.Equal(t, engine.Confirmed, b.status("R1").State)
				require.Equal(t, engine.Confirmed, b.status("R2").State)
				require.Len(t, b.erp.all(), 2)
				for _, m := range append(b.status("R1").History, b.status("R2").History...) {
					require.NotContains(t, m.Text, "jane")
				}
			})
		})
	}
}

func TestFloodOfOneFlowDoesNotStarveAnother(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.opts.Workers = 4
		b.erp.slow = time.Second
		small := newToySource()
		e := b.engine()
		b.second(e, small, "small-")
		for i := range 400 {
			b.source.put(fmt.Sprint("F", i), 1, connector.Ready, ten)
			b.notify(e, fmt.Sprint("F", i))
		}
		b.start(e)
		pass(5 * time.Second)
		small.put("S1", 1, connector.Ready, ten)
		n := notice("S1")
		n.Flow = "second"
		require.NoError(t, e.Notify(t.Context(), n))
		pass(10 * time.Second)
		require.Equal(t, engine.Confirmed, b.status("S1").State)
		require.Less(t, len(b.erp.all()), 100, "the flood is still under way")
	})
}

// refusing is an audit log that can be made to fail.
type refusing struct {
	audit.Log
	mu      sync.Mutex
	refuses func(rs []audit.Record) bool
}

func (l *refusing) Append(ctx context.Context, rs []audit.Record) error {
	l.mu.Lock()
	refuses := l.refuses
	l.mu.Unlock()
	if refuses != nil && refuses(rs) {
		return errors.New("disk full")
	}
	return l.Log.Append(ctx, rs)
}

func (l *refusing) set(f func(rs []audit.Record) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = f
}

func TestAuditThatRefusesLetsNothingOutAndCountsNoAttempt(t *testing.T) {
	for _, action := range []string{"deliver", "reverse", "acknowledge"} {
		t.Run(action, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.source.put("R1", 1, connector.Ready, ten)
				b.tell = action == "acknowledge"
				if action == "reverse" {
					b.erp.refuse = map[string]bool{"emp": true}
				}
				log := &refusing{Log: b.log}
				log.set(func(rs []audit.Record) bool { return rs[0].Action == action && rs[0].Outcome == "attempt" })
				e, err := engine.New(b.store, audit.NewTrail(log, nil), &b.opts)
				require.NoError(t, err)
				b.add(e)
				b.notify(e, "R1")
				b.start(e)
				pass(10 * time.Minute)
				s := b.status("R1")
				require.Equal(t, 0, s.Tries)
				require.NotEqual(t, engine.Parked, s.State)
				_, sends, backs := b.erp.counts()
				switch action {
				case "deliver":
					require.Equal(t, 0, sends)
					require.LessOrEqual(t, s.Attempts, 1)
				case "reverse":
					require.Equal(t, 0, backs)
				case "acknowledge":
					require.Empty(t, b.source.signals())
				}
				log.set(nil)
				pass(2 * time.Minute)
				if action == "reverse" {
					require.Equal(t, engine.Parked, b.status("R1").State)
					return
				}
				require.Equal(t, engine.Confirmed, b.status("R1").State)
				require.Equal(t, 1, b.status("R1").Attempts)
			})
		})
	}
}

func TestOutcomeThatCannotBeRecordedIsFoundAndRecordedLater(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		log := &refusing{Log: b.log}
		log.set(func(rs []audit.Record) bool { return rs[0].Outcome == "made" })
		e, err := engine.New(b.store, audit.NewTrail(log, nil), &b.opts)
		require.NoError(t, err)
		b.add(e)
		b.notify(e, "R1")
		b.run(e, time.Minute)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Contains(t, b.outcomes(), "deliver found")
	})
}

// outcomes are the actions and outcomes in the audit trail.
func (b *bench) outcomes() []string {
	b.t.Helper()
	var out []string
	rs, _, err := b.log.Read(b.t.Context(), audit.Query{Tenant: tenant, Limit: 10_000})
	require.NoError(b.t, err)
	for _, r := range rs {
		out = append(out, r.Action+" "+r.Outcome)
	}
	return out
}

func (b *bench) add(e *engine.Engine) {
	b.t.Helper()
	var src connector.Source[claim] = trippedSource{b.source, nil}
	if b.tell {
		src = telling{trippedSource{b.source, nil}}
	}
	require.NoError(b.t, engine.Add(e, engine.Flow[claim, bills]{
		Tenant: tenant, Name: "claims", Target: "erp", Source: src, Mapper: b.mapper, Sink: b.erp, Policy: &b.policy,
	}))
}

// failing is a store that can be made to fail.
type failing struct {
	storage.Store
	mu   sync.Mutex
	down bool
}

func (s *failing) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errors.New("store does not answer")
	}
	return nil
}

func (s *failing) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *failing) Get(ctx context.Context, id storage.ID) (storage.Transfer, error) {
	if err := s.err(); err != nil {
		return storage.Transfer{}, err
	}
	return s.Store.Get(ctx, id)
}

func (s *failing) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if err := s.err(); err != nil {
		return storage.Transfer{}, err
	}
	return s.Store.Update(ctx, t)
}

func (s *failing) Due(ctx context.Context, q string, by time.Time, n int) ([]storage.Transfer, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Store.Due(ctx, q, by, n)
}

func TestStoreThatFailsMakesNotifyFailAndWorkGoesOnLater(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.source.put("R2", 1, connector.Ready, ten)
		store := &failing{Store: b.store}
		e, err := engine.New(store, b.trail(), &b.opts)
		require.NoError(t, err)
		b.add(e)
		b.notify(e, "R1")
		b.erp.pause = func(context.Context, string, int) { store.set(true) } // fails in the middle of the delivery
		b.start(e)
		pass(time.Second)
		require.Error(t, e.Notify(t.Context(), notice("R2")), "the webhook answers 503")
		b.erp.set(func() { b.erp.pause = nil })
		pass(5 * time.Minute)
		store.set(false)
		pass(3 * time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Confirmed, s.State)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends, "found, not sent again")
		b.notify(e, "R2")
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R2").State)
	})
}

func TestClockThatJumpsBackStopsNothingForLong(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var mu sync.Mutex
		var shift time.Duration
		b.opts.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(shift)
		}
		down := true
		b.erp.fail = func(string) error {
			if down {
				return connector.ErrConnection
			}
			return nil
		}
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(10 * time.Second)
		mu.Lock()
		shift = -3 * time.Hour
		mu.Unlock()
		b.erp.set(func() { down = false })
		b.source.put("R2", 1, connector.Ready, ten)
		b.notify(e, "R2")
		pass(2 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R2").State, "the system is not shut for three hours more")
		b.notify(e, "R1") // its due time is of the old clock; any knock brings it forward
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 2)
	})
}

func TestClockThatJumpsBackDuringADeliveryDoublesNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var mu sync.Mutex
		var shift time.Duration
		b.opts.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(shift)
		}
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.pause = func(context.Context, string, int) {
			mu.Lock()
			shift -= time.Hour
			mu.Unlock()
		}
		b.erp.slow = 5 * time.Minute // longer than a lease
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		b.start(b.engine())
		pass(time.Hour)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestATargetThatIsDownForHoursParksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		down := true
		b.erp.fail = func(string) error {
			if down {
				return errors.New("connection refused")
			}
			return nil
		}
		for i := range 20 {
			doc := fmt.Sprint("R", i)
			b.source.put(doc, 1, connector.Ready, map[string]int64{"emp": 100})
		}
		e := b.engine()
		for i := range 20 {
			require.NoError(t, e.Notify(t.Context(), notice(fmt.Sprint("R", i))))
		}
		b.run(e, 8*time.Hour)
		for i := range 20 {
			require.NotEqual(t, engine.Parked, b.status(fmt.Sprint("R", i)).State)
		}
		down = false
		b.opts.Poll = 10 * time.Second
		b.run(b.engine(), time.Hour)
		require.Len(t, b.erp.all(), 20)
	})
}

func TestTablesThatCannotBeReadShutTheTargetAndParkNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.mapper.err = errors.New("tables: connection refused")
		b.source.put("R1", 1, connector.Ready, map[string]int64{"emp": 100})
		e := b.engine()
		require.NoError(t, e.Notify(t.Context(), notice("R1")))
		b.run(e, 8*time.Hour)
		require.Equal(t, engine.Pending, b.status("R1").State)
		require.Len(t, e.Shut(), 1)
		b.mapper.err = nil
		b.opts.Poll = 10 * time.Second
		b.run(b.engine(), time.Hour)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestADocumentThatAloneBringsItsTargetDownIsParkedAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.erp.fail = func(string) error { return errors.New("internal error") }
		b.source.put("R1", 1, connector.Ready, map[string]int64{"emp": 100})
		e := b.engine()
		require.NoError(t, e.Notify(t.Context(), notice("R1")))
		b.run(e, 26*time.Hour)
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, engine.CodeExhausted, s.Cause)
	})
}
