package vault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// values returns all values of a tenant under a prefix.
func values(t testing.TB, store storage.Values, tenant, prefix string) []storage.Value {
	t.Helper()
	found, next, err := store.Scan(t.Context(), tenant, prefix, "", 1000)
	require.NoError(t, err)
	require.Empty(t, next)
	return found
}

func seal(t testing.TB, v *vault.Vault, person, plain string) []byte {
	t.Helper()
	sealed, err := v.ContentSealer().Seal(t.Context(), "acme", person, []byte(plain))
	require.NoError(t, err)
	return sealed
}

func TestForgottenPersonsContentsAreGoneAndNobodyElses(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	anna, bert, nobody := seal(t, v, "anna", "a"), seal(t, v, "bert", "b"), seal(t, v, "", "n")
	destroyed, err := v.Forget(t.Context(), "acme", "anna")
	require.NoError(t, err)
	require.True(t, destroyed)
	for _, v := range []*vault.Vault{v, open(t, store, k)} {
		_, err = v.ContentSealer().Open(t.Context(), "acme", "anna", anna)
		require.ErrorIs(t, err, vault.ErrForgotten)
		_, err = v.ContentSealer().Open(t.Context(), "acme", "bert", bert)
		require.NoError(t, err)
		_, err = v.ContentSealer().Open(t.Context(), "acme", "", nobody)
		require.NoError(t, err)
	}
}

func TestForgettingHoldsInOneTenantOnly(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	sealed, err := v.ContentSealer().Seal(t.Context(), "globex", "anna", []byte("g"))
	require.NoError(t, err)
	seal(t, v, "anna", "a")
	_, err = v.Forget(t.Context(), "acme", "anna")
	require.NoError(t, err)
	_, err = v.ContentSealer().Open(t.Context(), "globex", "anna", sealed)
	require.NoError(t, err)
}

// The stored key itself must be gone, not only marked: whoever has the Key and
// all values of the store still finds nothing to open the content with.
func TestForgottenPersonsDataKeyIsInNoValue(t *testing.T) {
	t.Parallel()
	v, store, _ := setup(t)
	seal(t, v, "anna", "a")
	before := values(t, store, "acme", "person/")
	require.Len(t, before, 1)
	open := func() []byte {
		found := values(t, store, "acme", "person/")
		require.Len(t, found, 1)
		plain, err := v.ValueSealer().Open(t.Context(), "acme", found[0].Name, found[0].Data)
		require.NoError(t, err)
		return plain
	}
	live := open()
	_, err := v.Forget(t.Context(), "acme", "anna")
	require.NoError(t, err)
	require.NotContains(t, string(open()), string(live[9:41]))
	require.NoError(t, v.Readmit(t.Context(), "acme", "anna"))
	require.NotContains(t, string(open()), string(live[9:41]))
}

func TestNothingNewIsSealedForAForgottenPerson(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	for _, known := range []bool{true, false} {
		person := map[bool]string{true: "anna", false: "never seen"}[known]
		if known {
			seal(t, v, person, "a")
		}
		destroyed, err := v.Forget(t.Context(), "acme", person)
		require.NoError(t, err)
		require.Equal(t, known, destroyed)
		_, err = v.ContentSealer().Seal(t.Context(), "acme", person, []byte("new"))
		require.ErrorIs(t, err, vault.ErrForgotten)
		destroyed, err = v.Forget(t.Context(), "acme", person)
		require.NoError(t, err)
		require.False(t, destroyed, "again")
	}
}

func TestErrForgottenIsKnownWithoutThisPackage(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	_, err := v.Forget(t.Context(), "acme", "anna")
	require.NoError(t, err)
	_, err = v.ContentSealer().Seal(t.Context(), "acme", "anna", nil)
	var gone interface{ Forgotten() bool }
	require.ErrorAs(t, err, &gone)
	require.True(t, gone.Forgotten())
}

func TestReadmittedPersonStartsAnew(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	var gone [][]byte
	for range 3 {
		gone = append(gone, seal(t, v, "anna", "a"))
		_, err := v.Forget(t.Context(), "acme", "anna")
		require.NoError(t, err)
		require.NoError(t, v.Readmit(t.Context(), "acme", "anna"))
	}
	fresh := seal(t, v, "anna", "new")
	require.NoError(t, v.Readmit(t.Context(), "acme", "anna"), "not forgotten: nothing happens")
	plain, err := v.ContentSealer().Open(t.Context(), "acme", "anna", fresh)
	require.NoError(t, err)
	require.Equal(t, "new", string(plain))
	for _, sealed := range gone {
		_, err := v.ContentSealer().Open(t.Context(), "acme", "anna", sealed)
		require.ErrorIs(t, err, vault.ErrForgotten)
	}
}

