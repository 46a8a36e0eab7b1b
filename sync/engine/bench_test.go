package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/audit/sqlitelog"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
)

// instant are ends that answer at once, so that what is measured is the engine
// with its store and audit trail.
type instant struct{}

func (instant) Fetch(_ context.Context, ref connector.Ref) (connector.Snapshot[claim], error) {
	return connector.Snapshot[claim]{
		Ref: ref, Revision: 1, Phase: connector.Ready, Period: "2026-10", Content: claim{ID: ref.ID, Amounts: ten},
	}, nil
}

func (instant) Changes(context.Context, connector.Cursor) (connector.Page[claim], error) {
	return connector.Page[claim]{}, nil
}

func (instant) Map(_ context.Context, c claim) (mapping.Result[bills], error) {
	return mapping.Result[bills]{Posting: bills{Bills: []bill{{Party: "emp", Number: c.ID, Amount: 1000}}}, Version: "1"}, nil
}

func (instant) Find(context.Context, connector.Delivery[bills]) (connector.Finding, error) {
	return connector.Finding{Presence: connector.Absent}, nil
}

func (instant) Deliver(_ context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	return connector.Receipt{Final: true, Made: []connector.Made{{ID: d.Ref.ID, Number: d.Ref.ID}}}, nil
}

func (instant) Reverse(context.Context, connector.Delivery[bills]) (connector.Receipt, error) {
	return connector.Receipt{}, nil
}

// BenchmarkEventsToPostings measures documents a second from the notice to
// confirmed, with every write that a delivery makes.
func BenchmarkEventsToPostings(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) (storage.Store, audit.Log){
		"memory": func(*testing.B) (storage.Store, audit.Log) { return memstore.New(), memlog.New() },
		"sqlite": func(b *testing.B) (storage.Store, audit.Log) {
			b.Helper()
			dir := b.TempDir()
			s, err := sqlitestore.Open(b.Context(), filepath.Join(dir, "ledger.db"), nil)
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, s.Close()) })
			l, err := sqlitelog.Open(b.Context(), filepath.Join(dir, "audit.db"), nil)
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, l.Close()) })
			return s, l
		},
	} {
		for _, workers := range []int{8, 64} {
			b.Run(fmt.Sprint(name, "/workers-", workers), func(b *testing.B) {
				store, log := open(b)
				done := make(chan struct{}, b.N)
				e, err := engine.New(store, audit.NewTrail(log, nil), &engine.Options{Workers: workers, Observer: engine.Observer{Changed: func(c engine.Change) {
					if c.To == engine.Confirmed {
						done <- struct{}{}
					}
				}}})
				require.NoError(b, err)
				require.NoError(b, engine.Add(e, engine.Flow[claim, bills]{
					Tenant: tenant, Name: "claims", Target: "erp", Source: instant{}, Mapper: instant{}, Sink: instant{},
					Policy: &engine.Policy{Sweep: -1},
				}))
				ctx, cancel := context.WithCancel(b.Context())
				stopped := make(chan error, 1)
				go func() { stopped <- e.Run(ctx) }()
				b.ResetTimer()
				start := time.Now()
				go func() {
					for i := range b.N {
						if err := e.Notify(ctx, notice(fmt.Sprint("R", i))); err != nil {
							b.Error(err)
						}
					}
				}()
				for range b.N {
					<-done
				}
				b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "documents/s") //nolint:forbidigo // a rate, no money
				b.StopTimer()
				cancel()
				require.NoError(b, <-stopped)
			})
		}
	}
}
