-- What a workspace or key may have and do at most; what has no row is not limited. `owner_id` is the id of either.
CREATE TABLE limits (
    owner_id TEXT NOT NULL,
    name     TEXT NOT NULL,
    value    INTEGER NOT NULL,
    PRIMARY KEY (owner_id, name)
) STRICT, WITHOUT ROWID;

-- What the Files of a workspace amount to, those that have expired and are not removed yet included. Triggers keep count, so
-- that no statement forgets to.
ALTER TABLE workspaces ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN stored_files INTEGER NOT NULL DEFAULT 0;

UPDATE workspaces
SET stored_bytes = (SELECT coalesce(sum(size_bytes), 0) FROM files WHERE workspace_id = workspaces.id),
    stored_files = (SELECT count(*) FROM files WHERE workspace_id = workspaces.id);

CREATE TRIGGER files_come AFTER INSERT ON files
BEGIN
    UPDATE workspaces SET stored_bytes = stored_bytes + new.size_bytes, stored_files = stored_files + 1
    WHERE id = new.workspace_id;
END;

CREATE TRIGGER files_go AFTER DELETE ON files
BEGIN
    UPDATE workspaces SET stored_bytes = stored_bytes - old.size_bytes, stored_files = stored_files - 1
    WHERE id = old.workspace_id;
END;

-- What does not count any more, and what is to come.
CREATE INDEX files_by_workspace_expiry ON files (workspace_id, expires_at, size_bytes) WHERE expires_at IS NOT NULL;
CREATE INDEX uploads_pending_by_workspace ON uploads (workspace_id, expires_at, size_bytes) WHERE status = 'pending';
