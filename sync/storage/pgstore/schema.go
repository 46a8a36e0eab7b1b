package pgstore

// migrations lead from an empty schema to the present one. A step that was
// released is never changed; new ones are added behind it. A step must leave
// the programs before it working: while an installation is upgraded, both write.
var migrations = []string{
	`
-- One for rows and values, so that what is removed and made again cannot get an old one.
CREATE SEQUENCE {schema}.rev;

CREATE TABLE {schema}.transfers (
	tenant   bytea       NOT NULL,
	target   bytea       NOT NULL,
	document bytea       NOT NULL,
	rev      bigint      NOT NULL,
	flow     bytea       NOT NULL,
	queue    bytea       NOT NULL,
	due      timestamptz, -- null: never
	wakes    bigint      NOT NULL,
	hint     bytea       NOT NULL,
	state    bytea       NOT NULL,
	cause    bytea       NOT NULL,
	period   bytea       NOT NULL,
	format   bigint      NOT NULL,
	data     bytea       NOT NULL,
	PRIMARY KEY (tenant, target, document)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX transfers_due    ON {schema}.transfers (queue, due) WHERE due IS NOT NULL;
CREATE INDEX transfers_state  ON {schema}.transfers (tenant, state, target, document);
CREATE INDEX transfers_cause  ON {schema}.transfers (tenant, cause, state, target, document) WHERE cause <> '';
CREATE INDEX transfers_only_cause ON {schema}.transfers (tenant, cause, target, document) WHERE cause <> '';
CREATE INDEX transfers_period ON {schema}.transfers (tenant, period, target, document) WHERE period <> '';

-- "values" is a keyword
CREATE TABLE {schema}.small (
	tenant bytea  NOT NULL,
	name   bytea  NOT NULL,
	rev    bigint NOT NULL,
	data   bytea  NOT NULL,
	PRIMARY KEY (tenant, name)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE {schema}.contents (
	tenant bytea NOT NULL,
	name   bytea NOT NULL,
	data   bytea NOT NULL,
	PRIMARY KEY (tenant, name)
);
-- Sealed bytes do not compress; trying costs.
ALTER TABLE {schema}.contents ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE VIEW {schema}.transfers_text AS SELECT
	encode(tenant, 'escape') AS tenant, encode(target, 'escape') AS target, encode(document, 'escape') AS document, rev,
	encode(flow, 'escape') AS flow, encode(queue, 'escape') AS queue, due, wakes, encode(hint, 'escape') AS hint,
	encode(state, 'escape') AS state, encode(cause, 'escape') AS cause, encode(period, 'escape') AS period,
	format, octet_length(data) AS data_bytes
	FROM {schema}.transfers;
COMMENT ON VIEW {schema}.transfers_text IS 'for people: what stands as bytes in transfers; characters outside ASCII are escaped';
`,
}

// grants are what a role needs to work with a schema that another one owns.
var grants = []string{
	`GRANT USAGE ON SCHEMA {schema} TO {role}`,
	`GRANT SELECT ON {schema}.store_version, {schema}.transfers_text TO {role}`,
	`GRANT USAGE ON SEQUENCE {schema}.rev TO {role}`,
	`GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.transfers, {schema}.small, {schema}.contents TO {role}`,
}

