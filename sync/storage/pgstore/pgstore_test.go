package pgstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/pgstore"
	"github.com/ml-connector/ml-connector/sync/storage/storagetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T, dsn string, opts *pgstore.Options) *pgstore.Store {
	t.Helper()
	s, err := pgstore.Open(t.Context(), dsn, opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() }) // closed twice where the test closed it
	return s
}

// suite runs storagetest with a schema of one database for each rule.
func suite(t *testing.T, opts pgstore.Options) {
	t.Helper()
	dsn := pgtest.Database(t)
	var n atomic.Int64
	type place struct {
		store  *pgstore.Store
		schema string
	}
	places := map[storage.Store]place{}
	storagetest.Run(t, func(t *testing.T) storage.Store {
		own := opts
		own.Schema = fmt.Sprintf("rule %d", n.Add(1))
		s := open(t, dsn, &own)
		places[s] = place{s, own.Schema}
		return s
	}, &storagetest.Options{
		Reopen: func(t *testing.T, s storage.Store) storage.Store {
			require.NoError(t, places[s].store.Close())
			own := opts
			own.Schema = places[s].schema
			again := open(t, dsn, &own)
			places[again] = place{again, own.Schema}
			return again
		},
	})
}

func TestStoreKeepsTheContract(t *testing.T) { suite(t, pgstore.Options{}) }
