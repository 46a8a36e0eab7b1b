package pglog_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/audittest"
	"github.com/ml-connector/ml-connector/audit/pglog"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T, dsn string, opts *pglog.Options) *pglog.Log {
	t.Helper()
	l, err := pglog.Open(t.Context(), dsn, opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() }) // closed twice where the test closed it
	return l
}

func TestLogKeepsTheContract(t *testing.T) {
	dsn := pgtest.Database(t)
	var n atomic.Int64
	type place struct {
		log    *pglog.Log
		schema string
	}
	places := map[audit.Log]place{}
	audittest.Run(t, func(t *testing.T) audit.Log {
		schema := fmt.Sprintf("rule %d", n.Add(1))
		l := open(t, dsn, &pglog.Options{Schema: schema})
		places[l] = place{l, schema}
		return l
	}, &audittest.Options{
		Reopen: func(t *testing.T, l audit.Log) audit.Log {
			require.NoError(t, places[l].log.Close())
			return open(t, dsn, &pglog.Options{Schema: places[l].schema})
		},
	})
}

// role makes a role, which all databases of the server share, and removes it with
// all that it owns when the test ends.
func role(t *testing.T, dsn, name string) {
	t.Helper()
	pgtest.Exec(t, dsn, `CREATE ROLE `+name+` LOGIN`)
	t.Cleanup(func() {
		pgtest.Exec(t, dsn, `DROP OWNED BY `+name+` CASCADE`)
		pgtest.Exec(t, dsn, `DROP ROLE `+name)
	})
}

// written returns a database with n records of two tenants each.
func written(t *testing.T, n int) string {
	t.Helper()
	dsn := pgtest.Database(t)
	trail := audit.NewTrail(open(t, dsn, nil), nil)
	for i := range n {
		for _, tenant := range []string{"acme", "globex"} {
			require.NoError(t, trail.Append(t.Context(), audit.Record{
				Tenant: tenant, ID: fmt.Sprintf("deliver/%d", i), Actor: "engine", Action: "deliver", Subject: "report A1",
				Outcome: "posted", Reason: "approved", Detail: []byte(`{"number":"INV-1"}`), Sealed: []byte{1, 2, 3},
			}))
		}
	}
	return dsn
}

// attempts are what would rewrite history.
var attempts = []string{
	`UPDATE ml_connector_audit.records SET actor = 'x'`,
	`UPDATE ml_connector_audit.records SET actor = actor WHERE seq = 1`,
	`UPDATE ml_connector_audit.records SET actor = 'x' WHERE false`,
	`DELETE FROM ml_connector_audit.records`,
	`DELETE FROM ml_connector_audit.records WHERE seq = 2`,
	`TRUNCATE ml_connector_audit.records`,
	`INSERT INTO ml_connector_audit.records SELECT * FROM ml_connector_audit.records WHERE seq = 1 ON CONFLICT (tenant, seq) DO UPDATE SET actor = 'x'`,
	`MERGE INTO ml_connector_audit.records r USING (SELECT 1) s ON r.seq = 1 WHEN MATCHED THEN DELETE`,
	`UPDATE ml_connector_audit.records_text SET seq = 9`,
	`DELETE FROM ml_connector_audit.records_text`,
}

func refused(t *testing.T, dsn string, statements []string, why string) {
	t.Helper()
	conn := pgtest.Connect(t, dsn)
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.Error(t, err, statement)
		require.Regexp(t, why, err.Error(), statement)
	}
	last, err := audit.NewTrail(open(t, dsn, nil), nil).Verify(t.Context(), "acme")
	require.NoError(t, err)
	require.EqualValues(t, 2, last)
}