func TestWhatBelongsToNobodyCannotBeForgotten(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	_, err := v.Forget(t.Context(), "acme", "")
	require.Error(t, err)
	require.Error(t, v.Readmit(t.Context(), "acme", ""))
	seal(t, v, "", "n")
}

func TestNeitherValuesNorErrorsNameThePerson(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	const person = "anna.canary@example.com"
	sealed := seal(t, v, person, "a")
	for _, value := range values(t, store, "acme", "") {
		require.NotContains(t, value.Name+string(value.Data), "canary")
	}
	_, wrong := open(t, store, newKey(t)).ContentSealer().Open(t.Context(), "acme", person, sealed)
	_, err := v.Forget(t.Context(), "acme", person)
	require.NoError(t, err)
	_, forgotten := v.ContentSealer().Open(t.Context(), "acme", person, sealed)
	b := &broken{Values: store}
	b.before.Store(9)
	_, unsaved := open(t, b, k).ContentSealer().Seal(t.Context(), "acme", person+"2", nil)
	for _, err := range []error{wrong, forgotten, unsaved} {
		require.Error(t, err)
		require.NotContains(t, err.Error(), "canary")
	}
}

func TestTheStoreDoesNotTellThatTwoTenantsKnowTheSamePerson(t *testing.T) {
	t.Parallel()
	v, store, _ := setup(t)
	seal(t, v, "anna", "a")
	_, err := v.ContentSealer().Seal(t.Context(), "globex", "anna", []byte("a"))
	require.NoError(t, err)
	require.NotEqual(t, values(t, store, "acme", "person/")[0].Name, values(t, store, "globex", "person/")[0].Name)
}

func TestNothingIsSealedUnderADataKeyThatIsNotDurable(t *testing.T) {
	t.Parallel()
	b := &broken{Values: memstore.New()}
	v := open(t, b, newKey(t))
	b.before.Store(1)
	sealed, err := v.ContentSealer().Seal(t.Context(), "acme", "anna", []byte("a"))
	require.ErrorIs(t, err, errBroken)
	require.Nil(t, sealed)
	seal(t, v, "anna", "a")
}

// The crash after the data key became durable and before anything was stored
// with it: the next start goes on with that key.
func TestDataKeyWhoseSaveWasNotAnsweredIsTheOneUsed(t *testing.T) {
	t.Parallel()
	store, k := memstore.New(), newKey(t)
	b := &broken{Values: store}
	b.after.Store(1)
	_, err := open(t, b, k).ContentSealer().Seal(t.Context(), "acme", "anna", []byte("a"))
	require.ErrorIs(t, err, errBroken)
	before := values(t, store, "acme", "person/")
	require.Len(t, before, 1)
	restarted := open(t, store, k)
	sealed := seal(t, restarted, "anna", "a")
	_, err = restarted.ContentSealer().Open(t.Context(), "acme", "anna", sealed)
	require.NoError(t, err)
	require.Equal(t, before, values(t, store, "acme", "person/"))
}

func TestTwoProcessesThatMakeADataKeyUseOne(t *testing.T) {
	t.Parallel()
	store, k := memstore.New(), newKey(t)
	other, first := open(t, store, k), true
	var theirs []byte
	v := open(t, &meddled{Values: store, act: func() {
		if first {
			first = false
			var err error
			theirs, err = other.ContentSealer().Seal(context.Background(), "acme", "anna", []byte("theirs"))
			require.NoError(t, err)
		}
	}}, k)
	ours := seal(t, v, "anna", "ours")
	require.NotNil(t, theirs)
	for _, sealed := range [][]byte{theirs, ours} {
		_, err := v.ContentSealer().Open(t.Context(), "acme", "anna", sealed)
		require.NoError(t, err)
	}
}

func TestForgetThatMeetsTheFirstContentDestroysItsKey(t *testing.T) {
	t.Parallel()
	store, k := memstore.New(), newKey(t)
	other, first := open(t, store, k), true
	var sealed []byte
	v := open(t, &meddled{Values: store, act: func() {
		if first {
			first = false
			var err error
			sealed, err = other.ContentSealer().Seal(context.Background(), "acme", "anna", []byte("a"))
			require.NoError(t, err)
		}
	}}, k)
	destroyed, err := v.Forget(t.Context(), "acme", "anna")
	require.NoError(t, err)
	require.True(t, destroyed)
	_, err = v.ContentSealer().Open(t.Context(), "acme", "anna", sealed)
	require.ErrorIs(t, err, vault.ErrForgotten)
}
