-- The bytes and the number of the parts that a pending Upload was given. A trigger keeps both.
ALTER TABLE uploads ADD COLUMN parts_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE uploads ADD COLUMN part_count INTEGER NOT NULL DEFAULT 0;

UPDATE uploads
SET parts_bytes = (SELECT coalesce(sum(size_bytes), 0) FROM parts p WHERE p.workspace_id = uploads.workspace_id AND p.upload_id = uploads.id),
    part_count = (SELECT count(*) FROM parts p WHERE p.workspace_id = uploads.workspace_id AND p.upload_id = uploads.id)
WHERE status = 'pending';

CREATE TRIGGER parts_come AFTER INSERT ON parts
BEGIN
    UPDATE uploads SET parts_bytes = parts_bytes + new.size_bytes, part_count = part_count + 1
    WHERE workspace_id = new.workspace_id AND id = new.upload_id;
END;

-- The pending Uploads of a workspace, those that have expired and are not ended yet included. Each counts with the bytes that it
-- was declared with, or with those of its parts if they are more. Triggers keep the totals.
ALTER TABLE workspaces ADD COLUMN reserved_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN reserved_files INTEGER NOT NULL DEFAULT 0;

UPDATE workspaces
SET reserved_bytes = (SELECT coalesce(sum(max(size_bytes, parts_bytes)), 0) FROM uploads WHERE workspace_id = workspaces.id AND status = 'pending'),
    reserved_files = (SELECT count(*) FROM uploads WHERE workspace_id = workspaces.id AND status = 'pending');

CREATE TRIGGER uploads_come AFTER INSERT ON uploads WHEN new.status = 'pending'
BEGIN
    UPDATE workspaces
    SET reserved_bytes = reserved_bytes + max(new.size_bytes, new.parts_bytes), reserved_files = reserved_files + 1
    WHERE id = new.workspace_id;
END;

CREATE TRIGGER uploads_grow AFTER UPDATE OF size_bytes, parts_bytes ON uploads
WHEN old.status = 'pending' AND new.status = 'pending'
    AND max(new.size_bytes, new.parts_bytes) <> max(old.size_bytes, old.parts_bytes)
BEGIN
    UPDATE workspaces
    SET reserved_bytes = reserved_bytes + max(new.size_bytes, new.parts_bytes) - max(old.size_bytes, old.parts_bytes)
    WHERE id = new.workspace_id;
END;

CREATE TRIGGER uploads_end AFTER UPDATE OF status ON uploads WHEN old.status = 'pending' AND new.status <> 'pending'
BEGIN
    UPDATE workspaces
    SET reserved_bytes = reserved_bytes - max(old.size_bytes, old.parts_bytes), reserved_files = reserved_files - 1
    WHERE id = old.workspace_id;
END;

CREATE TRIGGER uploads_go AFTER DELETE ON uploads WHEN old.status = 'pending'
BEGIN
    UPDATE workspaces
    SET reserved_bytes = reserved_bytes - max(old.size_bytes, old.parts_bytes), reserved_files = reserved_files - 1
    WHERE id = old.workspace_id;
END;
