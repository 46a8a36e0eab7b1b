package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

func TestRefusedSetIsTakenBackWholeAndParkedWithItsIssues(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, map[string]int64{"a": 100, "b": 200, "z": 300})
		b.erp.refuse = map[string]bool{"z": true}
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, engine.None, s.Effect)
		require.Equal(t, "party_unknown", s.Cause)
		require.Equal(t, "z", s.Issues[0].Value)
		require.Empty(t, b.erp.all(), "a and b were made and are taken back")
		require.Equal(t, engine.WordOpen, s.Word)
	})
}

func TestReplayAfterARefusalUsesGenerationTwoInKeyAndNumbers(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, map[string]int64{"a": 100, "z": 300})
		b.erp.refuse = map[string]bool{"z": true}
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		b.erp.set(func() { b.erp.refuse = nil })
		require.Equal(t, 1, b.replay(e, storage.Query{}))
		pass(time.Minute)
		docs := b.erp.all()
		require.Len(t, docs, 2)
		first := connector.Delivery[bills]{Tenant: tenant, Target: "erp", Ref: connector.Ref{Kind: "claim", ID: "R1"}, Revision: 1, Generation: 1}
		second := first
		second.Generation = 2
		require.NotEqual(t, first.Key(), docs[0].Key)
		require.Equal(t, second.Key(), docs[0].Key)
		require.Equal(t, "R1-2", docs[0].Number)
		require.Equal(t, 2, b.status("R1").Generation)
	})
}

func TestRevisionAfterATakenBackOneDoesNotUseItsNumbersAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		b.source.put("R1", 1, connector.Withdrawn, nil)
		b.notify(e, "R1")
		pass(time.Minute)
		b.source.put("R1", 2, connector.Ready, map[string]int64{"emp": 900})
		b.notify(e, "R1")
		pass(time.Minute)
		require.Equal(t, "R1-2", b.erp.all()[0].Number, "an ERP may remember the number of a cancelled document")
	})
}

func TestMappingIssuesParkWithCodeAndSendNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = func(claim) mapping.Issues {
			return mapping.Issues{{Code: "cost_centre_unknown", Value: "CC9", Remedy: "add it"}, {Code: "other"}}
		}
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, 10*time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, "cost_centre_unknown", s.Cause)
		require.Len(t, s.Issues, 2)
		require.Equal(t, 0, s.Attempts)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 0, sends)
	})
}

func TestReplayOfOneAndOfAllWithOneCause(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		broken := true
		b.mapper.issues = func(c claim) mapping.Issues {
			if !broken {
				return nil
			}
			if c.ID == "R9" {
				return mapping.Issues{{Code: "vendor_unknown"}}
			}
			return mapping.Issues{{Code: "account_unknown"}}
		}
		e := b.engine()
		for _, d := range []string{"R1", "R2", "R3", "R9"} {
			b.source.put(d, 1, connector.Ready, ten)
			b.notify(e, d)
		}
		b.start(e)
		pass(time.Minute)
		p, err := e.Plan(t.Context(), storage.Query{Tenant: tenant, Cause: "account_unknown"})
		require.NoError(t, err)
		require.Len(t, p.Items, 3)
		require.Equal(t, engine.ReplayMap, p.Items[0].Action)
		require.Equal(t, "10", p.Items[0].Totals[0].Amount.String())
		broken = false
		one := engine.Plan{Items: p.Items[:1]}
		n, err := e.Replay(t.Context(), one, engine.Act{Actor: "ann", Reason: "account added"})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		pass(time.Minute)
		require.Len(t, b.erp.all(), 1)
		n, err = e.Replay(t.Context(), p, engine.Act{Actor: "ann", Reason: "account added"})
		require.NoError(t, err)
		require.Equal(t, 2, n, "the one that changed since the plan is skipped")
		pass(time.Minute)
		require.Len(t, b.erp.all(), 3)
		require.Equal(t, engine.Parked, b.status("R9").State, "another cause is left alone")
	})
}

func TestReplaySkipsARowThatWasParkedAgainSinceThePlan(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = func(c claim) mapping.Issues { return mapping.Issues{{Code: fmt.Sprint("cause_", c.Amounts["emp"])}} }
		e := b.posted(ten)
		p, err := e.Plan(t.Context(), storage.Query{Tenant: tenant})
		require.NoError(t, err)
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 2000})
		require.Equal(t, "cause_2000", b.status("R1").Cause)
		n, err := e.Replay(t.Context(), p, engine.Act{Actor: "ann"})
		require.NoError(t, err)
		require.Equal(t, 0, n, "somebody approved the replay of another revision")
	})
}

