package memstore_test

import (
	"testing"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/storage/storagetest"
)

func TestStoreKeepsTheContract(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Store { return memstore.New() }, nil)
}
