-- Files that come in parts. `lives_seconds` is the life of the File to be; `completion` is the SHA-256 of the part ids that
-- it was completed from, so that a repeated completion is known.
CREATE TABLE uploads (
    workspace_id  TEXT NOT NULL,
    id            TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    filename      TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    lives_seconds INTEGER,
    expires_at    INTEGER NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('pending', 'completed', 'cancelled', 'expired')),
    file_id       TEXT,
    completion    BLOB,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_by_expiry ON uploads (expires_at) WHERE status = 'pending';

-- Parts of pending Uploads, in the order in which they came in.
CREATE TABLE parts (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    workspace_id TEXT NOT NULL,
    upload_id    TEXT NOT NULL,
    blob_id      TEXT NOT NULL,
    size_bytes   INTEGER NOT NULL,
    sha256       BLOB NOT NULL
) STRICT;

CREATE INDEX parts_by_upload ON parts (workspace_id, upload_id, seq);

-- The blobs of Files that were completed from parts, in the order of their bytes.
CREATE TABLE file_parts (
    workspace_id TEXT NOT NULL,
    file_id      TEXT NOT NULL,
    position     INTEGER NOT NULL,
    blob_id      TEXT NOT NULL,
    size_bytes   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, file_id, position)
) STRICT, WITHOUT ROWID;
