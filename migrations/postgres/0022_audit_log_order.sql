-- The audit log in the order in which it is read, all of it and that of one workspace, and the entries without a number.
CREATE UNIQUE INDEX CONCURRENTLY audit_log_by_seq ON audit_log (seq);
CREATE INDEX CONCURRENTLY audit_log_by_workspace_and_seq ON audit_log (workspace_id, seq);
CREATE INDEX CONCURRENTLY audit_log_unnumbered ON audit_log (id) WHERE seq IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS audit_log_by_workspace;
