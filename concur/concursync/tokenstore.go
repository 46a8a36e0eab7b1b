package concursync

import (
	"context"
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// TokenName is the name under which a tenant's token is stored.
const TokenName = "concur/token"

// Sealer encrypts what is stored. name is bound to the ciphertext, so that one
// value cannot be put in another's place. Both methods are called concurrently.
type Sealer interface {
	Seal(ctx context.Context, tenant, name string, plain []byte) (sealed []byte, err error)
	Open(ctx context.Context, tenant, name string, sealed []byte) (plain []byte, err error)
}

// TokenStoreOptions configure a token store. Nil means the defaults.
type TokenStoreOptions struct {
	// Sealer encrypts the token. Without one it is stored as it is, and whoever
	// reads the store can act as this connection.
	Sealer Sealer
	// Name is the value's name, for a tenant with several companies. Default: TokenName.
	Name string
}

// TokenStore keeps a tenant's token among the values of a store. Its
// compare-and-set is the store's, so several processes may share it.
func TokenStore(values storage.Values, tenant string, opts *TokenStoreOptions) concur.TokenStore {
	s := &tokenStore{values: values, tenant: tenant, name: TokenName}
	if opts != nil {
		s.sealer = opts.Sealer
		if opts.Name != "" {
			s.name = opts.Name
		}
	}
	return s
}

type tokenStore struct {
	values       storage.Values
	tenant, name string
	sealer       Sealer
}

// Load implements concur.TokenStore.
func (s *tokenStore) Load(ctx context.Context) (t concur.Token, rev string, err error) {
	v, err := s.values.Load(ctx, s.tenant, s.name)
	if errors.Is(err, storage.ErrNotFound) {
		return concur.Token{}, "", concur.ErrNoToken
	}
	if err != nil {
		return concur.Token{}, "", err
	}
	data := v.Data
	if s.sealer != nil {
		if data, err = s.sealer.Open(ctx, s.tenant, s.name, data); err != nil {
			return concur.Token{}, "", fmt.Errorf("open token: %w", err)
		}
	}
	if err := t.UnmarshalBinary(data); err != nil {
		return concur.Token{}, "", err
	}
	return t, v.Rev, nil
}

// Save implements concur.TokenStore.
func (s *tokenStore) Save(ctx context.Context, t concur.Token, rev string) (next string, err error) {
	data, err := t.MarshalBinary()
	if err != nil {
		return "", err
	}
	if s.sealer != nil {
		if data, err = s.sealer.Seal(ctx, s.tenant, s.name, data); err != nil {
			return "", fmt.Errorf("seal token: %w", err)
		}
	}
	v, err := s.values.Save(ctx, storage.Value{Tenant: s.tenant, Name: s.name, Rev: rev, Data: data})
	if errors.Is(err, storage.ErrConflict) {
		return "", fmt.Errorf("%w: %w", concur.ErrTokenConflict, err)
	}
	if err != nil {
		return "", err
	}
	return v.Rev, nil
}
