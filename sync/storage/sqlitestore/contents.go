package sqlitestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/internal/sqlitefile"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// dropStep is how many contents one transaction drops, so that other writers
// get their turn in between.
const dropStep = 500

// Put implements storage.Contents.
func (s *Store) Put(ctx context.Context, tenant, name string, data []byte) error {
	data = owned(data)
	err := s.file.Write(ctx, func(tx *sqlitefile.Tx) error {
		written, err := tx.Exec(sqlPut, tenant, name, data)
		if err != nil || written > 0 {
			return err
		}
		var old []byte
		if _, err := tx.Get(sqlContent, []any{tenant, name}, &old); err != nil {
			return err
		}
		if !bytes.Equal(old, data) {
			return storage.ErrExists
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sqlitestore: put %q: %w", name, err)
	}
	return nil
}

// Read implements storage.Contents.
func (s *Store) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	var data []byte
	err := s.file.Get(ctx, sqlContent, []any{tenant, name}, &data)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: read %q: %w", name, orNotFound(err))
	}
	return data, nil
}

// Drop implements storage.Contents, a few hundred contents at a time.
func (s *Store) Drop(ctx context.Context, tenant, prefix string) error {
	if prefix == "" {
		return errors.New("sqlitestore: drop: an empty prefix would remove everything of the tenant")
	}
	end, bounded := prefixEnd(prefix)
	for {
		var n int64
		err := s.file.Write(ctx, func(tx *sqlitefile.Tx) (err error) {
			if bounded {
				n, err = tx.Exec(sqlDrop, tenant, prefix, end, dropStep)
			} else {
				n, err = tx.Exec(sqlDropToLast, tenant, prefix, dropStep)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("sqlitestore: drop %q: %w", prefix, err)
		}
		if n < dropStep {
			return nil
		}
	}
}
