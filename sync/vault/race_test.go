package vault_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// Many goroutines seal, put and open while another rotates and persons are
// forgotten. Whatever was sealed opens under the newest key alone, or is forgotten.
func TestNothingIsLostWhileManyWorkAndKeysAreRotated(t *testing.T) {
	t.Parallel()
	store, k := memstore.New(), newKey(t)
	old := open(t, store, k)
	for i := range 20 {
		require.NoError(t, old.Put(t.Context(), "acme", fmt.Sprint("old", i), login("pw")))
	}
	next := after(t, k)
	v := open(t, store, next)
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		sealed = map[string][][]byte{}
	)
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				person := fmt.Sprint("p", j%5)
				b, err := v.ContentSealer().Seal(t.Context(), "acme", person, []byte(person))
				if !errors.Is(err, vault.ErrForgotten) && assert.NoError(t, err) {
					mu.Lock()
					sealed[person] = append(sealed[person], b)
					mu.Unlock()
				}
				name := fmt.Sprint("c", i)
				var c vault.Credential
				if err = v.Put(t.Context(), "acme", name, login(name)); err == nil {
					c, err = v.Credential("acme", name, "password")(t.Context())
				}
				if assert.NoError(t, err) {
					assert.Equal(t, name, c["password"].Reveal())
					c.Wipe()
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			_, rotateErr := v.Rotate(t.Context(), "acme")
			_, forgetErr := v.Forget(t.Context(), "acme", "p4")
			assert.NoError(t, errors.Join(rotateErr, forgetErr))
		})
	}
	wg.Wait()
	_, err := v.Rotate(t.Context(), "acme")
	require.NoError(t, err)
	last := open(t, store, alone(t, next))
	entries, err := last.List(t.Context(), "acme")
	require.NoError(t, err)
	require.Len(t, entries, 28)
	for _, e := range entries {
		require.NoError(t, e.Err)
	}
	for person, all := range sealed {
		for _, b := range all {
			plain, err := last.ContentSealer().Open(t.Context(), "acme", person, b)
			if person == "p4" {
				require.ErrorIs(t, err, vault.ErrForgotten)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, person, string(plain))
		}
	}
}

func BenchmarkContent(b *testing.B) {
	v, _, _ := setup(b)
	s, plain := v.ContentSealer(), make([]byte, 16<<10)
	for b.Loop() {
		sealed, err := s.Seal(b.Context(), "acme", "anna", plain)
		require.NoError(b, err)
		_, err = s.Open(b.Context(), "acme", "anna", sealed)
		require.NoError(b, err)
	}
}
