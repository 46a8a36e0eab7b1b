package vault_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

func TestCredentialIsOpenedAsItWasPut(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	binary := string([]byte{0, 1, 0xff, '\n'}) + "ü"
	require.NoError(t, v.Put(t.Context(), "acme", "epicor/main", vault.Credential{"a": secret(binary), "b": secret("x")}))
	c, err := v.Get(t.Context(), "acme", "epicor/main")
	require.NoError(t, err)
	require.Len(t, c, 2)
	require.Equal(t, []string{binary, "x"}, []string{c["a"].Reveal(), c["b"].Reveal()})
}

func TestPutTakesThePlaceOfWhatWasThere(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login("old")))
	require.NoError(t, v.Put(t.Context(), "acme", "concur", vault.Credential{"token": secret("new")}))
	c, err := v.Get(t.Context(), "acme", "concur")
	require.NoError(t, err)
	require.Len(t, c, 1)
	require.Equal(t, "new", c["token"].Reveal())
}

func TestTenantsAndNamesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login("a")))
	for _, place := range [][2]string{{"Acme", "concur"}, {"acme", "Concur"}, {"acmec", "oncur"}, {"globex", "concur"}} {
		_, err := v.Get(t.Context(), place[0], place[1])
		require.ErrorIs(t, err, storage.ErrNotFound, "%v", place)
		entries, err := v.List(t.Context(), "globex")
		require.NoError(t, err)
		require.Empty(t, entries)
	}
}

func TestDeletedCredentialIsGone(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login("a")))
	require.NoError(t, v.Delete(t.Context(), "acme", "concur"))
	require.NoError(t, v.Delete(t.Context(), "acme", "concur"))
	_, err := v.Get(t.Context(), "acme", "concur")
	require.ErrorIs(t, err, storage.ErrNotFound)
}

func TestWhatIsNoCredentialIsRefused(t *testing.T) {
	t.Parallel()
	v, store, _ := setup(t)
	for why, put := range map[string]func() error{
		"no tenant":            func() error { return v.Put(t.Context(), "", "concur", login("a")) },
		"no name":              func() error { return v.Put(t.Context(), "acme", "", login("a")) },
		"name too long":        func() error { return v.Put(t.Context(), "acme", strings.Repeat("x", 151), login("a")) },
		"name of two lines":    func() error { return v.Put(t.Context(), "acme", "a\nb", login("a")) },
		"name that is no text": func() error { return v.Put(t.Context(), "acme", "\xff", login("a")) },
		"no fields":            func() error { return v.Put(t.Context(), "acme", "concur", nil) },
		"field without name":   func() error { return v.Put(t.Context(), "acme", "concur", vault.Credential{"": secret("a")}) },
		"empty field":          func() error { return v.Put(t.Context(), "acme", "concur", vault.Credential{"a": {}}) },
		"too large":            func() error { return v.Put(t.Context(), "acme", "concur", login(strings.Repeat("x", storage.MaxData))) },
	} {
		require.Error(t, put(), why)
	}
	values, _, err := store.Scan(t.Context(), "acme", "", "", 0)
	require.NoError(t, err)
	require.Empty(t, values)
}

func TestLargestCredentialFitsIntoAValue(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	large := strings.Repeat("x", storage.MaxData-2<<10)
	require.NoError(t, v.Put(t.Context(), "acme", strings.Repeat("n", 150), login(large)))
	c, err := v.Get(t.Context(), "acme", strings.Repeat("n", 150))
	require.NoError(t, err)
	require.Equal(t, large, c["password"].Reveal())
}

func TestListTellsNamesAndFingerprintsInOrder(t *testing.T) {
	t.Parallel()
	v, _, k := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "epicor", login(canary)))
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login(canary)))
	entries, err := v.List(t.Context(), "acme")
	require.NoError(t, err)
	require.Len(t, entries, 2)
	e := entries[0]
	require.Regexp(t, "^[0-9a-f]{16}$", e.Fingerprint)
	require.NotEqual(t, e.Fingerprint, entries[1].Fingerprint)
	e.Fingerprint = ""
	require.Equal(t, vault.Entry{Name: "concur", Fields: []string{"password", "user"}, Stored: noon, Key: k.IDs()[0]}, e)
	require.Equal(t, "epicor", entries[1].Name)
}

func TestFingerprintChangesExactlyWhenTheCredentialDoes(t *testing.T) {
	t.Parallel()
	store, k := memstore.New(), newKey(t)
	now := noon
	v, err := vault.New(store, k, &vault.Options{Now: func() time.Time { now = now.Add(time.Hour); return now }})
	require.NoError(t, err)
	mark := func(c vault.Credential) string {
		require.NoError(t, v.Put(t.Context(), "acme", "concur", c))
		entries, err := v.List(t.Context(), "acme")
		require.NoError(t, err)
		return entries[0].Fingerprint
	}
	first := mark(login("a"))
	require.Equal(t, first, mark(login("a")))
	require.NotEqual(t, first, mark(login("b")))
	require.NotEqual(t, first, mark(vault.Credential{"user": secret("svcpassword"), "password": secret("a")}))
}

