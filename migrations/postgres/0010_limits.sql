-- What a workspace or key may have and do at most; what has no row is not limited. `owner_id` is the id of either.
CREATE TABLE limits (
    owner_id TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    value    BIGINT NOT NULL,
    PRIMARY KEY (owner_id, name)
);

-- What the Files of a workspace amount to, those that have expired and are not removed yet included. Triggers keep count, so
-- that no statement forgets to.
ALTER TABLE workspaces ADD COLUMN stored_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN stored_files BIGINT NOT NULL DEFAULT 0;

CREATE FUNCTION files_come() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE workspaces w
    SET stored_bytes = w.stored_bytes + f.bytes, stored_files = w.stored_files + f.files,
        last_file_id = greatest(w.last_file_id, f.last)
    FROM (SELECT workspace_id, sum(size_bytes)::bigint AS bytes, count(*) AS files, max(id) AS last
          FROM come GROUP BY workspace_id) f
    WHERE w.id = f.workspace_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER files_come AFTER INSERT ON files
REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION files_come();

-- The rows are locked in the order of their ids first, so that two that remove Files of several workspaces do not wait for
-- each other.
CREATE FUNCTION files_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM workspaces WHERE id IN (SELECT workspace_id FROM gone) ORDER BY id FOR NO KEY UPDATE;
    UPDATE workspaces w
    SET stored_bytes = w.stored_bytes - f.bytes, stored_files = w.stored_files - f.files
    FROM (SELECT workspace_id, sum(size_bytes)::bigint AS bytes, count(*) AS files FROM gone GROUP BY workspace_id) f
    WHERE w.id = f.workspace_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER files_go AFTER DELETE ON files
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION files_go();

-- What does not count any more, and what is to come.
CREATE INDEX files_by_workspace_expiry ON files (workspace_id, expires_at, size_bytes) WHERE expires_at IS NOT NULL;
CREATE INDEX uploads_pending_by_workspace ON uploads (workspace_id, expires_at, size_bytes) WHERE status = 'pending';
