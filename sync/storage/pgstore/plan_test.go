package pgstore

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/internal/pg"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// A query that looks at every row is slow only where there are many, which is
// in production. So the planner is asked, with enough rows to have a choice.
func TestEveryQueryIsFoundByAnIndex(t *testing.T) {
	s, err := Open(t.Context(), pgtest.Database(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	do := func(f func(ctx context.Context, q pg.Querier) error) {
		t.Helper()
		require.NoError(t, s.db.Do(t.Context(), f))
	}
	// Nearly all rows are confirmed and never due, as in a ledger of some age.
	do(func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, s.db.SQL(`INSERT INTO {schema}.transfers
			SELECT 'acme', convert_to('t' || n % 2, 'UTF8'), convert_to(md5(n::text), 'UTF8'), nextval('{schema}.rev'), 'f',
				convert_to('q' || n % 4, 'UTF8'), CASE WHEN n % 50 = 0 THEN timestamptz '2026-01-01' + n * interval '1 s' END, 0, '',
				CASE WHEN n % 200 = 0 THEN 'parked'::bytea ELSE 'confirmed' END, CASE WHEN n % 200 = 0 THEN 'vendor_missing'::bytea ELSE '' END,
				convert_to('2026-' || n % 12, 'UTF8'), 1, '{}'
			FROM generate_series(1, 20000) n`))
		return err
	})
	do(func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, s.db.SQL(`INSERT INTO {schema}.small SELECT 'acme', convert_to('v' || n, 'UTF8'), n, '' FROM generate_series(1, 5000) n`))
		return err
	})
	do(func(ctx context.Context, q pg.Querier) error {
		_, err := q.Exec(ctx, s.db.SQL(`INSERT INTO {schema}.contents SELECT 'acme', convert_to('v' || n, 'UTF8'), '' FROM generate_series(1, 5000) n`))
		return err
	})
	do(func(ctx context.Context, q pg.Querier) error { _, err := q.Exec(ctx, `ANALYZE`); return err })

	b := func(text string) []byte { return []byte(text) }
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	type query struct {
		name, index, sql string
		args             []any
	}
	queries := []query{
		{"Get", "transfers_pkey", sqlGet, []any{b("acme"), b("t1"), b("x")}},
		{"Due", "transfers_due", sqlDue, []any{b("q2"), now, 10}},
		{"Queues", "transfers_due", sqlQueues, []any{now}},
		{"Load", "small_pkey", sqlLoad, []any{b("acme"), b("v7")}},
		{"Scan", "small_pkey", sqlScan, []any{b("acme"), b("v7"), b(""), 101, b("v8")}},
		{"Scan of all", "small_pkey", sqlScanToLast, []any{b("acme"), b(""), b("v7"), 101}},
		{"Read", "contents_pkey", sqlContent, []any{b("acme"), b("v7")}},
		{"Drop", "contents_pkey", sqlDrop, []any{b("acme"), b("v77"), dropStep, b("v78")}},
		{"Drop to the last", "contents_pkey", sqlDropToLast, []any{b("acme"), b("\xff"), dropStep}},
	}
	for name, want := range map[string]struct {
		index string
		q     storage.Query
	}{
		"List of a tenant":      {"transfers_pkey", storage.Query{}},
		"List of a target":      {"transfers_pkey", storage.Query{Target: "t1"}},
		"List by state":         {"transfers_state", storage.Query{State: "parked"}},
		"List by state, page 2": {"transfers_state", storage.Query{State: "parked", After: encodeCursor("t1", "5")}},
		"List by cause":         {"transfers_only_cause", storage.Query{Cause: "vendor_missing"}},
		"List by state, cause":  {"cause", storage.Query{State: "parked", Cause: "vendor_missing"}},
		"List by period":        {"transfers_period", storage.Query{Period: "2026-7"}},
	} {
		want.q.Tenant, want.q.Limit = "acme", 100
		target, document, err := decodeCursor(want.q.After)
		require.NoError(t, err)
		text, args := listQuery(want.q, target, document)
		queries = append(queries, query{name, want.index, text, args})
	}
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			for _, mode := range []string{"force_custom_plan", "force_generic_plan"} { // as for the first calls, and later
				plan := explain(t, s, mode, q.sql, q.args)
				require.Contains(t, plan, q.index, mode)
				require.NotContains(t, plan, "Seq Scan on transfers", mode)
				require.NotContains(t, plan, "Seq Scan on small", mode)
				require.NotContains(t, plan, "Seq Scan on contents", mode)
			}
		})
	}
}

// explain returns the plan of a prepared statement, as the driver prepares all.
func explain(t *testing.T, s *Store, mode, sql string, args []any) string {
	t.Helper()
	literals := make([]string, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case []byte:
			literals[i] = fmt.Sprintf(`'\x%x'`, arg)
		case time.Time:
			literals[i] = "'" + arg.Format(time.RFC3339Nano) + "'"
		default:
			literals[i] = fmt.Sprint(arg)
		}
	}
	execute := "EXPLAIN EXECUTE query"
	if len(literals) > 0 {
		execute += "(" + strings.Join(literals, ", ") + ")"
	}
	var lines []string
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL plan_cache_mode = `+mode+`; PREPARE query AS `+s.db.SQL(sql)); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, execute, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return err
		}
		if lines, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DEALLOCATE query`)
		return err
	}))
	return strings.Join(lines, "\n")
}
