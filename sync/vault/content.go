package vault

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ContentSealer seals contents (documents, postings, reasons), each under the
// data key of its person, and those that belong to nobody, with the person "",
// under the tenant's own. The engine's Options.Sealer takes one.
//
// The data key is asked from the store each time: a copy in memory would let
// another process go on sealing under a key that was destroyed meanwhile.
type ContentSealer struct{ v *Vault }

// ContentSealer returns the sealer of contents.
func (v *Vault) ContentSealer() ContentSealer { return ContentSealer{v} }

// Seal encrypts plain for a person's content. The first content of a person
// makes the data key, which is durable before anything is sealed with it. It
// adds 41 bytes. A person that was forgotten: ErrForgotten.
func (s ContentSealer) Seal(ctx context.Context, tenant, person string, plain []byte) ([]byte, error) {
	sealed, err := s.seal(ctx, tenant, person, plain)
	if err != nil {
		// Who it is about is no business of a log's.
		return nil, fmt.Errorf("vault: seal content of tenant %q: %w", tenant, err)
	}
	return sealed, nil
}

func (s ContentSealer) seal(ctx context.Context, tenant, person string, plain []byte) ([]byte, error) {
	k, err := s.v.dataKey(ctx, tenant, person)
	if err != nil {
		return nil, err
	}
	defer k.wipe()
	if k.gone {
		return nil, ErrForgotten
	}
	a, err := k.aead()
	if err != nil {
		return nil, err
	}
	ciphertext, err := a.Encrypt(plain, boundContent(tenant, person, k.id))
	if err != nil {
		return nil, err
	}
	return append(append(header(kindContent), k.id[:]...), ciphertext...), nil
}

// Open decrypts what Seal returned for the same tenant and person. Besides
// ErrForgotten it fails by ErrUnknownKey when the store has no data key of that
// person at all, by ErrAltered and ErrNotSealed.
func (s ContentSealer) Open(ctx context.Context, tenant, person string, sealed []byte) ([]byte, error) {
	plain, err := s.open(ctx, tenant, person, sealed)
	if err != nil {
		return nil, fmt.Errorf("vault: open content of tenant %q: %w", tenant, err)
	}
	return plain, nil
}

func (s ContentSealer) open(ctx context.Context, tenant, person string, sealed []byte) ([]byte, error) {
	rest, err := body(kindContent, sealed)
	if err != nil {
		return nil, err
	}
	if len(rest) < idSize {
		return nil, ErrAltered
	}
	id := keyID(rest[:idSize])
	k, found, err := s.v.findDataKey(ctx, tenant, person)
	if err != nil {
		return nil, err
	}
	defer k.wipe()
	switch {
	case !found:
		return nil, fmt.Errorf("%w: the store has no data key of its person", ErrUnknownKey)
	case k.had(id):
		return nil, ErrForgotten
	case k.gone || k.id != id:
		return nil, ErrAltered
	}
	a, err := k.aead()
	if err != nil {
		return nil, err
	}
	plain, err := a.Decrypt(rest[idSize:], boundContent(tenant, person, id))
	if err != nil {
		return nil, ErrAltered // Tink's own error says no more
	}
	return plain, nil
}

// Name returns a keyed hash of plain, 64 hexadecimal digits, the same for the
// same bytes of a tenant as long as the vault has the same Key or one made from
// it by WithNew and WithoutOld. Without the Key nobody can tell whether a
// content that he knows is among those stored.
func (s ContentSealer) Name(tenant string, plain []byte) string {
	return hex.EncodeToString(s.v.key.m.hash("content", []byte(tenant), plain))
}

func boundContent(tenant, person string, id keyID) []byte {
	return bound("content", tenant, person, string(id[:]))
}

// aead returns AES-256-GCM under the data key.
func (k *dataKey) aead() (tink.AEAD, error) {
	p, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: dataKeySize, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantNoPrefix,
	})
	if err != nil {
		return nil, err
	}
	key, err := aesgcm.NewKey(secretdata.NewBytesFromData(k.key[:], insecuresecretdataaccess.Token{}), 0, p)
	if err != nil {
		return nil, errors.New("the data key is unusable")
	}
	return aesgcm.NewAEAD(key)
}
