package sqlitelog_test

import (
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/sqlitelog"
)

func benchRecord(n int64) audit.Record {
	return audit.Record{
		Tenant: "acme", ID: "deliver/" + strconv.FormatInt(n, 10), Actor: "engine", Action: "deliver", Subject: "report A1B2C3",
		Detail: []byte(`{"method":"POST","host":"erp.example.com","path":"/api/v2/odata/EPIC06/Erp.BO.APInvoiceSvc/UpdateMaster","size":12345}`),
	}
}

// The chain against the same rows without one.
func BenchmarkAppend(b *testing.B) {
	open := func(b *testing.B) *sqlitelog.Log {
		l, err := sqlitelog.Open(b.Context(), filepath.Join(b.TempDir(), "audit.db"), nil)
		require.NoError(b, err)
		b.Cleanup(func() { _ = l.Close() })
		b.ResetTimer()
		return l
	}
	b.Run("1 caller without chain", func(b *testing.B) {
		l := open(b)
		for n := int64(1); n <= int64(b.N); n++ {
			r := benchRecord(n)
			r.Seq, r.Time = n, time.Now()
			require.NoError(b, l.Append(b.Context(), []audit.Record{r}))
		}
	})
	for _, callers := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(callers)+" callers with chain", func(b *testing.B) {
			trail := audit.NewTrail(open(b), nil)
			var next atomic.Int64
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if err := trail.Append(b.Context(), benchRecord(n)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}
