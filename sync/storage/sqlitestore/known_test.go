package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
)

// What one process remembers of a row must not outlive what another one wrote.
func TestARowThatAnotherProcessChangedIsNotTakenForWhatItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	one, err := sqlitestore.Open(t.Context(), path, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, one.Close()) }()
	other, err := sqlitestore.Open(t.Context(), path, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()

	first := row("1")
	first.State = "received"
	first, err = one.Create(t.Context(), first)
	require.NoError(t, err)
	moved := first
	moved.State = "parked"
	moved, err = other.Update(t.Context(), moved)
	require.NoError(t, err)
	first.State = "mapped"
	_, err = one.Update(t.Context(), first)
	require.ErrorIs(t, err, storage.ErrConflict)

	// Back to the state that the first process knew: the index must follow.
	moved.State = "received"
	_, err = one.Update(t.Context(), moved)
	require.NoError(t, err)
	for state, want := range map[string]int{"received": 1, "parked": 0, "mapped": 0} {
		p, err := one.List(t.Context(), storage.Query{Tenant: first.Tenant, State: state})
		require.NoError(t, err)
		require.Len(t, p.Transfers, want, state)
	}
}

func TestARevOfAnotherTransferIsAConflict(t *testing.T) {
	s, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	a, err := s.Create(t.Context(), row("1"))
	require.NoError(t, err)
	b, err := s.Create(t.Context(), row("2"))
	require.NoError(t, err)
	b.Rev = a.Rev
	_, err = s.Update(t.Context(), b)
	require.ErrorIs(t, err, storage.ErrConflict)
}
