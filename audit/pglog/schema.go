package pglog

// codeTaken is SQL's unique_violation: the primary key's, or the trigger's.
const codeTaken = "23505"

// migrations lead from an empty schema to the present one. A step that was
// released is never changed; new ones are added behind it. A step must leave
// the programs before it working: while an installation is upgraded, both write.
var migrations = []string{
	`
CREATE TABLE {schema}.records (
	tenant  bytea       NOT NULL,
	seq     bigint      NOT NULL CHECK (seq > 0),
	time    timestamptz NOT NULL,
	id      bytea       NOT NULL,
	actor   bytea       NOT NULL,
	action  bytea       NOT NULL,
	subject bytea       NOT NULL,
	outcome bytea       NOT NULL,
	reason  bytea       NOT NULL,
	detail  bytea       NOT NULL, -- JSON, byte for byte as it was hashed
	sealed  bytea       NOT NULL,
	prev    bytea       NOT NULL,
	hash    bytea       NOT NULL,
	PRIMARY KEY (tenant, seq)
);
-- Hashed, since a subject may be longer than an index takes.
CREATE INDEX records_subject ON {schema}.records (tenant, sha256(subject), seq);

CREATE FUNCTION {schema}.records_in_order() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
	highest bigint;
BEGIN
	SELECT coalesce(max(seq), 0) INTO highest FROM {schema}.records WHERE tenant = NEW.tenant;
	IF NEW.seq BETWEEN 1 AND highest THEN
		RAISE EXCEPTION 'audit record % is there already', NEW.seq USING ERRCODE = 'unique_violation';
	ELSIF NEW.seq <> highest + 1 THEN
		RAISE EXCEPTION 'the next audit record is number %, a record may not leave a gap', highest + 1;
	END IF;
	RETURN NEW;
END $body$;
CREATE TRIGGER records_in_order BEFORE INSERT ON {schema}.records FOR EACH ROW EXECUTE FUNCTION {schema}.records_in_order();

CREATE FUNCTION {schema}.records_stay() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
	RAISE EXCEPTION 'audit records are never changed or deleted';
END $body$;
CREATE TRIGGER records_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.records FOR EACH STATEMENT EXECUTE FUNCTION {schema}.records_stay();

-- Also where a session poses as a replica.
ALTER TABLE {schema}.records ENABLE ALWAYS TRIGGER records_in_order;
ALTER TABLE {schema}.records ENABLE ALWAYS TRIGGER records_stay;
REVOKE UPDATE, DELETE, TRUNCATE ON {schema}.records FROM PUBLIC, CURRENT_USER;

CREATE VIEW {schema}.records_text AS SELECT
	encode(tenant, 'escape') AS tenant, seq, time, encode(id, 'escape') AS id, encode(actor, 'escape') AS actor,
	encode(action, 'escape') AS action, encode(subject, 'escape') AS subject, encode(outcome, 'escape') AS outcome,
	encode(reason, 'escape') AS reason, encode(detail, 'escape') AS detail, octet_length(sealed) AS sealed_bytes,
	encode(prev, 'escape') AS prev, encode(hash, 'escape') AS hash
	FROM {schema}.records;
COMMENT ON VIEW {schema}.records_text IS 'for people: what stands as bytes in records; characters outside ASCII are escaped';
-- A view that only renames columns could be written through.
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {schema}.records_text FROM PUBLIC, CURRENT_USER;
`,
}

// grants are what the program's role needs; what it could change with is taken
// from it, should it have been given before.
var grants = []string{
	`GRANT USAGE ON SCHEMA {schema} TO {role}`,
	`GRANT SELECT ON {schema}.audit_version, {schema}.records_text TO {role}`,
	`GRANT SELECT, INSERT ON {schema}.records TO {role}`,
	`REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {schema}.records FROM {role}`,
	`REVOKE CREATE ON SCHEMA {schema} FROM {role}`,
}

const (
	columns = `tenant, seq, time, id, actor, action, subject, outcome, reason, detail, sealed, prev, hash`

	sqlAppend = `INSERT INTO {schema}.records (` + columns + `)
		SELECT $1::bytea, r.seq, r.time, r.id, r.actor, r.action, r.subject, r.outcome, r.reason, r.detail, r.sealed, r.prev, r.hash FROM unnest($2::bigint[], $3::timestamptz[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[],
			$10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[]) WITH ORDINALITY AS r (seq, time, id, actor, action, subject, outcome, reason, detail, sealed, prev, hash, ordinal)
		ORDER BY r.ordinal`
	sqlLast    = `SELECT ` + columns + ` FROM {schema}.records WHERE tenant = $1 ORDER BY seq DESC LIMIT 1`
	sqlRead    = `SELECT ` + columns + ` FROM {schema}.records WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3`
	sqlSubject = `SELECT ` + columns + ` FROM {schema}.records WHERE tenant = $1 AND seq > $2 AND sha256(subject) = sha256($4) AND subject = $4 ORDER BY seq LIMIT $3`
)