func TestReplayIsAuditedWithWhoAndWhyAndNeedsAWho(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = func(claim) mapping.Issues { return mapping.Issues{{Code: "x"}} }
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		p, err := e.Plan(t.Context(), storage.Query{Tenant: tenant})
		require.NoError(t, err)
		_, err = e.Replay(t.Context(), p, engine.Act{Reason: "no name"})
		require.Error(t, err)
		_, err = e.Replay(t.Context(), p, engine.Act{Actor: "ann", Reason: "account 6410 added"})
		require.NoError(t, err)
		rs, _, err := b.log.Read(t.Context(), audit.Query{Tenant: tenant, Subject: "claim/R1"})
		require.NoError(t, err)
		last := rs[len(rs)-1]
		require.Equal(t, "replay", last.Action)
		require.Equal(t, "ann", last.Actor)
		require.Equal(t, "account 6410 added", last.Reason)
		h := b.status("R1").History
		require.Equal(t, "ann", h[len(h)-1].Actor)
	})
}

func TestOnlyParkedTransfersAreReplayed(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		_, err := b.engine().Plan(t.Context(), storage.Query{Tenant: tenant, State: string(engine.Returned)})
		require.Error(t, err)
	})
}

func TestReplayDuringALeaseLetsNoSecondWorkerInAndDoesNotSpin(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		broken := true
		b.mapper.issues = func(claim) mapping.Issues {
			if broken {
				return mapping.Issues{{Code: "x"}}
			}
			return nil
		}
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		broken = false
		inFetch := make(chan struct{})
		b.source.set(func() {
			b.source.between = func(context.Context) error {
				close(inFetch)
				<-time.After(30 * time.Second)
				b.source.set(func() { b.source.between = nil })
				return nil
			}
		})
		b.notify(e, "R1")
		<-inFetch // the row is still parked, and held
		require.Equal(t, 1, b.replay(e, storage.Query{}))
		pass(5 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Equal(t, 1, b.erp.most)
		require.Len(t, b.erp.all(), 1)
	})
}

func needsAccount(have func() bool) func(claim) mapping.Issues {
	return func(claim) mapping.Issues {
		if have() {
			return nil
		}
		return mapping.Issues{{Code: "account_unknown", Needs: "glaccount/6410"}}
	}
}

func TestDocumentThatNeedsAnObjectIsWokenWhenItAppears(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		have := false
		b.mapper.issues = needsAccount(func() bool { return have })
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Equal(t, engine.Parked, b.status("R1").State)
		n, err := e.Appeared(t.Context(), tenant, "glaccount/9999")
		require.NoError(t, err)
		require.Equal(t, 0, n)
		have = true
		n, err = e.Appeared(t.Context(), tenant, "glaccount/6410")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		n, err = e.Appeared(t.Context(), tenant, "glaccount/6410")
		require.NoError(t, err)
		require.Equal(t, 0, n, "the note is gone")
	})
}

func TestObjectThatAppearsBetweenMappingAndParkingWakesTheDocument(t *testing.T) {
	// The n-th mapping is the last that does not see the object; it appears right after.
	for after := 1; after <= 3; after++ {
		t.Run(fmt.Sprint("after mapping ", after), func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				maps := 0
				have := false
				var e *engine.Engine
				b.mapper.issues = func(claim) mapping.Issues {
					if have {
						return nil
					}
					maps++
					if maps == after {
						have = true
						_, err := e.Appeared(context.Background(), tenant, "glaccount/6410")
						require.NoError(t, err)
					}
					return mapping.Issues{{Code: "account_unknown", Needs: "glaccount/6410"}}
				}
				b.source.put("R1", 1, connector.Ready, ten)
				e = b.engine()
				b.notify(e, "R1")
				b.start(e)
				pass(time.Minute)
				if maps < after { // it parked before: the object appears afterwards
					have = true
					_, err := e.Appeared(t.Context(), tenant, "glaccount/6410")
					require.NoError(t, err)
					pass(time.Minute)
				}
				require.Equal(t, engine.Confirmed, b.status("R1").State)
			})
		})
	}
}

