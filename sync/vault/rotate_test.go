package vault_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

func after(t testing.TB, k *vault.Key) *vault.Key {
	t.Helper()
	next, err := k.WithNew()
	require.NoError(t, err)
	return next
}

func alone(t testing.TB, k *vault.Key) *vault.Key {
	t.Helper()
	next, err := k.WithoutOld()
	require.NoError(t, err)
	return next
}

func TestNewKeySealsAndTheOldOneStillOpens(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "old", login("o")))
	next := after(t, k)
	require.Len(t, next.IDs(), 2)
	require.Equal(t, k.IDs()[0], next.IDs()[1])
	w := open(t, store, next)
	require.NoError(t, w.Put(t.Context(), "acme", "new", login("n")))
	entries, err := w.List(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, []string{next.IDs()[0], next.IDs()[1]}, []string{entries[0].Key, entries[1].Key})
	_, err = v.Get(t.Context(), "acme", "new")
	require.ErrorIs(t, err, vault.ErrUnknownKey)
}

func TestAfterRotateTheOldKeyIsNotNeeded(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login("pw")))
	token, err := v.ValueSealer().Seal(t.Context(), "acme", "concur/token", []byte("tok"))
	require.NoError(t, err)
	_, err = store.Save(t.Context(), storage.Value{Tenant: "acme", Name: "concur/token", Data: token})
	require.NoError(t, err)
	anna, nobody := seal(t, v, "anna", "a"), seal(t, v, "", "n")
	gone := seal(t, v, "gone", "g")
	_, err = v.Forget(t.Context(), "acme", "gone")
	require.NoError(t, err)
	name := v.ContentSealer().Name("acme", []byte("a"))

	next := after(t, k)
	w := open(t, store, next)
	n, err := w.Rotate(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, 5, n, "credential, token, two data keys, one forgotten person")
	n, err = w.Rotate(t.Context(), "acme")
	require.NoError(t, err)
	require.Zero(t, n)

	last := alone(t, next)
	require.Len(t, last.IDs(), 1)
	v = open(t, store, last)
	c, err := v.Get(t.Context(), "acme", "concur")
	require.NoError(t, err)
	require.Equal(t, "pw", c["password"].Reveal())
	value, err := store.Load(t.Context(), "acme", "concur/token")
	require.NoError(t, err)
	plain, err := v.ValueSealer().Open(t.Context(), "acme", "concur/token", value.Data)
	require.NoError(t, err)
	require.Equal(t, "tok", string(plain))
	for person, sealed := range map[string][]byte{"anna": anna, "": nobody} {
		_, err = v.ContentSealer().Open(t.Context(), "acme", person, sealed)
		require.NoError(t, err)
	}
	_, err = v.ContentSealer().Open(t.Context(), "acme", "gone", gone)
	require.ErrorIs(t, err, vault.ErrForgotten)
	require.Equal(t, name, v.ContentSealer().Name("acme", []byte("a")))
}

func TestRotateKeepsWhenACredentialWasStored(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login("pw")))
	before, err := v.List(t.Context(), "acme")
	require.NoError(t, err)
	next := after(t, k)
	w, err := vault.New(store, next, nil)
	require.NoError(t, err)
	_, err = w.Rotate(t.Context(), "acme")
	require.NoError(t, err)
	got, err := w.List(t.Context(), "acme")
	require.NoError(t, err)
	before[0].Key = next.IDs()[0]
	require.Equal(t, before, got)
}

func TestRotateLeavesOthersValuesAndTenantsAlone(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	require.NoError(t, v.Put(t.Context(), "globex", "concur", login("pw")))
	for _, data := range []string{"", "{}", "\x00mv", "\x00mv1", "\x00mv1c", "\x00mv2v-------"} {
		_, err := store.Save(t.Context(), storage.Value{Tenant: "acme", Name: fmt.Sprintf("cursor/%x", data), Data: []byte(data)})
		require.NoError(t, err)
	}
	acme, globex := values(t, store, "acme", ""), values(t, store, "globex", "")
	n, err := open(t, store, after(t, k)).Rotate(t.Context(), "acme")
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, acme, values(t, store, "acme", ""))
	require.Equal(t, globex, values(t, store, "globex", ""))
}

func TestRotateGoesOnPastWhatItCannotOpen(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "b", login("pw")))
	require.NoError(t, open(t, store, newKey(t)).Put(t.Context(), "acme", "a", login("foreign")))
	foreign := values(t, store, "acme", "credential/a")
	n, err := open(t, store, after(t, k)).Rotate(t.Context(), "acme")
	require.ErrorIs(t, err, vault.ErrUnknownKey)
	require.ErrorContains(t, err, "credential/a")
	require.Equal(t, 1, n)
	require.Equal(t, foreign, values(t, store, "acme", "credential/a"))
}

func TestRotateNeverUndoesACredentialPutMeanwhile(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login("old")))
	next, first := after(t, k), true
	w := open(t, &meddled{Values: store, act: func() {
		if first {
			first = false
			require.NoError(t, v.Put(context.Background(), "acme", "concur", login("new")))
		}
	}}, next)
	n, err := w.Rotate(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	c, err := open(t, store, alone(t, next)).Get(t.Context(), "acme", "concur")
	require.NoError(t, err)
	require.Equal(t, "new", c["password"].Reveal())
}

func TestRotateThatWasStoppedIsFinishedLater(t *testing.T) {
	t.Parallel()
	store, k := memstore.New(), newKey(t)
	v := open(t, store, k)
	for i := range 6 {
		require.NoError(t, v.Put(t.Context(), "acme", fmt.Sprint(i), login("pw")))
	}
	next := after(t, k)
	b := &broken{Values: store}
	b.after.Store(2)
	b.before.Store(1)
	n, err := open(t, b, next).Rotate(t.Context(), "acme")
	require.ErrorIs(t, err, errBroken)
	require.Equal(t, 3, n)
	n, err = open(t, store, next).Rotate(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, 1, n, "two were written though their saves failed")
	entries, err := open(t, store, alone(t, next)).List(t.Context(), "acme")
	require.NoError(t, err)
	require.Len(t, entries, 6)
	for _, e := range entries {
		require.NoError(t, e.Err)
	}
}
