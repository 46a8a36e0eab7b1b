package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/internal/pg"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Load implements storage.Values.
func (s *Store) Load(ctx context.Context, tenant, name string) (storage.Value, error) {
	v := storage.Value{Tenant: tenant, Name: name}
	var rev int64
	err := s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		return q.QueryRow(ctx, s.db.SQL(sqlLoad), []byte(tenant), []byte(name)).Scan(&rev, &v.Data)
	})
	if err != nil {
		return storage.Value{}, fmt.Errorf("pgstore: load %q: %w", name, orNotFound(err))
	}
	v.Rev = formatRev(rev)
	return v, nil
}

// Save implements storage.Values.
func (s *Store) Save(ctx context.Context, v storage.Value) (storage.Value, error) {
	v.Data = owned(v.Data)
	statement, args := s.db.SQL(sqlSaveNew), []any{[]byte(v.Tenant), []byte(v.Name), v.Data}
	if v.Rev != "" {
		statement, args = s.db.SQL(sqlSave), append(args, parseRev(v.Rev))
	}
	var rev int64
	err := s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		return q.QueryRow(ctx, statement, args...).Scan(&rev)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = storage.ErrConflict
	}
	if err != nil {
		return storage.Value{}, fmt.Errorf("pgstore: save %q: %w", v.Name, err)
	}
	v.Rev = formatRev(rev)
	return v, nil
}

// Delete implements storage.Values.
func (s *Store) Delete(ctx context.Context, tenant, name, rev string) error {
	err := s.remove(ctx, sqlDelete, sqlValueExists, parseRev(rev), []byte(tenant), []byte(name))
	if err != nil {
		return fmt.Errorf("pgstore: delete %q: %w", name, err)
	}
	return nil
}

// Scan implements storage.Values.
func (s *Store) Scan(ctx context.Context, tenant, prefix, after string, limit int) (vs []storage.Value, next string, err error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	// One more than a page has tells whether there is another page.
	statement, args := s.db.SQL(sqlScanToLast), []any{[]byte(tenant), []byte(prefix), []byte(after), limit + 1}
	if end := prefixEnd(prefix); end != nil {
		statement, args = s.db.SQL(sqlScan), append(args, end)
	}
	err = s.db.Do(ctx, func(ctx context.Context, q pg.Querier) error {
		rows, err := q.Query(ctx, statement, args...)
		if err != nil {
			return err
		}
		vs, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (storage.Value, error) {
			v := storage.Value{Tenant: tenant}
			var rev int64
			err := row.Scan((*text)(&v.Name), &rev, &v.Data)
			v.Rev = formatRev(rev)
			return v, err
		})
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("pgstore: scan %q: %w", prefix, err)
	}
	if len(vs) > limit {
		vs = vs[:limit]
		next = vs[limit-1].Name
	}
	return vs, next, nil
}
