package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// noted is a store in which something happens right before a note of a wait is
// written or deleted.
type noted struct {
	storage.Store
	saving, deleting func()
}

func (s *noted) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	if f := s.saving; f != nil && strings.HasPrefix(v.Name, "wait/") {
		s.saving = nil
		f()
	}
	return s.Store.Save(ctx, v)
}

func (s *noted) Delete(ctx context.Context, tenant, name, rev string) error {
	if f := s.deleting; f != nil && strings.HasPrefix(name, "wait/") {
		f()
	}
	return s.Store.Delete(ctx, tenant, name, rev)
}

// choosy is a sink that refuses for want of an account.
type choosy struct {
	*toyERP
	there *bool
}

func (s choosy) Deliver(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	if !*s.there {
		return connector.Receipt{}, &connector.Rejection{Issues: []connector.Issue{{Code: "account_unknown", Needs: "glaccount/6410"}}}
	}
	return s.toyERP.Deliver(ctx, d)
}

func TestWhatComesBetweenARefusalAndTheNoteOfItWakesTheDocument(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		store, there := &noted{Store: b.store}, false
		e := b.engineOn(store)
		require.NoError(t, engine.Add(e, engine.Flow[claim, bills]{
			Tenant: tenant, Name: "claims", Target: "erp", Source: b.source, Mapper: b.mapper, Sink: choosy{b.erp, &there}, Policy: &b.policy,
		}))
		store.saving = func() {
			there = true
			_, err := e.Appeared(t.Context(), tenant, "glaccount/6410")
			require.NoError(t, err)
		}
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(e, "R1")
		b.start(e)
		pass(24 * time.Hour)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
		require.Len(t, b.erp.all(), 1)
	})
}

func TestANoteOfAWaitOutlastsTheWakeUpBeforeIt(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		store := &noted{Store: b.store}
		b.mapper.issues = func(claim) mapping.Issues {
			return mapping.Issues{{Code: "account_unknown", Needs: "glaccount/6410"}}
		}
		e := b.engineOn(store)
		b.add(e)
		b.source.put("R1", 1, connector.Ready, ten)
		b.notify(e, "R1")
		b.start(e)
		pass(time.Minute)
		require.Equal(t, engine.Parked, b.status("R1").State)
		store.deleting = func() { <-time.After(2 * time.Second) } // a worker with older tables maps and parks meanwhile
		for range 2 {
			n, err := e.Appeared(t.Context(), tenant, "glaccount/6410")
			require.NoError(t, err)
			require.Equal(t, 1, n, "the document waits, and no note says so")
		}
	})
}

func TestADocumentThatWasNotFoundForAWhileIsTakenInByTheNextSweep(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		known, away := false, false
		b.policy.Sweep = 10 * time.Minute
		b.source.listed = true
		b.source.fetchErr = func(int) error {
			if away {
				return connector.ErrNotFound
			}
			return nil
		}
		b.mapper.issues = func(claim) mapping.Issues {
			if known {
				return nil
			}
			return mapping.Issues{{Code: "account_unknown", Needs: "glaccount/6410"}}
		}
		b.source.put("R1", 1, connector.Ready, ten)
		e := b.engine()
		b.start(e)
		pass(time.Minute)
		require.Equal(t, engine.Parked, b.status("R1").State)
		b.source.set(func() { known, away = true, true })
		_, err := e.Appeared(t.Context(), tenant, "glaccount/6410")
		require.NoError(t, err)
		pass(time.Minute)
		require.Equal(t, engine.Void, b.status("R1").State)
		b.source.set(func() { away = false })
		pass(time.Hour)
		require.Equal(t, engine.Confirmed, b.status("R1").State)
	})
}

func TestNoDocumentIsParkedForACredentialThatIsWrongForDays(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.erp.fail = func(string) error { return fmt.Errorf("401: %w", connector.ErrConnection) }
		e := b.engine()
		b.start(e)
		for n := range 3 {
			b.source.put(fmt.Sprint("R", n), 1, connector.Ready, ten)
			b.notify(e, fmt.Sprint("R", n))
		}
		pass(72 * time.Hour)
		b.erp.set(func() { b.erp.fail = nil })
		pass(24 * time.Hour)
		for n := range 3 {
			require.Equal(t, engine.Confirmed, b.status(fmt.Sprint("R", n)).State)
		}
	})
}
