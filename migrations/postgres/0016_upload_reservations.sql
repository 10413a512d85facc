-- The bytes and the number of the parts that a pending Upload was given. A trigger keeps both.
ALTER TABLE uploads ADD COLUMN parts_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE uploads ADD COLUMN part_count BIGINT NOT NULL DEFAULT 0;

UPDATE uploads u
SET parts_bytes = p.bytes, part_count = p.parts
FROM (SELECT workspace_id, upload_id, sum(size_bytes)::bigint AS bytes, count(*) AS parts FROM parts GROUP BY workspace_id, upload_id) p
WHERE p.workspace_id = u.workspace_id AND p.upload_id = u.id AND u.status = 'pending';

CREATE FUNCTION parts_come() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE uploads SET parts_bytes = parts_bytes + NEW.size_bytes, part_count = part_count + 1
    WHERE workspace_id = NEW.workspace_id AND id = NEW.upload_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER parts_come AFTER INSERT ON parts FOR EACH ROW EXECUTE FUNCTION parts_come();

-- The pending Uploads of a workspace, those that have expired and are not ended yet included. Each counts with the bytes that it
-- was declared with, or with those of its parts if they are more. Triggers keep the totals. A statement that changes no total
-- leaves the row of the workspace alone, so that parts within the declared bytes do not wait for each other there.
ALTER TABLE workspaces ADD COLUMN reserved_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN reserved_files BIGINT NOT NULL DEFAULT 0;

UPDATE workspaces w
SET reserved_bytes = u.bytes, reserved_files = u.uploads
FROM (SELECT workspace_id, sum(greatest(size_bytes, parts_bytes))::bigint AS bytes, count(*) AS uploads
      FROM uploads WHERE status = 'pending' GROUP BY workspace_id) u
WHERE w.id = u.workspace_id;

CREATE FUNCTION uploads_come() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE workspaces w
    SET reserved_bytes = w.reserved_bytes + u.bytes, reserved_files = w.reserved_files + u.uploads
    FROM (SELECT workspace_id, sum(greatest(size_bytes, parts_bytes))::bigint AS bytes, count(*) AS uploads
          FROM come WHERE status = 'pending' GROUP BY workspace_id) u
    WHERE w.id = u.workspace_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER uploads_come AFTER INSERT ON uploads
REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION uploads_come();

CREATE FUNCTION uploads_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE workspaces w
    SET reserved_bytes = w.reserved_bytes + u.bytes, reserved_files = w.reserved_files + u.uploads
    FROM (SELECT workspace_id, sum(bytes)::bigint AS bytes, sum(uploads)::bigint AS uploads
          FROM (SELECT workspace_id, greatest(size_bytes, parts_bytes) AS bytes, 1 AS uploads FROM come WHERE status = 'pending'
                UNION ALL
                SELECT workspace_id, -greatest(size_bytes, parts_bytes), -1 FROM gone WHERE status = 'pending') c
          GROUP BY workspace_id) u
    WHERE w.id = u.workspace_id AND (u.bytes <> 0 OR u.uploads <> 0);
    RETURN NULL;
END
$$;

CREATE TRIGGER uploads_change AFTER UPDATE ON uploads
REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION uploads_change();

CREATE FUNCTION uploads_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE workspaces w
    SET reserved_bytes = w.reserved_bytes - u.bytes, reserved_files = w.reserved_files - u.uploads
    FROM (SELECT workspace_id, sum(greatest(size_bytes, parts_bytes))::bigint AS bytes, count(*) AS uploads
          FROM gone WHERE status = 'pending' GROUP BY workspace_id) u
    WHERE w.id = u.workspace_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER uploads_go AFTER DELETE ON uploads
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION uploads_go();
