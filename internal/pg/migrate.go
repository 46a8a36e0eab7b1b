package pg

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Migrate connects, brings the schema up to date, gives Config.Role what it
// needs, and closes again. It refuses a schema that a newer program wrote.
func Migrate(ctx context.Context, dsn string, config Config) error {
	db, err := connect(dsn, config)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.migrate(ctx); err != nil {
		return err
	}
	if config.Role == "" {
		return nil
	}
	err = db.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for _, grant := range config.Grants {
			statement := strings.ReplaceAll(db.SQL(grant), "{role}", pgx.Identifier{config.Role}.Sanitize())
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: grant schema %q to role %q: %w", config.Name, config.Schema, config.Role, err)
	}
	return nil
}

// migrate looks first and asks for a lock and for rights only where there is
// something to do, so that a role that may neither create nor alter can open a
// schema that another one prepared.
func (db *DB) migrate(ctx context.Context) error {
	var version int
	err := db.Do(ctx, func(ctx context.Context, q Querier) (err error) {
		version, err = db.version(ctx, q)
		return err
	})
	if err == nil {
		err = db.refuseNewer(version)
	}
	if err == nil && version < len(db.config.Migrations) {
		err = db.step(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: open schema %q: %w", db.config.Name, db.config.Schema, err)
	}
	return nil
}

func (db *DB) refuseNewer(version int) error {
	if known := len(db.config.Migrations); version > known {
		return fmt.Errorf("it has version %d and this program knows %d: a newer program wrote it; run that one", version, known)
	}
	return nil
}

// version returns how many migrations were done, 0 where there is nothing yet.
func (db *DB) version(ctx context.Context, q Querier) (int, error) {
	// Not to_regclass: behind an advisory lock it may still remember that there was nothing.
	var there bool
	err := q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2)`, db.config.Schema, db.config.Version).Scan(&there)
	if err != nil || !there {
		return 0, err
	}
	var version int
	err = q.QueryRow(ctx, `SELECT version FROM `+pgx.Identifier{db.config.Schema, db.config.Version}.Sanitize()).Scan(&version)
	return version, err
}

// step does the missing migrations in one transaction: all of them or none.
// Processes that open at the same time wait for one another. It takes as long
// as it takes, until ctx ends: an index over a large table is no fault.
func (db *DB) step(ctx context.Context) error {
	err := pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, db.lock()); err != nil {
			return err
		}
		version, err := db.version(ctx, tx) // again: another process may have been faster
		if err != nil {
			return err
		}
		if err := db.refuseNewer(version); err != nil {
			return err
		}
		if version == 0 {
			if err := db.create(ctx, tx); err != nil {
				return err
			}
		}
		for n := version; n < len(db.config.Migrations); n++ {
			if _, err := tx.Exec(ctx, db.SQL(db.config.Migrations[n])); err != nil {
				return fmt.Errorf("migration %d: %w", n+1, err)
			}
		}
		table := pgx.Identifier{db.config.Schema, db.config.Version}.Sanitize()
		_, err = tx.Exec(ctx, `UPDATE `+table+` SET version = $1`, len(db.config.Migrations))
		return err
	})
	if err != nil {
		return oneLine(err)
	}
	return nil
}

// create makes the schema, unless somebody who may did so before, and the
// table of the version.
func (db *DB) create(ctx context.Context, tx pgx.Tx) error {
	var there bool
	err := tx.QueryRow(ctx, `SELECT true FROM pg_namespace WHERE nspname = $1`, db.config.Schema).Scan(&there)
	if errors.Is(err, pgx.ErrNoRows) {
		_, err = tx.Exec(ctx, db.SQL(`CREATE SCHEMA {schema}`))
	}
	if err != nil {
		return err
	}
	table := pgx.Identifier{db.config.Schema, db.config.Version}.Sanitize()
	_, err = tx.Exec(ctx, `CREATE TABLE `+table+` (one bool PRIMARY KEY DEFAULT true CHECK (one), version int NOT NULL)`)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO `+table+` (version) VALUES (0)`)
	return err
}

// lock is the key of the advisory lock that orders migrations of one schema.
func (db *DB) lock() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("ml-connector/migrate/" + db.config.Schema)) // a hash never fails
	return int64(h.Sum64())
}
