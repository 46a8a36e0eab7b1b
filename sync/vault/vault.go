package vault

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// Options change how a Vault behaves. The zero value of each field is good.
type Options struct {
	// Now is the clock that dates what is stored. Nil: time.Now.
	Now func() time.Time
}

// Vault keeps what is secret among the values of a store. It holds no opened
// secret itself. It is safe for concurrent use, and many may work on one store.
type Vault struct {
	values storage.Values
	key    *Key
	now    func() time.Time
}

// New returns a Vault over the values of a store. It does not look at them: a
// wrong key shows at the first that is opened, see List.
func New(values storage.Values, key *Key, opts *Options) (*Vault, error) {
	if values == nil || key == nil || key.m == nil {
		return nil, errors.New("vault: New needs a store of values and a key; NewKey, ReadKeyFile, KeyFromEnv and ParseKey give one")
	}
	v := &Vault{values: values, key: key, now: time.Now}
	if opts != nil && opts.Now != nil {
		v.now = opts.Now
	}
	return v, nil
}

const (
	namePrefix = "credential/"
	maxName    = 150 // bytes of a credential's name
	// maxPlain leaves room below storage.MaxData for what sealing adds.
	maxPlain = storage.MaxData - 1<<10
	// maxConflicts bounds the rounds of read, change, compare-and-set.
	maxConflicts = 20
)

// checkName keeps names printable, since they appear in lists and errors.
func checkName(tenant, name string) error {
	switch {
	case tenant == "":
		return errors.New("vault: a tenant is needed")
	case name == "" || len(name) > maxName || !utf8.ValidString(name):
		return fmt.Errorf("vault: a credential's name has 1 to %d bytes of UTF-8", maxName)
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("vault: a credential's name has no control characters")
	}
	return nil
}

// Put stores a credential under a name, in the place of what was there, and
// returns when it is durable. After an error it may have been stored or not;
// what was there before or the new one is there, never a mixture.
func (v *Vault) Put(ctx context.Context, tenant, name string, c Credential) error {
	if err := checkName(tenant, name); err != nil {
		return err
	}
	plain, err := c.encode(v.now())
	if err != nil {
		return fmt.Errorf("vault: store credential %q of tenant %q: %w", name, tenant, err)
	}
	defer clear(plain)
	err = v.change(ctx, tenant, namePrefix+name, func(storage.Value, bool) ([]byte, error) {
		return v.sealValue(ctx, tenant, namePrefix+name, plain)
	})
	if err != nil {
		return fmt.Errorf("vault: store credential %q of tenant %q: %w", name, tenant, err)
	}
	return nil
}

// Get opens a credential. There is none: storage.ErrNotFound. Other failures:
// ErrUnknownKey, ErrAltered, ErrNotSealed, the store's.
func (v *Vault) Get(ctx context.Context, tenant, name string) (Credential, error) {
	if err := checkName(tenant, name); err != nil {
		return nil, err
	}
	value, err := v.values.Load(ctx, tenant, namePrefix+name)
	if err != nil {
		return nil, fmt.Errorf("vault: open credential %q of tenant %q: %w", name, tenant, err)
	}
	plain, err := v.openValue(ctx, tenant, namePrefix+name, value.Data)
	if err != nil {
		return nil, fmt.Errorf("vault: open credential %q of tenant %q: %w", name, tenant, err)
	}
	defer clear(plain)
	_, c, err := decodeCredential(plain)
	if err != nil {
		return nil, fmt.Errorf("vault: open credential %q of tenant %q: %w", name, tenant, err)
	}
	return c, nil
}

// Delete removes a credential. That there is none is no error.
func (v *Vault) Delete(ctx context.Context, tenant, name string) error {
	if err := checkName(tenant, name); err != nil {
		return err
	}
	err := v.retry(ctx, func() error {
		value, err := v.values.Load(ctx, tenant, namePrefix+name)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return v.values.Delete(ctx, tenant, value.Name, value.Rev)
	})
	if err != nil {
		return fmt.Errorf("vault: delete credential %q of tenant %q: %w", name, tenant, err)
	}
	return nil
}

// Opener opens one credential. It asks the store at each call and keeps
// nothing, so it sees a new credential at once.
type Opener func(ctx context.Context) (Credential, error)

