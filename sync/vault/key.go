package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Key opens and seals everything in a vault. It holds one or more AES-256-GCM
// keys, of which the newest seals and all open, and one key for names, which
// stays the same, so that what was stored under a keyed hash is found again. It
// never changes, prints without its secrets and is safe for concurrent use.
type Key struct {
	m *material // behind a pointer, so that no printer walks into it
}

type material struct {
	handle *keyset.Handle
	aead   tink.AEAD
	ids    []uint32 // the one that seals first
	naming []byte
}

const (
	keyPrefix  = "vaultkey1."
	namingSize = 32
	sumSize    = 4
	maxKeyText = 64 << 10
)

// NewKey makes a key from the system's random numbers.
func NewKey() (*Key, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("vault: make key: %w", err)
	}
	naming := make([]byte, namingSize)
	if _, err := rand.Read(naming); err != nil {
		return nil, fmt.Errorf("vault: make key: %w", err)
	}
	return newKey(handle, naming)
}

func newKey(handle *keyset.Handle, naming []byte) (*Key, error) {
	m := &material{handle: handle, naming: naming}
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, errors.New("vault: the key set cannot be read")
		}
		k, ok := entry.Key().(*aesgcm.Key)
		if !ok || entry.KeyStatus() != keyset.Enabled {
			return nil, fmt.Errorf("vault: key %08x is not an AES-256-GCM key in use", entry.KeyID())
		}
		p, ok := k.Parameters().(*aesgcm.Parameters)
		if !ok || p.KeySizeInBytes() != 32 || p.Variant() != aesgcm.VariantTink {
			return nil, fmt.Errorf("vault: key %08x is not an AES-256-GCM key of Tink's form", entry.KeyID())
		}
		if entry.IsPrimary() {
			m.ids = append([]uint32{entry.KeyID()}, m.ids...)
		} else {
			m.ids = append(m.ids, entry.KeyID())
		}
	}
	var err error
	if m.aead, err = aead.New(handle); err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return &Key{m}, nil
}

// ParseKey reads the text that Export returns; white space around it does not
// matter. A text that was damaged is refused.
func ParseKey(text []byte) (*Key, error) {
	text = bytes.TrimSpace(text)
	encoded, ok := bytes.CutPrefix(text, []byte(keyPrefix))
	if !ok || len(text) > maxKeyText {
		return nil, fmt.Errorf("vault: this is no key: a key's text begins with %q and is one line", keyPrefix)
	}
	raw := make([]byte, base64.RawURLEncoding.DecodedLen(len(encoded)))
	defer clear(raw)
	n, err := base64.RawURLEncoding.Strict().Decode(raw, encoded)
	if err != nil || n < sumSize {
		return nil, errDamaged
	}
	sum, payload := raw[:sumSize], raw[sumSize:n]
	if want := sha256.Sum256(payload); !bytes.Equal(sum, want[:sumSize]) {
		return nil, errDamaged
	}
	parts, ok := unpack(payload)
	if !ok || len(parts) != 2 || len(parts[1]) != namingSize {
		return nil, errDamaged
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(parts[0])))
	if err != nil {
		return nil, errDamaged // the reader's own error might repeat what it read
	}
	return newKey(handle, bytes.Clone(parts[1]))
}

var errDamaged = errors.New("vault: the key's text is damaged: a part of it is missing or changed; take it from a copy")

// Export returns the key itself as one line of text. Whoever has it opens
// everything. Overwrite it after use.
func (k *Key) Export() ([]byte, error) {
	var set bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.m.handle, keyset.NewBinaryWriter(&set)); err != nil {
		return nil, fmt.Errorf("vault: export key: %w", err)
	}
	payload := pack(set.Bytes(), k.m.naming)
	clear(set.Bytes())
	sum := sha256.Sum256(payload)
	raw := append(sum[:sumSize:sumSize], payload...)
	clear(payload)
	defer clear(raw)
	return base64.RawURLEncoding.AppendEncode([]byte(keyPrefix), raw), nil
}

// WithNew returns a Key that seals with a new key and still opens with all of k's.
func (k *Key) WithNew() (*Key, error) {
	m := keyset.NewManagerFromHandle(k.m.handle)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		return nil, fmt.Errorf("vault: add key: %w", err)
	}
	return k.from(m)
}

// WithoutOld returns a Key that has only the key that k seals with. Call
// Vault.Rotate first, for each tenant and until it answers 0: what the other
// keys sealed can never be opened again.
func (k *Key) WithoutOld() (*Key, error) {
	m := keyset.NewManagerFromHandle(k.m.handle)
	for _, id := range k.m.ids[1:] {
		if err := m.Delete(id); err != nil {
			return nil, fmt.Errorf("vault: remove key %08x: %w", id, err)
		}
	}
	return k.from(m)
}

func (k *Key) from(m *keyset.Manager) (*Key, error) {
	handle, err := m.Handle()
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return newKey(handle, k.m.naming)
}

// IDs returns the identifiers of the keys inside, eight hexadecimal digits
// each, the one that seals first. They are random and tell nothing.
func (k *Key) IDs() []string {
	ids := make([]string, len(k.m.ids))
	for i, id := range k.m.ids {
		ids[i] = fmt.Sprintf("%08x", id)
	}
	return ids
}

// succeeds says whether k opens what old seals and finds what old named.
func (k *Key) succeeds(old *Key) bool {
	primary, err := old.m.handle.Primary()
	if err != nil || subtle.ConstantTimeCompare(k.m.naming, old.m.naming) != 1 {
		return false
	}
	for i := range k.m.handle.Len() {
		if e, err := k.m.handle.Entry(i); err == nil && e.KeyID() == primary.KeyID() && e.Key().Equal(primary.Key()) {
			return true
		}
	}
	return false
}

func (m *material) has(id uint32) bool {
	for _, have := range m.ids {
		if have == id {
			return true
		}
	}
	return false
}

// hash is a keyed hash (HMAC-SHA256) over what is hashed and its parts.
func (m *material) hash(what string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, m.naming)
	var size [8]byte
	for _, p := range append([][]byte{[]byte(label), []byte(what)}, parts...) {
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		mac.Write(size[:])
		mac.Write(p)
	}
	return mac.Sum(nil)
}

// String names the keys inside by their identifiers.
func (k *Key) String() string {
	if k == nil || k.m == nil {
		return "vault.Key()"
	}
	return "vault.Key(" + strings.Join(k.IDs(), " ") + ")"
}

// GoString keeps %#v from showing more than String.
func (k *Key) GoString() string { return k.String() }

// Format implements fmt.Formatter, so that no verb shows more than String.
func (k *Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// LogValue keeps log/slog from showing more than String.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText shows what String shows; Export returns the key.
func (k *Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
