package vault_test

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// planted are secrets in places of all kinds; each is looked for byte by byte.
var planted = []string{
	"pl4nted-client-secret", "pl4nted-api-key", "pl4nted-refresh-token",
	"DE44500105175407324931", "Anna Canary", "anna.canary@example.com", "pl4nted-after-rotation",
}

// plant stores the planted secrets by every way there is.
func plant(t *testing.T, store storage.Store, k *vault.Key) {
	t.Helper()
	v := open(t, store, k)
	require.NoError(t, v.Put(t.Context(), "acme", "concur", vault.Credential{"client_secret": secret(planted[0])}))
	require.NoError(t, v.Put(t.Context(), "acme", "epicor", vault.Credential{"api_key": secret(planted[1]), "user": secret("svc")}))
	token, err := v.ValueSealer().Seal(t.Context(), "acme", "concur/token", []byte(`{"refresh_token":"`+planted[2]+`"}`))
	require.NoError(t, err)
	_, err = store.Save(t.Context(), storage.Value{Tenant: "acme", Name: "concur/token", Data: token})
	require.NoError(t, err)
	put := func(person, plain string) {
		sealed, err := v.ContentSealer().Seal(t.Context(), "acme", person, []byte(plain))
		require.NoError(t, err)
		require.NoError(t, store.Put(t.Context(), "acme", "c/visible-name/"+v.ContentSealer().Name("acme", []byte(plain)), sealed))
	}
	put(planted[5], `{"name":"`+planted[4]+`","iban":"`+planted[3]+`"}`)
	put("", `{"iban":"`+planted[3]+`"}`)
	next := after(t, k)
	w := open(t, store, next)
	_, err = w.Rotate(t.Context(), "acme")
	require.NoError(t, err)
	require.NoError(t, w.Put(t.Context(), "acme", "later", vault.Credential{"password": secret(planted[6])}))
	_, err = w.Forget(t.Context(), "acme", planted[5])
	require.NoError(t, err)
	require.NoError(t, w.Delete(t.Context(), "acme", "epicor"))
}

// clean fails when data holds a planted secret as text, hexadecimal or base64.
func clean(t *testing.T, where, data string) {
	t.Helper()
	for _, p := range planted {
		require.NotContains(t, data, p, where)
		require.NotContains(t, data, hex.EncodeToString([]byte(p)), where)
		for shift := range 3 { // base64 looks different at each place within three bytes
			text := base64.StdEncoding.EncodeToString([]byte("abc"[:shift] + p))
			require.NotContains(t, data, text[4:len(text)-4], where)
		}
	}
}

func TestDatabaseFilesHoldNoPlantedSecret(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	store, err := sqlitestore.Open(t.Context(), filepath.Join(folder, "ledger.db"), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	plant(t, store, newKey(t))
	dump := func() (all string) {
		files, err := os.ReadDir(folder)
		require.NoError(t, err)
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(folder, f.Name()))
			require.NoError(t, err)
			clean(t, f.Name(), string(b))
			all += string(b)
		}
		return all
	}
	all := dump() // with the write-ahead log beside the file
	require.Contains(t, all, "c/visible-name/", "the dump shows what is not sealed")
	require.Contains(t, all, "credential/concur")
	require.NoError(t, store.Close())
	require.Contains(t, dump(), "c/visible-name/")
}

func TestValuesHoldNoPlantedSecret(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	plant(t, store, newKey(t))
	found := values(t, store, "acme", "")
	require.NotEmpty(t, found)
	for _, v := range found {
		clean(t, v.Name, v.Name+string(v.Data))
	}
}
