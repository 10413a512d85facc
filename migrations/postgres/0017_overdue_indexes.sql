-- The workspaces that have something overdue are found one by one, however much of each is overdue in one second.
CREATE INDEX CONCURRENTLY files_overdue ON files (expires_at, workspace_id) WHERE expires_at IS NOT NULL;
CREATE INDEX CONCURRENTLY uploads_overdue ON uploads (expires_at, workspace_id) WHERE status = 'pending';
DROP INDEX CONCURRENTLY IF EXISTS files_by_expiry;
DROP INDEX CONCURRENTLY IF EXISTS uploads_by_expiry;
