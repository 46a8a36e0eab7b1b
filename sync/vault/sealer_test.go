package vault_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

func TestValueOpensOnlyUnderItsTenantAndName(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	s := v.ValueSealer()
	sealed, err := s.Seal(t.Context(), "ab", "c", []byte(canary))
	require.NoError(t, err)
	plain, err := s.Open(t.Context(), "ab", "c", sealed)
	require.NoError(t, err)
	require.Equal(t, canary, string(plain))
	for _, place := range [][2]string{{"a", "bc"}, {"abc", ""}, {"", "abc"}, {"ab", "C"}, {"AB", "c"}, {"c", "ab"}, {"ab", "cc"}, {"ab\x00", "c"}} {
		_, err := s.Open(t.Context(), place[0], place[1], sealed)
		require.Error(t, err, "%q", place)
		if place[0] != "" && place[1] != "" {
			require.ErrorIs(t, err, vault.ErrAltered, "%q", place)
		}
		hidden(t, err.Error())
	}
}

func TestContentOpensOnlyForItsTenantAndPerson(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	s := v.ContentSealer()
	sealed, err := s.Seal(t.Context(), "acme", "anna", []byte(canary))
	require.NoError(t, err)
	plain, err := s.Open(t.Context(), "acme", "anna", sealed)
	require.NoError(t, err)
	require.Equal(t, canary, string(plain))
	places := [][2]string{{"acme", "bert"}, {"acme", ""}, {"globex", "anna"}, {"acmea", "nna"}}
	for _, place := range places {
		_, err := s.Open(t.Context(), place[0], place[1], sealed)
		require.ErrorIs(t, err, vault.ErrUnknownKey, "%q has no key yet", place)
		_, err = s.Seal(t.Context(), place[0], place[1], []byte("x"))
		require.NoError(t, err)
		_, err = s.Open(t.Context(), place[0], place[1], sealed)
		require.ErrorIs(t, err, vault.ErrAltered, "%q has another key", place)
		hidden(t, err.Error())
	}
}

func TestValueAndContentCannotStandForEachOther(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	value, err := v.ValueSealer().Seal(t.Context(), "acme", "x", []byte("a"))
	require.NoError(t, err)
	content, err := v.ContentSealer().Seal(t.Context(), "acme", "x", []byte("a"))
	require.NoError(t, err)
	_, err = v.ValueSealer().Open(t.Context(), "acme", "x", content)
	require.ErrorIs(t, err, vault.ErrAltered)
	_, err = v.ContentSealer().Open(t.Context(), "acme", "x", value)
	require.ErrorIs(t, err, vault.ErrAltered)
}

// A data key that is copied to another person would make that one's contents
// survive the other's being forgotten.
func TestDataKeyCannotBeMovedToAnotherPersonOrTenant(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	s := v.ContentSealer()
	_, err := s.Seal(t.Context(), "acme", "anna", []byte("a"))
	require.NoError(t, err)
	anna := values(t, store, "acme", "person/")[0]
	_, err = s.Seal(t.Context(), "acme", "bert", []byte("a"))
	require.NoError(t, err)
	for _, bert := range values(t, store, "acme", "person/") {
		if bert.Name == anna.Name {
			continue
		}
		bert.Data = anna.Data
		_, err = store.Save(t.Context(), bert)
		require.NoError(t, err)
	}
	_, err = s.Seal(t.Context(), "acme", "bert", []byte("a"))
	require.ErrorIs(t, err, vault.ErrAltered)
	_, err = store.Save(t.Context(), storage.Value{Tenant: "globex", Name: anna.Name, Data: anna.Data})
	require.NoError(t, err)
	_, err = v.Rotate(t.Context(), "globex")
	require.NoError(t, err)
	_, err = open(t, store, after(t, k)).Rotate(t.Context(), "globex")
	require.ErrorIs(t, err, vault.ErrAltered)
}

// The second fence: even two persons who had the same data key would not open
// each other's contents.
func TestContentIsBoundToItsPersonUnderTheSameDataKey(t *testing.T) {
	t.Parallel()
	v, store, _ := setup(t)
	s := v.ContentSealer()
	anna, err := s.Seal(t.Context(), "acme", "anna", []byte("a"))
	require.NoError(t, err)
	key := values(t, store, "acme", "person/")[0]
	plain, err := v.ValueSealer().Open(t.Context(), "acme", key.Name, key.Data)
	require.NoError(t, err)
	_, err = s.Seal(t.Context(), "acme", "bert", []byte("b"))
	require.NoError(t, err)
	for _, bert := range values(t, store, "acme", "person/") {
		bert.Data, err = v.ValueSealer().Seal(t.Context(), "acme", bert.Name, plain)
		require.NoError(t, err)
		_, err = store.Save(t.Context(), bert)
		require.NoError(t, err)
	}
	_, err = s.Open(t.Context(), "acme", "anna", anna)
	require.NoError(t, err)
	_, err = s.Open(t.Context(), "acme", "bert", anna)
	require.ErrorIs(t, err, vault.ErrAltered)
}

