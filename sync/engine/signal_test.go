package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// lateAnswer lets the signals of revision 1 fail until revision 2 was fetched, and
// then answers those of a kind with an error.
func lateAnswer(b *bench, kind connector.SignalKind, answer error) {
	b.tell, b.differ = true, true
	b.source.listed = true
	b.policy.Sweep, b.policy.CircuitFailures = 10*time.Minute, 1000
	b.source.ackErr = func(s connector.Signal) error {
		switch {
		case s.Revision != 1 || s.Kind != kind:
			return nil
		case b.source.fetches < 2:
			return errDown
		default:
			return answer
		}
	}
	b.source.put("R1", 1, connector.Ready, ten)
	b.start(b.engine())
	pass(time.Minute)
	b.source.put("R1", 2, connector.Ready, map[string]int64{"emp": 1500})
	pass(48 * time.Hour)
}

// sum is the money that stands in the target.
func (b *bench) sum() int64 {
	sum := int64(0)
	for _, d := range b.erp.all() {
		sum += d.Amount
	}
	return sum
}

func TestARecallOfAnEarlierRevisionLeavesTheApprovedOne(t *testing.T) {
	for _, kind := range []connector.SignalKind{connector.Taken, connector.Posted} {
		t.Run(string(kind), func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				lateAnswer(b, kind, connector.ErrWithdrawn)
				s := b.status("R1")
				require.Equal(t, []any{engine.Confirmed, int64(2)}, []any{s.State, s.Revision})
				require.Equal(t, int64(1500), b.sum())
			})
		})
	}
}

func TestARefusedSignalOfAnEarlierRevisionDoesNotBlockTheApprovedOne(t *testing.T) {
	for _, kind := range []connector.SignalKind{connector.Taken, connector.Posted} {
		t.Run(string(kind), func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				lateAnswer(b, kind, connector.ErrRejected)
				s := b.status("R1")
				require.Equal(t, []any{engine.Confirmed, int64(2)}, []any{s.State, s.Revision})
				require.Equal(t, int64(1500), b.sum())
				require.Contains(t, b.source.signals(), "posted 2")
			})
		})
	}
}

// interrupted is a store that calls a function before a row is written.
type interrupted struct {
	storage.Store
	before func(t storage.Transfer)
}

func (s interrupted) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	s.before(t)
	return s.Store.Update(ctx, t)
}

func TestAKnockWhileADocumentIsVoidedWhoseSignalHadFailedIsAnswered(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.tell = true
		answers := []error{errDown, connector.ErrWithdrawn}
		b.source.ackErr = func(s connector.Signal) error {
			if s.Kind != connector.Taken || len(answers) == 0 {
				return nil
			}
			err := answers[0]
			answers = answers[1:]
			return err
		}
		var e *engine.Engine
		once := false
		store := interrupted{b.store, func(tr storage.Transfer) {
			if tr.State == string(engine.Void) && !once {
				once = true
				// It is approved anew, and the event of that comes now.
				b.source.put("R1", 2, connector.Ready, ten)
				b.notify(e, "R1")
			}
		}}
		var err error
		e, err = engine.New(store, b.trail(), &b.opts)
		require.NoError(t, err)
		require.NoError(t, engine.Add(e, engine.Flow[claim, bills]{
			Tenant: tenant, Name: "claims", Target: "erp", Source: telling{trippedSource{b.source, nil}}, Mapper: b.mapper, Sink: b.erp, Policy: &b.policy,
		}))
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(e, "R1")
		b.start(e)
		pass(24 * time.Hour)
		s := b.status("R1")
		require.Equal(t, []any{engine.Confirmed, int64(2)}, []any{s.State, s.Revision})
	})
}