func TestObjectThatAppearsWhileARecoveredDocumentIsMappedWakesIt(t *testing.T) {
	// After a crash the row is pending and is mapped without a fetch before it.
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		var e *engine.Engine
		choke, maps, have := true, 0, false
		b.mapper.issues = func(claim) mapping.Issues {
			if have {
				return nil
			}
			if maps++; maps == 2 {
				have = true
				_, err := e.Appeared(context.Background(), tenant, "glaccount/6410")
				require.NoError(t, err)
			}
			return mapping.Issues{{Code: "account_unknown", Needs: "glaccount/6410"}}
		}
		b.mapper.stop = func() error {
			if choke {
				choke = false
				return errors.New("stopped here")
			}
			return nil
		}
		e = b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Equal(t, 1, b.source.fetched()-1, "one fetch at first, one for the knock")
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestWakeUpReachesADocumentOfAFlowThatThisProcessDoesNotHave(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		have := false
		b.mapper.issues = needsAccount(func() bool { return have })
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		mirror, err := engine.New(b.store, b.trail(), nil)
		require.NoError(t, err)
		have = true
		n, err := mirror.Appeared(t.Context(), tenant, "glaccount/6410")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestRefusalOfTheTargetThatNeedsAnObjectIsWokenToo(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		have := false
		b.erp.fail = func(op string) error {
			if op == "deliver" && !have {
				return &connector.Rejection{Issues: []connector.Issue{{Code: "vendor_unknown", Needs: "vendor/V1"}}}
			}
			return nil
		}
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Equal(t, engine.Parked, b.status("R1").State)
		b.erp.set(func() { have = true })
		_, err := e.Appeared(t.Context(), tenant, "vendor/V1")
		require.NoError(t, err)
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestSourceThatRefusesParksTheDocument(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.fetchErr = func(int) error {
			return &connector.Rejection{Issues: []connector.Issue{{Code: "report_damaged"}}}
		}
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Equal(t, "report_damaged", b.status("R1").Cause)
		b.source.set(func() { b.source.fetchErr = nil })
		b.replay(e, storage.Query{})
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestPhaseThatIsUnknownParks(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, "half_ready", ten)
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		require.Equal(t, "phase_unknown", b.status("R1").Cause)
	})
}

func TestDifferentParksAndAReplayLooksAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.lose = 1
		b.erp.pause = func(_ context.Context, op string, n int) {}
		e := b.engine()
		// The answer is lost, and before the look-up somebody changes what was made.
		b.erp.fail = func(op string) error {
			if op == "find" {
				s := b.erp.docs["emp/R1"]
				s.Amount = 1
				b.erp.docs["emp/R1"] = s
			}
			return nil
		}
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, engine.CodeDiffers, s.Cause)
		require.Equal(t, engine.Unknown, s.Effect)
		b.replay(e, storage.Query{})
		pass(time.Minute)
		require.Equal(t, engine.CodeDiffers, b.status("R1").Cause, "still different: still parked")
		b.erp.set(func() { b.erp.fail = nil; delete(b.erp.docs, "emp/R1") })
		p, err := e.Plan(t.Context(), storage.Query{Tenant: tenant})
		require.NoError(t, err)
		require.Equal(t, engine.ReplayLook, p.Items[0].Action)
		b.replay(e, storage.Query{})
		pass(time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Equal(t, int64(1000), b.erp.all()[0].Amount)
		require.Equal(t, 1, b.status("R1").Generation, "the stored posting, under its key")
	})
}

func TestPresenceThatIsNoneOfTheContractsIsTransient(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.lose = 1
		b.erp.presence = "perhaps"
		b.policy.MaxTries = 3
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, 10*time.Minute)
		require.Equal(t, engine.CodeExhausted, b.status("R1").Cause)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestReversalThatIsRefusedParksAndAReplayTriesItAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		b.erp.set(func() {
			b.erp.fail = func(op string) error {
				if op == "reverse" {
					return &connector.Rejection{Issues: []connector.Issue{{Code: "period_closed"}}}
				}
				return nil
			}
		})
		b.source.put("R1", 1, connector.Withdrawn, nil)
		b.notify(e, "R1")
		pass(time.Minute)
		s := b.status("R1")
		require.Equal(t, engine.Parked, s.State)
		require.Equal(t, "period_closed", s.Cause)
		require.Len(t, b.erp.all(), 1)
		p, err := e.Plan(t.Context(), storage.Query{Tenant: tenant})
		require.NoError(t, err)
		require.Equal(t, engine.ReplayReverse, p.Items[0].Action)
		b.erp.set(func() { b.erp.fail = nil })
		b.replay(e, storage.Query{})
		pass(time.Minute)
		require.Equal(t, engine.Reversed, b.status("R1").State)
		require.Empty(t, b.erp.all())
	})
}

