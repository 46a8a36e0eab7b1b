package vault

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// The errors that callers act on, always wrapped in one that says where.
var (
	// ErrUnknownKey says that the key which sealed this is not at hand: the wrong
	// key file, an old key that was removed too early, or a store whose values and
	// contents are not of the same time.
	ErrUnknownKey = errors.New("sealed with a key that is not at hand")
	// ErrAltered says that what is stored is not what was sealed in this place:
	// changed, cut short, or moved from another tenant, name or person.
	ErrAltered = errors.New("altered, or sealed for another tenant, name or person")
	// ErrNotSealed says that what is stored was never sealed, because it was
	// written by a program that had no vault.
	ErrNotSealed = errors.New("not sealed: it was stored before sealing was turned on, or by something else")
	// ErrForgotten says that the person was forgotten: what was sealed is gone for
	// ever, and nothing new is sealed until Readmit. It also answers a method
	// Forgotten() bool, for packages that do not import this one.
	ErrForgotten error = forgotten{}
)

type forgotten struct{}

func (forgotten) Error() string   { return "the person was forgotten: the key is destroyed" }
func (forgotten) Forgotten() bool { return true }

// What is sealed begins with magic and a kind. A value goes on with Tink's
// ciphertext (a byte 1, the key's id in 4, nonce, text, tag); a content with the
// 8 bytes of its data key's id, then nonce, text and tag.
const (
	magic       = "\x00mv1"
	kindValue   = 'v'
	kindContent = 'c'
	headerSize  = len(magic) + 1
)

// label begins everything that is authenticated or hashed, so that the same key
// used by something else could never give the same bytes.
const label = "ml-connector/sync/vault/1"

// pack joins parts so that different parts never give the same bytes: each is
// preceded by its length in 8 bytes.
func pack(parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += 8 + len(p)
	}
	b := make([]byte, 0, size)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// unpack takes apart what pack joined; the parts are views into b.
func unpack(b []byte) (parts [][]byte, ok bool) {
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, false
		}
		size := binary.BigEndian.Uint64(b)
		b = b[8:]
		if size > uint64(len(b)) {
			return nil, false
		}
		parts, b = append(parts, b[:size:size]), b[size:]
	}
	return parts, true
}

// bound returns the associated data of something sealed: what it is and where it belongs.
func bound(what string, place ...string) []byte {
	parts := [][]byte{[]byte(label), []byte(what)}
	for _, p := range place {
		parts = append(parts, []byte(p))
	}
	return pack(parts...)
}

func header(kind byte) []byte { return append([]byte(magic), kind) }

// body returns what follows the header.
func body(kind byte, sealed []byte) ([]byte, error) {
	if !bytes.HasPrefix(sealed, []byte(magic)) {
		return nil, ErrNotSealed
	}
	if len(sealed) < headerSize || sealed[headerSize-1] != kind {
		return nil, ErrAltered
	}
	return sealed[headerSize:], nil
}

// ValueSealer seals values that others keep in the store under names of their
// own, bound to tenant and name. What it seals must be stored under exactly
// that tenant and name: Rotate seals such values again where it finds them.
type ValueSealer struct{ v *Vault }

// ValueSealer returns the sealer of values, such as a client's token store
// takes. It keeps nothing and asks the store for nothing.
func (v *Vault) ValueSealer() ValueSealer { return ValueSealer{v} }

// Seal encrypts plain for the value of that name. It adds 38 bytes.
func (s ValueSealer) Seal(ctx context.Context, tenant, name string, plain []byte) ([]byte, error) {
	sealed, err := s.v.sealValue(ctx, tenant, name, plain)
	if err != nil {
		return nil, fmt.Errorf("vault: seal value %q of tenant %q: %w", name, tenant, err)
	}
	return sealed, nil
}

// Open decrypts what Seal returned for the same tenant and name. It fails by
// ErrUnknownKey, ErrAltered and ErrNotSealed.
func (s ValueSealer) Open(ctx context.Context, tenant, name string, sealed []byte) ([]byte, error) {
	plain, err := s.v.openValue(ctx, tenant, name, sealed)
	if err != nil {
		return nil, fmt.Errorf("vault: open value %q of tenant %q: %w", name, tenant, err)
	}
	return plain, nil
}

var errPlace = errors.New("a tenant and a name are needed")

func (v *Vault) sealValue(ctx context.Context, tenant, name string, plain []byte) ([]byte, error) {
	if tenant == "" || name == "" {
		return nil, errPlace
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ciphertext, err := v.key.m.aead.Encrypt(plain, bound("value", tenant, name))
	if err != nil {
		return nil, err
	}
	return append(header(kindValue), ciphertext...), nil
}

func (v *Vault) openValue(ctx context.Context, tenant, name string, sealed []byte) ([]byte, error) {
	if tenant == "" || name == "" {
		return nil, errPlace
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ciphertext, err := body(kindValue, sealed)
	if err != nil {
		return nil, err
	}
	id, ok := sealedBy(ciphertext)
	if !ok {
		return nil, ErrAltered
	}
	if !v.key.m.has(id) {
		return nil, fmt.Errorf("%w: it wants key %08x, the vault has %v", ErrUnknownKey, id, v.key.IDs())
	}
	plain, err := v.key.m.aead.Decrypt(ciphertext, bound("value", tenant, name))
	if err != nil {
		return nil, ErrAltered // Tink's own error says no more
	}
	return plain, nil
}

// sealedBy reads from Tink's ciphertext the id of the key that made it.
func sealedBy(ciphertext []byte) (id uint32, ok bool) {
	if len(ciphertext) < 5 || ciphertext[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(ciphertext[1:]), true
}
