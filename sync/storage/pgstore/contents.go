package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/internal/pg"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// dropStep is how many contents one transaction drops, so that none becomes
// long.
const dropStep = 500

// Put implements storage.Contents.
func (s *Store) Put(ctx context.Context, tenant, name string, data []byte) error {
	if data == nil {
		data = []byte{}
	}
	same := true
	err := s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		for {
			tag, err := q.Exec(ctx, s.db.SQL(sqlPut), []byte(tenant), []byte(name), data)
			if err != nil || tag.RowsAffected() > 0 {
				return err
			}
			err = q.QueryRow(ctx, s.db.SQL(sqlSame), []byte(tenant), []byte(name), data).Scan(&same)
			if !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			// It was dropped between the two, so the name is free.
		}
	})
	if err == nil && !same {
		err = storage.ErrExists
	}
	if err != nil {
		return fmt.Errorf("pgstore: put %q: %w", name, err)
	}
	return nil
}

// Read implements storage.Contents.
func (s *Store) Read(ctx context.Context, tenant, name string) ([]byte, error) {
	var data []byte
	err := s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		return q.QueryRow(ctx, s.db.SQL(sqlContent), []byte(tenant), []byte(name)).Scan(&data)
	})
	if err != nil {
		return nil, fmt.Errorf("pgstore: read %q: %w", name, orNotFound(err))
	}
	return data, nil
}

// Drop implements storage.Contents, a few hundred contents at a time.
func (s *Store) Drop(ctx context.Context, tenant, prefix string) error {
	if prefix == "" {
		return errors.New("pgstore: drop: an empty prefix would remove everything of the tenant")
	}
	statement, args := s.db.SQL(sqlDropToLast), []any{[]byte(tenant), []byte(prefix), dropStep}
	if end := prefixEnd(prefix); end != nil {
		statement, args = s.db.SQL(sqlDrop), append(args, end)
	}
	for {
		var seen int
		err := s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
			return q.QueryRow(ctx, statement, args...).Scan(&seen)
		})
		if err != nil {
			return fmt.Errorf("pgstore: drop %q: %w", prefix, err)
		}
		if seen < dropStep {
			return nil
		}
	}
}