func TestListGoesThroughAllPages(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	for i := range 230 {
		require.NoError(t, v.Put(t.Context(), "acme", "c"+strings.Repeat("x", i%100)+string(rune('A'+i/100)), login("a")))
	}
	entries, err := v.List(t.Context(), "acme")
	require.NoError(t, err)
	require.Len(t, entries, 230)
}

func TestListNamesTheOneThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	v, store, _ := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "good", login("a")))
	require.NoError(t, open(t, store, newKey(t)).Put(t.Context(), "acme", "foreign", login("a")))
	entries, err := v.List(t.Context(), "acme")
	require.NoError(t, err)
	require.ErrorIs(t, entries[0].Err, vault.ErrUnknownKey)
	require.Empty(t, entries[0].Fingerprint)
	require.NoError(t, entries[1].Err)
}

func TestOpenerAsksTheStoreAtEachCall(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	cred := v.Credential("acme", "epicor", "user", "password")
	_, err := cred(t.Context())
	require.ErrorIs(t, err, storage.ErrNotFound)
	for _, password := range []string{"one", "two"} {
		require.NoError(t, v.Put(t.Context(), "acme", "epicor", login(password)))
		c, err := cred(t.Context())
		require.NoError(t, err)
		require.Equal(t, password, c["password"].Reveal())
	}
}

func TestOpenerNamesAMissingField(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "epicor", login(canary)))
	_, err := v.Credential("acme", "epicor", "user", "api_key")(t.Context())
	require.ErrorContains(t, err, "has no api_key")
	hidden(t, err.Error())
}

func TestPutThatMeetsAnotherWriterIsDoneAgain(t *testing.T) {
	t.Parallel()
	store, k := memstore.New(), newKey(t)
	other, times := open(t, store, k), 0
	m := &meddled{Values: store, act: func() {
		if times++; times <= 3 {
			require.NoError(t, other.Put(context.Background(), "acme", "concur", login("other")))
		}
	}}
	v := open(t, m, k)
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login("mine")))
	c, err := v.Get(t.Context(), "acme", "concur")
	require.NoError(t, err)
	require.Equal(t, "mine", c["password"].Reveal())
	require.Equal(t, 4, times)
}

func TestPutThatAlwaysMeetsAnotherWriterGivesUp(t *testing.T) {
	t.Parallel()
	store, k := memstore.New(), newKey(t)
	other := open(t, store, k)
	v := open(t, &meddled{Values: store, act: func() {
		require.NoError(t, other.Put(context.Background(), "acme", "concur", login("other")))
	}}, k)
	require.ErrorIs(t, v.Put(t.Context(), "acme", "concur", login("mine")), storage.ErrConflict)
}

func TestFailedPutLeavesTheOldOrTheNewCredential(t *testing.T) {
	t.Parallel()
	b := &broken{Values: memstore.New()}
	v := open(t, b, newKey(t))
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login("old")))
	password := func() string {
		c, err := v.Get(t.Context(), "acme", "concur")
		require.NoError(t, err)
		return c["password"].Reveal()
	}
	b.before.Store(1)
	require.ErrorIs(t, v.Put(t.Context(), "acme", "concur", login("new")), errBroken)
	require.Equal(t, "old", password())
	b.after.Store(1)
	require.ErrorIs(t, v.Put(t.Context(), "acme", "concur", login("new")), errBroken)
	require.Equal(t, "new", password())
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login("newer")))
	require.Equal(t, "newer", password())
}

func TestNothingIsDoneAfterTheContextEnded(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, sealErr := v.ValueSealer().Seal(ctx, "acme", "n", nil)
	_, openErr := v.ValueSealer().Open(ctx, "acme", "n", nil)
	_, contentErr := v.ContentSealer().Seal(ctx, "acme", "p", nil)
	_, forgetErr := v.Forget(ctx, "acme", "p")
	_, rotateErr := v.Rotate(ctx, "acme")
	_, listErr := v.List(ctx, "acme")
	for _, err := range []error{v.Put(ctx, "acme", "n", login("a")), v.Delete(ctx, "acme", "n"), sealErr, openErr, contentErr, forgetErr, rotateErr, listErr} {
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestNewNeedsAStoreAndAKey(t *testing.T) {
	t.Parallel()
	for _, create := range []func() (*vault.Vault, error){
		func() (*vault.Vault, error) { return vault.New(nil, newKey(t), nil) },
		func() (*vault.Vault, error) { return vault.New(memstore.New(), nil, nil) },
		func() (*vault.Vault, error) { return vault.New(memstore.New(), &vault.Key{}, nil) },
	} {
		_, err := create()
		require.ErrorContains(t, err, "a store of values and a key")
	}
}
