package main

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // the driver that the audit log uses, too

	"github.com/ml-connector/ml-connector/audit"
)

// tamper FILE change|delete|reorder|forge SEQ does to an audit log what its
// triggers refuse, as somebody does who has the file: he removes them.
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: tamper file change|delete|reorder|forge seq")
	}
	seq, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	ctx := context.Background()
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	do := func(query string, values ...any) {
		_, err := db.ExecContext(ctx, query, values...)
		ts.Check(err)
	}
	for _, trigger := range []string{"records_in_order", "records_no_update", "records_no_delete"} {
		do("DROP TRIGGER " + trigger)
	}
	switch args[1] {
	case "change":
		do("UPDATE records SET actor = 'nobody' WHERE seq = ?", seq)
	case "delete":
		do("DELETE FROM records WHERE seq = ?", seq)
	case "reorder":
		do("UPDATE records SET seq = 1000000 WHERE seq = ?", seq)
		do("UPDATE records SET seq = ? WHERE seq = ?", seq, seq+1)
		do("UPDATE records SET seq = ? WHERE seq = 1000000", seq+1)
	case "forge":
		r := audit.Record{Seq: seq}
		var micros int64
		row := db.QueryRowContext(ctx, "SELECT tenant, time, id, actor, action, subject, outcome, reason, detail, sealed, prev FROM records WHERE seq = ?", seq)
		ts.Check(row.Scan(&r.Tenant, &micros, &r.ID, &r.Actor, &r.Action, &r.Subject, &r.Outcome, &r.Reason, (*[]byte)(&r.Detail), &r.Sealed, &r.Prev))
		r.Time, r.Actor = time.UnixMicro(micros).UTC(), "nobody"
		do("UPDATE records SET actor = ?, hash = ? WHERE seq = ?", r.Actor, audit.ChainHash(r), seq)
	default:
		ts.Fatalf("tamper: %s?", args[1])
	}
}
