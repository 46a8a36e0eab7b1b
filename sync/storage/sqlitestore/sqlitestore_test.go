package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
	"github.com/ml-connector/ml-connector/sync/storage/storagetest"
)

func open(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() }) // closed twice where the test closed it
	return s
}

func TestStoreKeepsTheContract(t *testing.T) {
	paths := map[storage.Store]string{}
	storagetest.Run(t, func(t *testing.T) storage.Store {
		path := filepath.Join(t.TempDir(), "ledger.db")
		s := open(t, path)
		paths[s] = path
		return s
	}, &storagetest.Options{
		Reopen: func(t *testing.T, s storage.Store) storage.Store {
			require.NoError(t, s.(*sqlitestore.Store).Close())
			path := paths[s]
			again := open(t, path)
			paths[again] = path
			return again
		},
	})
}
