package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// What a store holds may have been damaged or written by somebody else. It gives
// an error or a parked document, never a panic, and never a posting that was not
// approved.
func FuzzStoredRow(f *testing.F) {
	for _, data := range []string{
		``, `{}`, `{"audited":-3}`, `{"audited":99,"history":[]}`, `{"revisions":[{}]}`, `[]`, `null`, `{"revisions":null,"outbox":[{}]}`,
		`{"revisions":[{"state":"void","effect":"none"}],"seen":0}`,
		`{"revisions":[{"state":"delivering","effect":"unknown","generation":1}]}`,
		`{"revisions":[{"state":"reversing","then":"parked","posting":"c/x"}],"audited":-1,"history":[{"what":"x"}]}`,
		`{"revisions":[{"state":"delivered","effect":"made"},{"state":"pending","effect":"none","content":"c/x"}]}`,
		`{"revisions":[{"state":"parked","effect":"made","issues":[]}],"outbox":[{"id":"x","kind":"posted"}]}`,
		`{"lease":"9999-12-31T23:59:59Z","owner":"nobody"}`, `{"fence":9223372036854775807,"seen":-9}`,
	} {
		f.Add([]byte(data), `{"h":"x","c":"y","v":"z"}`, "delivering", 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, hint, state string, format int) {
		if len(data) > storage.MaxData || len(hint) > storage.MaxHint {
			t.Skip("a store does not hold it")
		}
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.source.put("R1", 1, connector.Ready, ten)
			e := b.engine()
			ctx := context.Background()
			_, err := b.store.Create(ctx, storage.Transfer{
				ID: id("R1"), Flow: "claims", Queue: "6:", Due: time.Now(), Wakes: 1, Hint: hint, State: state, Format: format, Data: data,
			})
			require.NoError(t, err)
			_, _ = e.Get(ctx, id("R1"))
			for s, err := range e.List(ctx, storage.Query{Tenant: tenant}) {
				require.Equal(t, id("R1"), s.ID)
				_ = err
			}
			_ = e.Notify(ctx, notice("R1"))
			b.run(e, time.Minute)
			if p, err := e.Plan(ctx, storage.Query{Tenant: tenant}); err == nil {
				_, _ = e.Replay(ctx, p, engine.Act{Actor: "ann"})
			}
			b.run(b.engine(), time.Minute)
			for _, s := range b.erp.all() {
				require.Equal(t, int64(1000), s.Amount)
			}
			require.LessOrEqual(t, len(b.erp.all()), 1)
		})
	})
}

func FuzzStoredValues(f *testing.F) {
	f.Add([]byte(`{"at":"5","lease":"2026-10-01T00:00:00Z","found":3}`), "6410")
	f.Add([]byte(`{"Tenant":"acme","Target":"erp","Document":"claim/R1"}`), "")
	f.Add([]byte("\x00"), "a/b")
	f.Fuzz(func(t *testing.T, data []byte, object string) {
		if len(data) > storage.MaxData {
			t.Skip("a store does not hold it")
		}
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.source.listed = true
			b.source.put("R1", 1, connector.Ready, ten)
			b.mapper.issues = needsAccount(func() bool { return false })
			ctx := context.Background()
			e := b.engine()
			require.NoError(t, e.Sweep(ctx, tenant, "claims"))
			b.run(e, time.Minute)
			// Whatever the engine keeps by name is replaced.
			vs, _, err := b.store.Scan(ctx, tenant, "", "", 1000)
			require.NoError(t, err)
			for _, v := range vs {
				v.Data = data
				_, err := b.store.Save(ctx, v)
				require.NoError(t, err)
			}
			_, _ = e.Progress(ctx, tenant, "claims")
			_, _ = e.ByKey(ctx, tenant, object)
			_, _ = e.Appeared(ctx, tenant, "glaccount/6410")
			_, _ = e.Appeared(ctx, tenant, object)
			_ = e.Sweep(ctx, tenant, "claims")
			b.run(b.engine(), time.Minute)
		})
	})
}
