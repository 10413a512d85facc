-- Who did what: administration and deletes. `actor` is the id of a key, or `command_line`. Rows are added in the transaction
-- of what they tell of, never changed, and removed only when they are older than they have to be kept.
CREATE TABLE audit_log (
    id           TEXT PRIMARY KEY,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    workspace_id TEXT,
    object_id    TEXT NOT NULL,
    address      TEXT,
    request_id   TEXT,
    details      TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_log_by_workspace ON audit_log (workspace_id, id);

CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
