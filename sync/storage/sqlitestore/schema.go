package sqlitestore

// application marks the file as a ledger ("MLcl" in ASCII).
const application = 0x4d4c636c

// migrations lead from an empty file to the present schema. A step that was
// released is never changed; new ones are added behind it.
var migrations = []string{
	`
CREATE TABLE counter (
	id  INTEGER PRIMARY KEY CHECK (id = 1),
	rev INTEGER NOT NULL -- the last one given out, for rows and values alike
) STRICT;
INSERT INTO counter VALUES (1, 0);

CREATE TABLE transfers (
	tenant   TEXT    NOT NULL,
	target   TEXT    NOT NULL,
	document TEXT    NOT NULL,
	rev      INTEGER NOT NULL,
	flow     TEXT    NOT NULL,
	queue    TEXT    NOT NULL,
	due      INTEGER, -- microseconds since 1970 UTC; NULL: never
	wakes    INTEGER NOT NULL,
	hint     TEXT    NOT NULL,
	state    TEXT    NOT NULL,
	cause    TEXT    NOT NULL,
	period   TEXT    NOT NULL,
	format   INTEGER NOT NULL,
	data     BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX transfers_id     ON transfers (tenant, target, document);
CREATE        INDEX transfers_due    ON transfers (queue, due) WHERE due IS NOT NULL;
CREATE        INDEX transfers_state  ON transfers (tenant, state, target, document);
CREATE        INDEX transfers_cause  ON transfers (tenant, cause, state, target, document) WHERE cause <> '';
CREATE        INDEX transfers_only_cause ON transfers (tenant, cause, target, document) WHERE cause <> '';
CREATE        INDEX transfers_period ON transfers (tenant, period, target, document) WHERE period <> '';

-- "values" is a keyword
CREATE TABLE small (
	tenant TEXT    NOT NULL,
	name   TEXT    NOT NULL,
	rev    INTEGER NOT NULL,
	data   BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX small_name ON small (tenant, name);

CREATE TABLE contents (
	tenant TEXT NOT NULL,
	name   TEXT NOT NULL,
	data   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX contents_name ON contents (tenant, name);
`,
}

// The counter, as sqlitefile's Tx.Next wants it.
const (
	sqlLastRev = `SELECT rev FROM counter WHERE id = 1`
	sqlKeepRev = `UPDATE counter SET rev = ? WHERE id = 1`
)

// The ledger.
const (
	columns = `tenant, target, document, rev, flow, queue, due, wakes, hint, state, cause, period, format, data`

	sqlCreate = `INSERT INTO transfers (` + columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	sqlExists = `SELECT 1 FROM transfers WHERE tenant = ? AND target = ? AND document = ?`
	sqlOld    = `SELECT rev, queue, due, state, cause, period FROM transfers WHERE tenant = ? AND target = ? AND document = ?`
	// SQLite writes an index anew when one of its columns is named, changed or not;
	// most updates change few of them.
	sqlUpdate      = `UPDATE transfers SET rev = ?, flow = ?, wakes = ?, hint = ?, format = ?, data = ?`
	sqlUpdateDue   = `, queue = ?, due = ?`
	sqlUpdateState = `, state = ?, cause = ?, period = ?`
	sqlUpdateRow   = ` WHERE tenant = ? AND target = ? AND document = ? AND rev = ?`

	sqlPurge = `DELETE FROM transfers WHERE tenant = ? AND target = ? AND document = ? AND rev = ?`
	sqlGet   = `SELECT ` + columns + ` FROM transfers WHERE tenant = ? AND target = ? AND document = ?`
	sqlDue   = `SELECT ` + columns + ` FROM transfers INDEXED BY transfers_due
		WHERE queue = ? AND due IS NOT NULL AND due <= ? ORDER BY due LIMIT ?`
	// Jumps from queue to queue in the index instead of reading all due rows.
	sqlQueues = `WITH RECURSIVE q (queue) AS (
			SELECT min(queue) FROM transfers INDEXED BY transfers_due WHERE due IS NOT NULL
			UNION ALL
			SELECT (SELECT min(t.queue) FROM transfers t INDEXED BY transfers_due WHERE t.due IS NOT NULL AND t.queue > q.queue)
			FROM q WHERE q.queue IS NOT NULL
		)
		SELECT queue FROM q WHERE queue IS NOT NULL
			AND EXISTS (SELECT 1 FROM transfers t INDEXED BY transfers_due WHERE t.queue = q.queue AND t.due IS NOT NULL AND t.due <= ?)`
)

// Values and contents.
const (
	sqlLoad       = `SELECT rev, data FROM small WHERE tenant = ? AND name = ?`
	sqlValueRev   = `SELECT rev FROM small WHERE tenant = ? AND name = ?`
	sqlSaveNew    = `INSERT INTO small (tenant, name, rev, data) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
	sqlSave       = `UPDATE small SET rev = ?, data = ? WHERE tenant = ? AND name = ? AND rev = ?`
	sqlDelete     = `DELETE FROM small WHERE tenant = ? AND name = ? AND rev = ?`
	sqlScan       = `SELECT name, rev, data FROM small WHERE tenant = ? AND name >= ? AND (? OR name > ?) ORDER BY name LIMIT ?`
	sqlPut        = `INSERT INTO contents (tenant, name, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
	sqlContent    = `SELECT data FROM contents WHERE tenant = ? AND name = ?`
	sqlDrop       = `DELETE FROM contents WHERE rowid IN (SELECT rowid FROM contents WHERE tenant = ? AND name >= ? AND name < ? LIMIT ?)`
	sqlDropToLast = `DELETE FROM contents WHERE rowid IN (SELECT rowid FROM contents WHERE tenant = ? AND name >= ? LIMIT ?)`
)
