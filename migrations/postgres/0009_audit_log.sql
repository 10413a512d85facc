-- Who did what: administration and deletes. `actor` is the id of a key, or `command_line`. Rows are added in the transaction
-- of what they tell of, never changed, and removed only when they are older than they have to be kept.
CREATE TABLE audit_log (
    id           TEXT COLLATE "C" PRIMARY KEY,
    actor        TEXT COLLATE "C" NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C",
    object_id    TEXT COLLATE "C" NOT NULL,
    address      TEXT COLLATE "C",
    request_id   TEXT COLLATE "C",
    details      TEXT COLLATE "C"
);

CREATE INDEX audit_log_by_workspace ON audit_log (workspace_id, id);

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;

CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
