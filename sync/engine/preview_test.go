package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// foresee previews the one parked transfer and checks that nothing was written.
func (b *bench) foresee(e *engine.Engine) engine.PlanItem {
	b.t.Helper()
	p, err := e.Plan(b.t.Context(), storage.Query{Tenant: tenant})
	require.NoError(b.t, err)
	require.Len(b.t, p.Items, 1)
	before := b.status("R1")
	_, sends, backs := b.erp.counts()
	told := b.source.signals()
	p, err = e.Preview(b.t.Context(), p)
	require.NoError(b.t, err)
	require.Equal(b.t, before, b.status("R1"), "no row is changed")
	_, sends2, backs2 := b.erp.counts()
	require.Equal(b.t, []int{sends, backs}, []int{sends2, backs2}, "nothing is sent")
	require.Equal(b.t, told, b.source.signals())
	return p.Items[0]
}

func TestPreviewOfAMendedDocumentSaysThatItWouldBeCreated(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		mended := false
		b.mapper.issues = func(c claim) mapping.Issues {
			if mended {
				return nil
			}
			return unmapped(c)
		}
		e := b.posted(bad)
		item := b.foresee(e)
		require.Equal(t, engine.WouldPark, item.Outlook)
		require.Equal(t, "party_unknown", item.Issues[0].Code)
		mended = true
		require.Equal(t, engine.WouldCreate, b.foresee(e).Outlook)
	})
}

func TestPreviewOfAnUnknownOutcomeSaysWhatStandsInTheTarget(t *testing.T) {
	for want, last := range map[engine.Outlook]func(b *bench){
		engine.WouldExist:  func(*bench) {},
		engine.WouldCreate: func(b *bench) { clear(b.erp.docs) },
		engine.WouldChange: func(b *bench) {
			s := b.erp.docs["emp/R1"]
			s.Amount++
			b.erp.docs["emp/R1"] = s
		},
		engine.CannotTell: func(b *bench) { b.erp.fail = func(string) error { return errDown } },
		engine.WouldRecall: func(b *bench) {
			b.source.docs["R1"] = connector.Snapshot[claim]{Ref: connector.Ref{Kind: "claim", ID: "R1"}, Revision: 1, Phase: connector.Withdrawn}
		},
	} {
		t.Run(string(want), func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.policy.MaxTries, b.policy.CircuitFailures = 2, 100
				b.erp.lose = 1
				b.erp.fail = func(op string) error {
					if op == "find" {
						return errDown
					}
					return nil
				}
				e := b.posted(map[string]int64{"emp": 100})
				require.Equal(t, engine.Parked, b.status("R1").State)
				b.erp.set(func() { b.erp.fail = nil; last(b) })
				require.Equal(t, want, b.foresee(e).Outlook)
			})
		})
	}
}

func TestPreviewOfALaterRevisionSaysThatItChangesWhatWasPosted(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		e := b.posted(ten)
		b.change(e, 2, connector.Ready, map[string]int64{"emp": 7})
		item := b.foresee(e)
		require.Equal(t, engine.WouldPark, item.Outlook)
		require.Equal(t, engine.CodeSecondRevision, item.Issues[0].Code)
		b.differ = true
		require.Equal(t, engine.WouldChange, b.foresee(b.engine()).Outlook)
	})
}

func TestPreviewOfWhatChangedSinceThePlanCannotTell(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = unmapped
		e := b.posted(bad)
		p, err := e.Plan(t.Context(), storage.Query{Tenant: tenant})
		require.NoError(t, err)
		b.change(e, 2, connector.Ready, bad)
		p, err = e.Preview(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, engine.CannotTell, p.Items[0].Outlook)
	})
}

func TestPreviewOfADocumentThatIsNotApprovedAnyMore(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = unmapped
		e := b.posted(bad)
		b.source.put("R1", 1, connector.NotYet, bad)
		require.Equal(t, engine.WouldWait, b.foresee(e).Outlook)
	})
}
