package sqlitestore

import (
	"context"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/internal/sqlitefile"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Load implements storage.Values.
func (s *Store) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	v := storage.Value{Tenant: tenant, Name: name}
	var rev int64
	err := s.file.Get(ctx, sqlLoad, []any{tenant, name}, &rev, &v.Data)
	if err != nil {
		return storage.Value{}, fmt.Errorf("sqlitestore: load %q: %w", name, orNotFound(err))
	}
	v.Rev = formatRev(rev)
	return v, nil
}

// Save implements storage.Values.
func (s *Store) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	v.Data = owned(v.Data)
	var rev int64
	err := s.file.Write(ctx, func(tx *sqlitefile.Tx) error {
		var err error
		if rev, err = nextRev(tx); err != nil {
			return err
		}
		var written int64
		if v.Rev == "" {
			written, err = tx.Exec(sqlSaveNew, v.Tenant, v.Name, rev, v.Data)
		} else {
			written, err = tx.Exec(sqlSave, rev, v.Data, v.Tenant, v.Name, parseRev(v.Rev))
		}
		if err == nil && written == 0 {
			return storage.ErrConflict
		}
		return err
	})
	if err != nil {
		return storage.Value{}, fmt.Errorf("sqlitestore: save %q: %w", v.Name, err)
	}
	v.Rev = formatRev(rev)
	return v, nil
}

// Delete implements storage.Values.
func (s *Store) Delete(ctx context.Context, tenant, name, rev string) error {
	err := s.file.Write(ctx, func(tx *sqlitefile.Tx) error {
		n, err := tx.Exec(sqlDelete, tenant, name, parseRev(rev))
		if err != nil || n > 0 {
			return err
		}
		var current int64
		there, err := tx.Get(sqlValueRev, []any{tenant, name}, &current)
		if err != nil {
			return err
		}
		if there {
			return storage.ErrConflict
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sqlitestore: delete %q: %w", name, err)
	}
	return nil
}

// Scan implements storage.Values.
func (s *Store) Scan(ctx context.Context, tenant, prefix, after string, limit int) (vs []storage.Value, next string, err error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	// One more than a page has tells whether there is another page.
	rows, err := s.file.Query(ctx, sqlScan, tenant, max(prefix, after), after == "", after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("sqlitestore: scan %q: %w", prefix, err)
	}
	defer rows.Close()
	for rows.Next() {
		v := storage.Value{Tenant: tenant}
		var rev int64
		if err := rows.Scan(&v.Name, &rev, &v.Data); err != nil {
			return nil, "", fmt.Errorf("sqlitestore: scan %q: %w", prefix, err)
		}
		if !strings.HasPrefix(v.Name, prefix) {
			break // in order, so nothing behind it has the prefix either
		}
		if len(vs) == limit {
			return vs, vs[limit-1].Name, nil
		}
		v.Rev = formatRev(rev)
		vs = append(vs, v)
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("sqlitestore: scan %q: %w", prefix, err)
	}
	return vs, "", nil
}