func TestEveryAlteredByteIsSeen(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	plain := []byte("amount 12.10")
	value, err := v.ValueSealer().Seal(t.Context(), "acme", "x", plain)
	require.NoError(t, err)
	content, err := v.ContentSealer().Seal(t.Context(), "acme", "x", plain)
	require.NoError(t, err)
	for sealed, open := range map[string]func([]byte) ([]byte, error){
		string(value):   func(b []byte) ([]byte, error) { return v.ValueSealer().Open(t.Context(), "acme", "x", b) },
		string(content): func(b []byte) ([]byte, error) { return v.ContentSealer().Open(t.Context(), "acme", "x", b) },
	} {
		for i := range sealed {
			for _, flip := range []byte{1, 0x80} {
				b := []byte(sealed)
				b[i] ^= flip
				_, err := open(b)
				require.Error(t, err, "byte %d", i)
				known(t, err)
			}
			_, err := open([]byte(sealed[:i]))
			require.Error(t, err, "%d bytes", i)
			known(t, err)
		}
		_, err := open([]byte(sealed + "x"))
		require.ErrorIs(t, err, vault.ErrAltered)
	}
}

// known fails for an error that is none of those a caller can act on.
func known(t *testing.T, err error) {
	t.Helper()
	for _, is := range []error{vault.ErrUnknownKey, vault.ErrAltered, vault.ErrNotSealed, vault.ErrForgotten} {
		if errors.Is(err, is) {
			return
		}
	}
	require.Fail(t, "an error of another kind", "%v", err)
}

func TestWrongKeyIsNamedAsSuch(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	require.NoError(t, v.Put(t.Context(), "acme", "concur", login(canary)))
	content, err := v.ContentSealer().Seal(t.Context(), "acme", "anna", []byte(canary))
	require.NoError(t, err)
	wrong := open(t, store, newKey(t))
	_, err = wrong.Get(t.Context(), "acme", "concur")
	require.ErrorIs(t, err, vault.ErrUnknownKey)
	require.ErrorContains(t, err, k.IDs()[0], "which key is wanted")
	hidden(t, err.Error())
	_, err = wrong.ContentSealer().Open(t.Context(), "acme", "anna", content)
	require.ErrorIs(t, err, vault.ErrUnknownKey)
}

func TestWhatWasNeverSealedIsNamedAsSuch(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	for _, plain := range []string{"", `{"refresh_token":"` + canary + `"}`, "\x00"} {
		_, err := v.ValueSealer().Open(t.Context(), "acme", "concur/token", []byte(plain))
		require.ErrorIs(t, err, vault.ErrNotSealed)
		hidden(t, err.Error())
		_, err = v.ContentSealer().Open(t.Context(), "acme", "anna", []byte(plain))
		require.ErrorIs(t, err, vault.ErrNotSealed)
		hidden(t, err.Error())
	}
}

func TestSameBytesAreSealedDifferentlyAndNamedAlike(t *testing.T) {
	t.Parallel()
	v, store, k := setup(t)
	s := v.ContentSealer()
	a, err := s.Seal(t.Context(), "acme", "anna", []byte("x"))
	require.NoError(t, err)
	b, err := s.Seal(t.Context(), "acme", "anna", []byte("x"))
	require.NoError(t, err)
	require.False(t, bytes.Equal(a, b))
	require.Len(t, s.Name("acme", []byte("x")), 64)
	require.Equal(t, s.Name("acme", []byte("x")), open(t, store, k).ContentSealer().Name("acme", []byte("x")))
	require.NotEqual(t, s.Name("acme", []byte("x")), s.Name("globex", []byte("x")))
	require.NotEqual(t, s.Name("acme", []byte("x")), s.Name("acm", []byte("ex")))
	require.NotEqual(t, s.Name("acme", []byte("x")), open(t, store, newKey(t)).ContentSealer().Name("acme", []byte("x")))
}

func TestEmptyAndLargeContentsSurvive(t *testing.T) {
	t.Parallel()
	v, _, _ := setup(t)
	for _, plain := range [][]byte{nil, {}, bytes.Repeat([]byte("ab"), 3<<20)} {
		sealed, err := v.ContentSealer().Seal(t.Context(), "acme", "", plain)
		require.NoError(t, err)
		back, err := v.ContentSealer().Open(t.Context(), "acme", "", sealed)
		require.NoError(t, err)
		require.True(t, bytes.Equal(plain, back))
	}
}

func FuzzOpen(f *testing.F) {
	store, k := memstore.New(), newKey(f)
	v := open(f, store, k)
	value, err := v.ValueSealer().Seal(f.Context(), "acme", "x", []byte("a"))
	require.NoError(f, err)
	content, err := v.ContentSealer().Seal(f.Context(), "acme", "x", []byte("a"))
	require.NoError(f, err)
	for _, seed := range [][]byte{value, content, nil, value[:5], content[:13]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.Equal(b, value) || bytes.Equal(b, content) {
			return
		}
		_, err := v.ValueSealer().Open(t.Context(), "acme", "x", b)
		require.Error(t, err)
		known(t, err)
		_, err = v.ContentSealer().Open(t.Context(), "acme", "x", b)
		require.Error(t, err)
		known(t, err)
	})
}