func TestReplayOfARetriesExhaustedDeliveryLooksFirst(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.policy.MaxTries, b.policy.CircuitFailures = 3, 100
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
		pass(time.Hour)
		require.Equal(t, engine.CodeExhausted, b.status("R1").Cause)
		b.erp.set(func() { down = false })
		finds, _, _ := b.erp.counts()
		b.replay(e, storage.Query{})
		pass(time.Minute)
		more, _, _ := b.erp.counts()
		require.Equal(t, finds+1, more)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestRetriesExhaustedWhilePollingGoOnAfterAReplay(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.policy.MaxTries, b.policy.CircuitFailures = 3, 100
		b.erp.final = false
		down := false
		b.erp.fail = func(string) error {
			if down {
				return errDown
			}
			return nil
		}
		e := b.engine()
		b.notify(e, "R1")
		b.start(e)
		pass(10 * time.Second)
		b.erp.set(func() { down = true })
		pass(time.Hour)
		s := b.status("R1")
		require.Equal(t, engine.CodeExhausted, s.Cause)
		require.Equal(t, engine.Effective, s.Effect)
		b.erp.set(func() { down, b.erp.final = false, true })
		b.replay(e, storage.Query{})
		pass(2 * time.Minute)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		_, sends, _ := b.erp.counts()
		require.Equal(t, 1, sends)
	})
}

func TestPersonalValuesAreInNoRowHistoryAuditOrLog(t *testing.T) {
	const secret = "jane.doe@example.com"
	in(t, func(t *testing.T, b *bench) {
		var logged strings.Builder
		b.opts.Logger = textLogger(&logged)
		issue := connector.Issue{Code: "employee_unknown", Field: "employee", Value: secret, Personal: true}
		b.mapper.issues = func(c claim) mapping.Issues {
			if c.ID == "R1" {
				return mapping.Issues{issue}
			}
			return nil
		}
		b.erp.fail = func(op string) error {
			if op == "deliver" {
				return &connector.Rejection{Issues: []connector.Issue{issue}}
			}
			return nil
		}
		b.source.put("R1", 1, connector.Ready, ten)
		b.source.put("R2", 1, connector.Ready, ten)
		e := b.engine()
		b.notify(e, "R1")
		b.notify(e, "R2")
		b.run(e, time.Minute)
		for _, doc := range []string{"R1", "R2"} {
			row, err := b.store.Get(t.Context(), id(doc))
			require.NoError(t, err)
			require.NotContains(t, string(row.Data), secret)
			s := b.status(doc)
			require.Equal(t, "employee_unknown", s.Cause)
			require.Empty(t, s.Issues[0].Value)
			whole, err := e.Issues(t.Context(), s)
			require.NoError(t, err)
			require.Equal(t, secret, whole[0].Value, "who must mend it can still see it")
		}
		rs, _, err := b.log.Read(t.Context(), audit.Query{Tenant: tenant, Limit: 1000})
		require.NoError(t, err)
		for _, r := range rs {
			require.NotContains(t, string(r.Detail), secret)
		}
		require.NotContains(t, logged.String(), secret)
	})
}

func TestNameOfAPartyIsNotInTheAuditTrail(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.source.put("R1", 1, connector.Ready, ten)
		b.erp.party = "E1042 Jane Doe"
		e := b.engine()
		b.notify(e, "R1")
		b.run(e, time.Minute)
		rs, _, err := b.log.Read(t.Context(), audit.Query{Tenant: tenant, Limit: 1000})
		require.NoError(t, err)
		for _, r := range rs {
			require.NotContains(t, string(r.Detail), "Jane")
		}
		require.Equal(t, "E1042 Jane Doe", b.status("R1").Receipt.Made[0].Party)
	})
}