func TestTheProgramsRoleCanNeitherChangeNorDeleteRecords(t *testing.T) {
	dsn := written(t, 2)
	role(t, dsn, "auditor")
	pgtest.Exec(t, dsn, `GRANT ALL ON SCHEMA ml_connector_audit TO auditor`)
	pgtest.Exec(t, dsn, `GRANT ALL ON ml_connector_audit.records TO auditor`) // given by mistake
	require.NoError(t, pglog.Migrate(t.Context(), dsn, &pglog.Options{Role: "auditor"}))
	as := strings.Replace(dsn, "user=test", "user=auditor", 1)
	refused(t, as, append([]string{
		`ALTER TABLE ml_connector_audit.records DISABLE TRIGGER ALL`,
		`DROP TRIGGER records_stay ON ml_connector_audit.records`,
		`CREATE OR REPLACE FUNCTION ml_connector_audit.records_stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
		`CREATE TRIGGER early BEFORE INSERT ON ml_connector_audit.records FOR EACH ROW EXECUTE FUNCTION ml_connector_audit.records_stay()`,
		`DROP TABLE ml_connector_audit.records`,
		`DROP SCHEMA ml_connector_audit CASCADE`,
		`SET session_replication_role = replica`,
		`CREATE TABLE ml_connector_audit.mine ()`,
		`UPDATE ml_connector_audit.audit_version SET version = 0`,
	}, attempts...), `permission denied|must be owner`)
	require.NoError(t, audit.NewTrail(open(t, as, nil), nil).Append(t.Context(), audit.Record{Tenant: "acme", Action: "x"}), "it adds records")
}

// The owner here is a superuser, whom no right is denied: the triggers alone hold.
func TestTheOwnerCannotChangeRecordsByOneStatement(t *testing.T) {
	refused(t, written(t, 2), attempts, `never changed or deleted|is there already`)
}

func TestAnOwnerThatIsNoSuperuserHasNoRightToChange(t *testing.T) {
	dsn := pgtest.Database(t)
	role(t, dsn, "keeper")
	pgtest.Exec(t, dsn, `CREATE SCHEMA ml_connector_audit AUTHORIZATION keeper`)
	as := strings.Replace(dsn, "user=test", "user=keeper", 1)
	trail := audit.NewTrail(open(t, as, nil), nil)
	for range 2 {
		require.NoError(t, trail.Append(t.Context(), audit.Record{Tenant: "acme", Action: "x"}))
	}
	refused(t, as, attempts, `permission denied`)
}

func TestASessionThatPosesAsAReplicaIsRefusedToo(t *testing.T) {
	dsn := written(t, 2)
	conn := pgtest.Connect(t, dsn)
	_, err := conn.Exec(t.Context(), `SET session_replication_role = replica`)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `DELETE FROM ml_connector_audit.records`)
	require.ErrorContains(t, err, "never changed or deleted")
}

func TestAppendRefusesAGap(t *testing.T) {
	l := open(t, pgtest.Database(t), nil)
	err := l.Append(t.Context(), []audit.Record{{Tenant: "acme", Seq: 2, Time: time.Now(), Action: "x"}})
	require.ErrorContains(t, err, "may not leave a gap")
	require.NotErrorIs(t, err, audit.ErrConflict)
	_, err = l.Last(t.Context(), "acme")
	require.ErrorIs(t, err, audit.ErrNotFound)
}

func TestVerifyFindsEveryChangedColumnOfEveryRecord(t *testing.T) {
	const n = 4
	dsn := written(t, n)
	conn := pgtest.Connect(t, dsn)
	rows, err := conn.Query(t.Context(), `SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'ml_connector_audit' AND table_name = 'records'`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Len(t, names, 13)
	pgtest.Exec(t, dsn, `ALTER TABLE ml_connector_audit.records DISABLE TRIGGER ALL`) // as an owner might
	trail := audit.NewTrail(open(t, dsn, nil), nil)
	for _, name := range names {
		change := `overlay(` + name + ` placing 'z' from 1)`
		switch name {
		case "tenant":
			change = `'nobody'::bytea`
		case "seq":
			change = `seq + 100`
		case "time":
			change = `time + interval '1 microsecond'`
		}
		for seq := 1; seq <= n; seq++ {
			pgtest.Exec(t, dsn, `CREATE TABLE public.before AS SELECT * FROM ml_connector_audit.records`)
			pgtest.Exec(t, dsn, `UPDATE ml_connector_audit.records SET `+name+` = `+change+` WHERE tenant = 'acme' AND seq = $1`, seq)
			last, err := trail.Verify(t.Context(), "acme")
			if name == "tenant" && seq == n { // the newest record cut off: a chain alone cannot show it
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, audit.ErrBroken, "%s of record %d", name, seq)
			}
			require.EqualValues(t, seq-1, last)
			pgtest.Exec(t, dsn, `TRUNCATE ml_connector_audit.records`)
			pgtest.Exec(t, dsn, `INSERT INTO ml_connector_audit.records SELECT * FROM public.before`)
			pgtest.Exec(t, dsn, `DROP TABLE public.before`)
		}
	}
	last, err := trail.Verify(t.Context(), "acme")
	require.NoError(t, err)
	require.EqualValues(t, n, last)
}

func TestProcessesOnOneDatabaseMakeOneChainThroughARestart(t *testing.T) {
	server := pgtest.Start(t)
	dsn := server.Database(t, "audit")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var group errgroup.Group
	var confirmed atomic.Int64
	restarted := make(chan struct{})
	for i := range 4 {
		trail := audit.NewTrail(open(t, dsn, nil), nil)
		group.Go(func() error {
			pause := time.NewTicker(5 * time.Millisecond)
			defer pause.Stop()
			for n, after := 0, 0; after < 10; n++ {
				select {
				case <-restarted:
					after++
				default:
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-pause.C:
				}
				if trail.Append(ctx, audit.Record{Tenant: "acme", ID: fmt.Sprintf("%d/%d", i, n), Action: "x"}) == nil {
					confirmed.Add(1)
				}
			}
			return nil
		})
	}
	require.Eventually(t, func() bool { return confirmed.Load() > 40 }, 2*time.Minute, 5*time.Millisecond)
	server.Crash(t)
	server.Run(t)
	close(restarted)
	require.NoError(t, group.Wait())
	last, err := audit.NewTrail(open(t, dsn, nil), nil).Verify(t.Context(), "acme")
	require.NoError(t, err)
	require.GreaterOrEqual(t, last, confirmed.Load(), "what was confirmed is there")
}

func TestALongSubjectIsFound(t *testing.T) {
	l := open(t, pgtest.Database(t), nil)
	subject := strings.Repeat("report ", 2000) + "\x00"
	require.NoError(t, audit.NewTrail(l, nil).Append(t.Context(), audit.Record{Tenant: "acme", Action: "x", Subject: subject}))
	rs, _, err := l.Read(t.Context(), audit.Query{Tenant: "acme", Subject: subject})
	require.NoError(t, err)
	require.Len(t, rs, 1)
}
