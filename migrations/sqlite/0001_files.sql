-- Facts of the installation: `last_file_id`, the newest id ever given to a File.
CREATE TABLE installation (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workspaces (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

-- A key is kept as the SHA-256 of its secret; times are Unix seconds.
CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    digest       BLOB NOT NULL UNIQUE,
    redacted     TEXT NOT NULL,
    name         TEXT NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;

-- Every blob has its row before its first byte: pending while it is written, ready while a File has it, deleting until
-- its bytes are gone. What it holds is known once it is ready; `checksums` has four big-endian bytes of CRC-32C for each block of 262144 bytes.
CREATE TABLE blobs (
    id           TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    process_id   TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'deleting')),
    size_bytes   INTEGER,
    sha256       BLOB,
    checksums    BLOB
) STRICT;

CREATE INDEX blobs_unsettled ON blobs (state, id) WHERE state <> 'ready';

-- Visible Files. Ids are minted at the commit, so the primary key is the order of the list. A File that came as a whole
-- has its blob here; one that was completed from parts has them in file_parts, and the digest of their digests here.
CREATE TABLE files (
    workspace_id TEXT NOT NULL,
    id           TEXT NOT NULL,
    blob_id      TEXT,
    purpose      TEXT NOT NULL,
    filename     TEXT NOT NULL,
    size_bytes   INTEGER NOT NULL,
    sha256       BLOB,
    parts_sha256 BLOB,
    part_count   INTEGER,
    expires_at   INTEGER,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX files_by_purpose ON files (workspace_id, purpose, id);
CREATE INDEX files_by_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;
