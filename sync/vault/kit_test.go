package vault_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// What the users of the sealers ask for: the engine and a client's token store.
var (
	_ interface {
		Seal(ctx context.Context, tenant, person string, plain []byte) ([]byte, error)
		Open(ctx context.Context, tenant, person string, sealed []byte) ([]byte, error)
		Name(tenant string, plain []byte) string
	} = vault.ContentSealer{}
	_ interface {
		Seal(ctx context.Context, tenant, name string, plain []byte) (sealed []byte, err error)
		Open(ctx context.Context, tenant, name string, sealed []byte) (plain []byte, err error)
	} = vault.ValueSealer{}
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newKey(t testing.TB) *vault.Key {
	t.Helper()
	k, err := vault.NewKey()
	require.NoError(t, err)
	return k
}

// open returns a vault over values with a clock that stands at noon.
func open(t testing.TB, values storage.Values, k *vault.Key) *vault.Vault {
	t.Helper()
	v, err := vault.New(values, k, &vault.Options{Now: func() time.Time { return noon }})
	require.NoError(t, err)
	return v
}

// setup returns a vault over an empty store in memory.
func setup(t testing.TB) (*vault.Vault, *memstore.Store, *vault.Key) {
	t.Helper()
	store, k := memstore.New(), newKey(t)
	return open(t, store, k), store, k
}

func secret(s string) vault.Secret { return vault.NewSecret([]byte(s)) }

func login(password string) vault.Credential {
	return vault.Credential{"user": secret("svc"), "password": secret(password)}
}

var errBroken = errors.New("disk full")

// broken is a store whose next saves fail, before or after they are written.
type broken struct {
	storage.Values
	before, after atomic.Int64 // how many saves still fail
}

func (b *broken) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	if b.before.Add(-1) >= 0 {
		return storage.Value{}, errBroken
	}
	v, err := b.Values.Save(ctx, v)
	if b.after.Add(-1) >= 0 {
		return storage.Value{}, errBroken
	}
	return v, err
}

// meddled is a store in which somebody else acts just before each save.
type meddled struct {
	storage.Values
	act func()
}

func (m *meddled) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	m.act()
	return m.Values.Save(ctx, v)
}