// Credential returns what opens a credential where a call is made. A credential
// without one of the fields is an error that names it. The name is checked when
// it is opened.
func (v *Vault) Credential(tenant, name string, fields ...string) Opener {
	return func(ctx context.Context) (Credential, error) {
		c, err := v.Get(ctx, tenant, name)
		if err != nil {
			return nil, err
		}
		for _, f := range fields {
			if c[f].IsZero() {
				c.Wipe()
				return nil, fmt.Errorf("vault: credential %q of tenant %q has no %s: store it again with all its fields", name, tenant, f)
			}
		}
		return c, nil
	}
}

// Entry is what may be known of a credential without seeing it.
type Entry struct {
	Name   string
	Fields []string // names only, in order
	// Fingerprint is a keyed hash of tenant, name and all fields, 16 hexadecimal
	// digits. It changes when the credential does and tells nothing about it.
	Fingerprint string
	Stored      time.Time // UTC
	Key         string    // the key that sealed it, as Key.IDs names it
	// Err says why it cannot be opened; the fields above but Name are empty then.
	Err error
}

// List tells the credentials of a tenant in byte order of their names.
func (v *Vault) List(ctx context.Context, tenant string) ([]Entry, error) {
	var entries []Entry
	for value, err := range v.scan(ctx, tenant, namePrefix) {
		if err != nil {
			return nil, fmt.Errorf("vault: list credentials of tenant %q: %w", tenant, err)
		}
		entries = append(entries, v.entry(ctx, value))
	}
	return entries, nil
}

func (v *Vault) entry(ctx context.Context, value storage.Value) Entry {
	e := Entry{Name: strings.TrimPrefix(value.Name, namePrefix)}
	plain, err := v.openValue(ctx, value.Tenant, value.Name, value.Data)
	if err != nil {
		e.Err = fmt.Errorf("vault: open credential %q of tenant %q: %w", e.Name, value.Tenant, err)
		return e
	}
	defer clear(plain)
	stored, c, err := decodeCredential(plain)
	if err != nil {
		e.Err = fmt.Errorf("vault: open credential %q of tenant %q: %w", e.Name, value.Tenant, err)
		return e
	}
	defer c.Wipe()
	id := value.Data[headerSize+1:][:4] // openValue has seen that it is there
	e.Fields, e.Stored, e.Key = c.names(), stored, fmt.Sprintf("%08x", binary.BigEndian.Uint32(id))
	hash := v.key.m.hash("fingerprint", []byte(value.Tenant), []byte(e.Name), plain[timeSize:])
	e.Fingerprint = hex.EncodeToString(hash[:8])
	return e
}

// scan walks over a tenant's values. An error ends it as its last pair.
func (v *Vault) scan(ctx context.Context, tenant, prefix string) iter.Seq2[storage.Value, error] {
	return func(yield func(storage.Value, error) bool) {
		if tenant == "" {
			yield(storage.Value{}, errors.New("a tenant is needed"))
			return
		}
		after := ""
		for {
			values, next, err := v.values.Scan(ctx, tenant, prefix, after, 0)
			if err != nil {
				yield(storage.Value{}, err)
				return
			}
			for _, value := range values {
				if !yield(value, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			after = next
		}
	}
}

// change reads a value, asks for its new data and writes it by compare-and-set,
// again when somebody else wrote meanwhile. No data means: leave it as it is.
func (v *Vault) change(ctx context.Context, tenant, name string, data func(old storage.Value, found bool) ([]byte, error)) error {
	return v.retry(ctx, func() error {
		old, err := v.values.Load(ctx, tenant, name)
		found := err == nil
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		next, err := data(old, found)
		if err != nil || next == nil {
			return err
		}
		rev := ""
		if found {
			rev = old.Rev
		}
		_, err = v.values.Save(ctx, storage.Value{Tenant: tenant, Name: name, Rev: rev, Data: next})
		return err
	})
}

// retry does it again while somebody else is quicker.
func (v *Vault) retry(ctx context.Context, do func() error) error {
	var err error
	for range maxConflicts {
		if err = ctx.Err(); err != nil {
			return err
		}
		if err = do(); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
	return err
}
