-- Indexes that match the statements, so that none reads rows that it does not concern.

-- Pending blobs: the index over all unsettled blobs does not match `state = 'pending'`.
CREATE INDEX CONCURRENTLY blobs_pending ON blobs (id) WHERE state = 'pending';
DROP INDEX CONCURRENTLY IF EXISTS blobs_unsettled;
-- The owner of a blob.
CREATE INDEX CONCURRENTLY files_by_blob ON files (blob_id) WHERE blob_id IS NOT NULL;
CREATE INDEX CONCURRENTLY file_parts_by_blob ON file_parts (blob_id);
CREATE INDEX CONCURRENTLY parts_by_blob ON parts (blob_id);

-- The ledger of one workspace, in the order of `seq` and by time.
CREATE INDEX CONCURRENTLY ledger_by_workspace ON ledger (workspace_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX CONCURRENTLY ledger_by_workspace_time ON ledger (workspace_id, ts);
DROP INDEX CONCURRENTLY IF EXISTS ledger_by_time;
CREATE INDEX CONCURRENTLY ledger_adjustments_by_workspace ON ledger (workspace_id, ts) WHERE fact = 'adjustment';
DROP INDEX CONCURRENTLY IF EXISTS ledger_adjustments;

-- The audit log by its filters. Deletes of Files are nearly all of it, so their action has no index.
CREATE INDEX CONCURRENTLY audit_log_by_actor ON audit_log (actor, seq) WHERE seq IS NOT NULL;
CREATE INDEX CONCURRENTLY audit_log_by_object ON audit_log (object_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX CONCURRENTLY audit_log_by_action ON audit_log (action, seq) WHERE seq IS NOT NULL AND action <> 'resource.deleted';

-- Messages of one sink that were acknowledged.
CREATE INDEX CONCURRENTLY outbox_acknowledged_by_sink ON outbox (sink, acknowledged_at) WHERE acknowledged_at IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS outbox_acknowledged;

-- Keys of a workspace that are not revoked, and every workspace that has a limit.
CREATE INDEX CONCURRENTLY api_keys_not_revoked ON api_keys (workspace_id, id) WHERE revoked_at IS NULL;
CREATE INDEX CONCURRENTLY limits_by_name ON limits (name, owner_id);
CREATE INDEX CONCURRENTLY workspaces_not_archived ON workspaces (id) WHERE archived_at IS NULL;
