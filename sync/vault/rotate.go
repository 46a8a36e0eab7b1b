package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// Rotate seals again, with the newest key, what older keys sealed among a
// tenant's values: credentials, tokens of a ValueSealer, and data keys, by
// which the contents follow. It returns how many values it wrote. When every
// process seals with the newest key and Rotate returns 0 and no error, no older
// key is needed for this tenant; all may go on working meanwhile.
//
// What cannot be opened is left as it is, does not stop the others and is in
// the error: ErrUnknownKey, ErrAltered. Values that were never sealed are
// nothing to Rotate. It may be stopped and repeated.
func (v *Vault) Rotate(ctx context.Context, tenant string) (resealed int, err error) {
	var failed []error
	for value, err := range v.scan(ctx, tenant, "") {
		if err != nil {
			return resealed, errors.Join(append(failed, fmt.Errorf("vault: rotate values of tenant %q: %w", tenant, err))...)
		}
		if !v.outdated(value.Data) {
			continue
		}
		wrote, err := v.reseal(ctx, tenant, value.Name)
		if err != nil {
			failed = append(failed, fmt.Errorf("vault: rotate value %q of tenant %q: %w", value.Name, tenant, err))
			if ctx.Err() != nil {
				break
			}
		}
		if wrote {
			resealed++
		}
	}
	return resealed, errors.Join(failed...)
}

// outdated says whether data was sealed, and not by the newest key.
func (v *Vault) outdated(data []byte) bool {
	if !strings.HasPrefix(string(data[:min(len(data), headerSize)]), magic+string(kindValue)) {
		return false
	}
	id, ok := sealedBy(data[headerSize:])
	return !ok || id != v.key.m.ids[0]
}

// reseal writes one value anew, unless somebody else did or removed it.
func (v *Vault) reseal(ctx context.Context, tenant, name string) (wrote bool, err error) {
	err = v.change(ctx, tenant, name, func(old storage.Value, found bool) ([]byte, error) {
		wrote = false
		if !found || !v.outdated(old.Data) {
			return nil, nil
		}
		plain, err := v.openValue(ctx, tenant, name, old.Data)
		if err != nil {
			return nil, err
		}
		defer clear(plain)
		sealed, err := v.sealValue(ctx, tenant, name, plain)
		wrote = err == nil
		return sealed, err
	})
	return wrote && err == nil, err
}
