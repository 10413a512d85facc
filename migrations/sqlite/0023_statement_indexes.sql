-- Indexes that match the statements, so that none reads rows that it does not concern.

-- Pending blobs: the index over all unsettled blobs does not match `state = 'pending'`.
DROP INDEX blobs_unsettled;
CREATE INDEX blobs_pending ON blobs (id, process_id) WHERE state = 'pending';
-- The owner of a blob.
CREATE INDEX files_by_blob ON files (blob_id) WHERE blob_id IS NOT NULL;
CREATE INDEX file_parts_by_blob ON file_parts (blob_id);
CREATE INDEX parts_by_blob ON parts (blob_id);

-- The ledger of one workspace, in the order of `seq`, which every index ends with, and by time.
CREATE INDEX ledger_by_workspace ON ledger (workspace_id);
DROP INDEX ledger_by_time;
CREATE INDEX ledger_by_workspace_time ON ledger (workspace_id, ts);
DROP INDEX ledger_adjustments;
CREATE INDEX ledger_adjustments ON ledger (workspace_id, ts) WHERE fact = 'adjustment';

-- The audit log by its filters. Deletes of Files are nearly all of it, so their action has no index.
CREATE INDEX audit_log_by_actor ON audit_log (actor, id);
CREATE INDEX audit_log_by_object ON audit_log (object_id, id);
CREATE INDEX audit_log_by_action ON audit_log (action, id) WHERE action <> 'resource.deleted';

-- Messages of one sink that were acknowledged.
DROP INDEX outbox_acknowledged;
CREATE INDEX outbox_acknowledged ON outbox (sink, acknowledged_at) WHERE acknowledged_at IS NOT NULL;

-- Keys of a workspace that are not revoked, and every workspace that has a limit.
CREATE INDEX api_keys_not_revoked ON api_keys (workspace_id, id) WHERE revoked_at IS NULL;
CREATE INDEX limits_by_name ON limits (name, owner_id);
CREATE INDEX workspaces_not_archived ON workspaces (id) WHERE archived_at IS NULL;