// The ledger.
const (
	columns = `tenant, target, document, rev, flow, queue, due, wakes, hint, state, cause, period, format, data`

	sqlCreate = `INSERT INTO {schema}.transfers (` + columns + `)
		VALUES ($1, $2, $3, nextval('{schema}.rev'), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (tenant, target, document) DO NOTHING RETURNING rev`
	sqlUpdate = `UPDATE {schema}.transfers
		SET rev = nextval('{schema}.rev'), flow = $4, queue = $5, due = $6, wakes = $7, hint = $8, state = $9, cause = $10, period = $11, format = $12, data = $13
		WHERE tenant = $1 AND target = $2 AND document = $3 AND rev = $14 RETURNING rev`
	sqlPurge  = `DELETE FROM {schema}.transfers WHERE tenant = $1 AND target = $2 AND document = $3 AND rev = $4`
	sqlExists = `SELECT EXISTS (SELECT 1 FROM {schema}.transfers WHERE tenant = $1 AND target = $2 AND document = $3)`
	sqlGet    = `SELECT ` + columns + ` FROM {schema}.transfers WHERE tenant = $1 AND target = $2 AND document = $3`
	sqlDue    = `SELECT ` + columns + ` FROM {schema}.transfers WHERE queue = $1 AND due IS NOT NULL AND due <= $2 ORDER BY due LIMIT $3`
	// Jumps from queue to queue in the index instead of reading all due rows.
	sqlQueues = `WITH RECURSIVE q AS (
			(SELECT queue FROM {schema}.transfers WHERE due IS NOT NULL ORDER BY queue LIMIT 1)
			UNION ALL
			SELECT (SELECT t.queue FROM {schema}.transfers t WHERE t.due IS NOT NULL AND t.queue > q.queue ORDER BY t.queue LIMIT 1)
			FROM q WHERE q.queue IS NOT NULL
		)
		SELECT queue FROM q WHERE queue IS NOT NULL
			AND EXISTS (SELECT 1 FROM {schema}.transfers t WHERE t.queue = q.queue AND t.due IS NOT NULL AND t.due <= $1)
		ORDER BY queue`
)

// Values and contents.
const (
	sqlLoad        = `SELECT rev, data FROM {schema}.small WHERE tenant = $1 AND name = $2`
	sqlSaveNew     = `INSERT INTO {schema}.small (tenant, name, rev, data) VALUES ($1, $2, nextval('{schema}.rev'), $3) ON CONFLICT (tenant, name) DO NOTHING RETURNING rev`
	sqlSave        = `UPDATE {schema}.small SET rev = nextval('{schema}.rev'), data = $3 WHERE tenant = $1 AND name = $2 AND rev = $4 RETURNING rev`
	sqlDelete      = `DELETE FROM {schema}.small WHERE tenant = $1 AND name = $2 AND rev = $3`
	sqlValueExists = `SELECT EXISTS (SELECT 1 FROM {schema}.small WHERE tenant = $1 AND name = $2)`
	sqlScan        = `SELECT name, rev, data FROM {schema}.small WHERE tenant = $1 AND name >= $2 AND name > $3 AND name < $5 ORDER BY name LIMIT $4`
	sqlScanToLast  = `SELECT name, rev, data FROM {schema}.small WHERE tenant = $1 AND name >= $2 AND name > $3 ORDER BY name LIMIT $4`

	sqlPut     = `INSERT INTO {schema}.contents (tenant, name, data) VALUES ($1, $2, $3) ON CONFLICT (tenant, name) DO NOTHING`
	sqlSame    = `SELECT data = $3 FROM {schema}.contents WHERE tenant = $1 AND name = $2`
	sqlContent = `SELECT data FROM {schema}.contents WHERE tenant = $1 AND name = $2`
	sqlDrop    = `WITH seen AS (
			SELECT ctid AS place FROM {schema}.contents WHERE tenant = $1 AND name >= $2 AND name < $4 ORDER BY name LIMIT $3
		)` + sqlDropSeen
	sqlDropToLast = `WITH seen AS (
			SELECT ctid AS place FROM {schema}.contents WHERE tenant = $1 AND name >= $2 ORDER BY name LIMIT $3
		)` + sqlDropSeen
	// A content is never updated, so its place is its own as long as the statement runs. What was seen is counted and
	// not what was removed, since another Drop may remove some of it.
	sqlDropSeen = `, gone AS (
			DELETE FROM {schema}.contents WHERE ctid = ANY (ARRAY(SELECT place FROM seen))
		)
		SELECT count(*) FROM seen`
)
