package vault

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/ml-connector/ml-connector/sync/storage"
)

const (
	personPrefix  = "person/"
	tenantDataKey = "contents/key" // of contents that belong to nobody
	idSize        = 8
	dataKeySize   = 32
)

type keyID [idSize]byte

// dataKey is a person's value: the ids of keys that were destroyed and, unless
// the person is forgotten, the key that seals now. Stored as a byte 'k' (there
// is a key) or 'f' (forgotten), the id and key for 'k', and the former ids.
type dataKey struct {
	gone   bool
	id     keyID
	key    [dataKeySize]byte
	former []keyID
}

func (k *dataKey) wipe() { clear(k.key[:]) }

func (k *dataKey) had(id keyID) bool { return slices.Contains(k.former, id) }

// renew puts a new key into k.
func (k *dataKey) renew() error {
	k.gone = false
	if _, err := rand.Read(k.id[:]); err != nil {
		return err
	}
	_, err := rand.Read(k.key[:])
	return err
}

// destroy takes the key out of k.
func (k *dataKey) destroy() {
	if k.id != (keyID{}) {
		k.former = append(k.former, k.id)
	}
	k.gone, k.id = true, keyID{}
	k.wipe()
}

func (k *dataKey) encode() []byte {
	b := make([]byte, 0, 1+idSize+dataKeySize+idSize*len(k.former))
	if k.gone {
		b = append(b, 'f')
	} else {
		b = append(append(append(b, 'k'), k.id[:]...), k.key[:]...)
	}
	for _, id := range k.former {
		b = append(b, id[:]...)
	}
	return b
}

var errDataKey = errors.New("the data key was sealed by a newer version: its form is not known")

func decodeDataKey(b []byte) (dataKey, error) {
	var k dataKey
	switch {
	case len(b) > idSize+dataKeySize && b[0] == 'k':
		copy(k.id[:], b[1:])
		copy(k.key[:], b[1+idSize:])
		b = b[1+idSize+dataKeySize:]
	case len(b) > 0 && b[0] == 'f':
		k.gone, b = true, b[1:]
	default:
		return dataKey{}, errDataKey
	}
	if len(b)%idSize != 0 {
		return dataKey{}, errDataKey
	}
	for id := range slices.Chunk(b, idSize) {
		k.former = append(k.former, keyID(id))
	}
	return k, nil
}

// place names the value of a person's data key, without naming the person.
func (v *Vault) place(tenant, person string) string {
	if person == "" {
		return tenantDataKey
	}
	return personPrefix + hex.EncodeToString(v.key.m.hash("person", []byte(tenant), []byte(person)))
}

// findDataKey reads the data key of a person.
func (v *Vault) findDataKey(ctx context.Context, tenant, person string) (k dataKey, found bool, err error) {
	value, err := v.values.Load(ctx, tenant, v.place(tenant, person))
	if errors.Is(err, storage.ErrNotFound) {
		return dataKey{}, false, nil
	}
	if err != nil {
		return dataKey{}, false, err
	}
	k, err = v.openDataKey(ctx, value)
	return k, err == nil, err
}

func (v *Vault) openDataKey(ctx context.Context, value storage.Value) (dataKey, error) {
	plain, err := v.openValue(ctx, value.Tenant, value.Name, value.Data)
	if err != nil {
		return dataKey{}, fmt.Errorf("data key: %w", err)
	}
	defer clear(plain)
	return decodeDataKey(plain)
}

// dataKey returns the data key of a person and makes it where there is none.
func (v *Vault) dataKey(ctx context.Context, tenant, person string) (dataKey, error) {
	k, found, err := v.findDataKey(ctx, tenant, person)
	if err != nil || found {
		return k, err
	}
	err = v.changeDataKey(ctx, tenant, person, func(there *dataKey, found bool) (bool, error) {
		if found { // another was quicker, and its key is everybody's
			k = *there
			return false, nil
		}
		err := there.renew()
		k = *there
		return err == nil, err
	})
	return k, err
}

// changeDataKey changes a person's data key by compare-and-set; change says
// whether anything is to be written.
func (v *Vault) changeDataKey(ctx context.Context, tenant, person string, change func(k *dataKey, found bool) (bool, error)) error {
	name := v.place(tenant, person)
	return v.change(ctx, tenant, name, func(old storage.Value, found bool) ([]byte, error) {
		var k dataKey
		if found {
			var err error
			if k, err = v.openDataKey(ctx, old); err != nil {
				return nil, err
			}
		}
		defer k.wipe()
		write, err := change(&k, found)
		if err != nil || !write {
			return nil, err
		}
		plain := k.encode()
		defer clear(plain)
		return v.sealValue(ctx, tenant, name, plain)
	})
}

// Forget destroys the data key of a person, durably. From then on Open of that
// person's contents and Seal of new ones answer ErrForgotten. It says whether
// there was a key; a person whose contents were never sealed is forgotten all
// the same, so that nothing that comes later is kept. It may be repeated.
//
// Finish or take back the person's open transfers first: what cannot be opened
// can neither be delivered nor reversed. The store may keep the overwritten
// value for a while, in a write-ahead log or a backup; it is sealed by the Key,
// so a new one (WithNew, Rotate, WithoutOld) makes such remains useless.
func (v *Vault) Forget(ctx context.Context, tenant, person string) (destroyed bool, err error) {
	if person == "" {
		return false, errors.New("vault: forget: a person is needed")
	}
	err = v.changeDataKey(ctx, tenant, person, func(k *dataKey, found bool) (bool, error) {
		destroyed = found && !k.gone
		if found && k.gone {
			return false, nil
		}
		k.destroy()
		return true, nil
	})
	if err != nil {
		return false, fmt.Errorf("vault: forget a person of tenant %q: %w", tenant, err)
	}
	return destroyed, nil
}

// Readmit gives a forgotten person a new data key, for somebody who comes back
// or was forgotten by mistake. What was sealed before stays gone: Open of it
// answers ErrForgotten for ever. A person who is not forgotten: nothing happens.
func (v *Vault) Readmit(ctx context.Context, tenant, person string) error {
	if person == "" {
		return errors.New("vault: readmit: a person is needed")
	}
	err := v.changeDataKey(ctx, tenant, person, func(k *dataKey, found bool) (bool, error) {
		if !found || !k.gone {
			return false, nil
		}
		return true, k.renew()
	})
	if err != nil {
		return fmt.Errorf("vault: readmit a person of tenant %q: %w", tenant, err)
	}
	return nil
}
