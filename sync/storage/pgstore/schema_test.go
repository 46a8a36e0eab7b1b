package pgstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/pgstore"
)

func TestASchemaOfANewerProgramIsRefused(t *testing.T) {
	dsn := pgtest.Database(t)
	s := open(t, dsn, nil)
	require.NoError(t, s.Close())
	pgtest.Exec(t, dsn, `UPDATE ml_connector.store_version SET version = version + 1`)
	_, err := pgstore.Open(t.Context(), dsn, nil)
	require.ErrorContains(t, err, "a newer program wrote it; run that one")
}

func TestInstallationsInOneDatabaseAreApart(t *testing.T) {
	dsn := pgtest.Database(t)
	one, two := open(t, dsn, nil), open(t, dsn, &pgstore.Options{Schema: `other"; DROP SCHEMA ml_connector; --`})
	_, err := one.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
	_, err = two.Get(t.Context(), transfer("1").ID)
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = two.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
}

func TestNulAndInvalidCharactersAreKept(t *testing.T) {
	s := open(t, pgtest.Database(t), nil)
	for _, name := range []string{"\x00", "a\x00", "a\x00b", "a", "\xff", "a\xc3", `\x00`, `\000`} {
		tr := transfer(name)
		tr.Tenant, tr.Target, tr.Queue, tr.State, tr.Cause, tr.Period, tr.Hint, tr.Flow = name, name, name, name, name, name, name, name
		want, err := s.Create(t.Context(), tr)
		require.NoError(t, err)
		got, err := s.Get(t.Context(), tr.ID)
		require.NoError(t, err)
		require.Equal(t, want.ID, got.ID)
		due, err := s.Due(t.Context(), name, tr.Due, 10)
		require.NoError(t, err)
		require.Len(t, due, 1, "%q", name)
		page, err := s.List(t.Context(), storage.Query{Tenant: name, Target: name, State: name, Cause: name, Period: name})
		require.NoError(t, err)
		require.Len(t, page.Transfers, 1)
		require.NoError(t, s.Put(t.Context(), name, name, []byte(name)))
		_, err = s.Save(t.Context(), storage.Value{Tenant: name, Name: name})
		require.NoError(t, err)
		vs, _, err := s.Scan(t.Context(), name, name, "", 0)
		require.NoError(t, err)
		require.Len(t, vs, 1)
	}
}

func TestPeopleCanReadTheLedger(t *testing.T) {
	dsn := pgtest.Database(t)
	s := open(t, dsn, nil)
	tr := transfer("report/A1B2\x00ü")
	tr.State, tr.Data = "parked", []byte("12345")
	_, err := s.Create(t.Context(), tr)
	require.NoError(t, err)
	require.Equal(t, 1, count(t, dsn, `SELECT count(*) FROM ml_connector.transfers_text
		WHERE tenant = 'acme' AND target = 'epicor-ap' AND document = E'report/A1B2\\000\\303\\274' AND state = 'parked' AND data_bytes = 5`))
}

func TestARoleWithoutRightsToCreateWorksInASchemaPreparedForIt(t *testing.T) {
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, `CREATE ROLE worker LOGIN`) // all databases of the server share it
	t.Cleanup(func() {
		pgtest.Exec(t, dsn, `DROP OWNED BY worker CASCADE`)
		pgtest.Exec(t, dsn, `DROP ROLE worker`)
	})
	as := strings.Replace(dsn, "user=test", "user=worker", 1)
	_, err := pgstore.Open(t.Context(), as, nil)
	require.ErrorContains(t, err, "permission denied", "it may not create the schema")
	for range 2 { // it may be repeated
		require.NoError(t, pgstore.Migrate(t.Context(), dsn, &pgstore.Options{Role: "worker"}))
	}
	s := open(t, as, nil)
	tr, err := s.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
	tr, err = s.Update(t.Context(), tr)
	require.NoError(t, err)
	require.NoError(t, s.Purge(t.Context(), tr.ID, tr.Rev))
	v, err := s.Save(t.Context(), storage.Value{Tenant: "acme", Name: "a"})
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), "acme", "a", v.Rev))
	require.NoError(t, s.Put(t.Context(), "acme", "a", []byte("a")))
	require.NoError(t, s.Drop(t.Context(), "acme", "a"))
}

func TestDropOfManyContents(t *testing.T) {
	dsn := pgtest.Database(t)
	s := open(t, dsn, nil)
	pgtest.Exec(t, dsn, `INSERT INTO ml_connector.contents SELECT 'acme', convert_to('doc/' || n, 'UTF8'), 'x' FROM generate_series(1, 1700) n`)
	require.NoError(t, s.Put(t.Context(), "acme", "document", []byte("stays")))
	done := make(chan error, 2)
	for range 2 { // also when two drop the same
		go func() { done <- s.Drop(t.Context(), "acme", "doc/") }()
	}
	for range 2 {
		require.NoError(t, <-done)
	}
	require.Equal(t, 1, count(t, dsn, `SELECT count(*) FROM ml_connector.contents`))
}

func TestAWriteBehindALockThatNobodyReleasesFailsInTime(t *testing.T) {
	dsn := pgtest.Database(t)
	patient := open(t, dsn, nil) // what must succeed is not hurried
	tr, err := patient.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
	s := open(t, dsn, &pgstore.Options{StatementTimeout: 2 * time.Second})
	hold(t, dsn, func() {
		_, err = s.Update(t.Context(), tr)
	})
	require.ErrorContains(t, err, "statement timeout")
	require.NotErrorIs(t, err, storage.ErrConflict)
	_, err = patient.Update(t.Context(), tr)
	require.NoError(t, err)
}
