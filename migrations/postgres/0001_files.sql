-- Text compares by its bytes wherever it is compared (COLLATE "C"), so that ids are in the order of their creation.

-- Milliseconds since the Unix epoch: those of a clock that a test has set, else those of the database, one clock for all
-- servers. Later statements of one transaction see later times.
CREATE FUNCTION now_ms(set_ms BIGINT) RETURNS BIGINT LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(set_ms, floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)
$$;

-- Facts of the installation, such as its stamp.
CREATE TABLE installation (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- `last_file_id` is the newest id ever given to a File of the workspace. Rows change with every File and have room for it.
CREATE TABLE workspaces (
    id           TEXT COLLATE "C" PRIMARY KEY,
    name         TEXT COLLATE "C" NOT NULL UNIQUE,
    last_file_id TEXT COLLATE "C"
) WITH (fillfactor = 40);

-- Every blob has its row before its first byte: pending while it is written, ready while a File has it, deleting until
-- its bytes are gone. What it holds is known once it is ready; `checksums` has four big-endian bytes of CRC-32C for each block of 262144 bytes.
CREATE TABLE blobs (
    id           TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" NOT NULL,
    process_id   TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'ready', 'deleting')),
    size_bytes   BIGINT,
    sha256       BYTEA,
    checksums    BYTEA
);

CREATE INDEX blobs_unsettled ON blobs (state, id) WHERE state <> 'ready';

-- Visible Files. Ids are minted at the commit, so the primary key is the order of the list. A File that came as a whole
-- has its blob here; one that was completed from parts has them in file_parts, and the digest of their digests here.
CREATE TABLE files (
    workspace_id TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    blob_id      TEXT COLLATE "C",
    purpose      TEXT COLLATE "C" NOT NULL,
    filename     TEXT COLLATE "C" NOT NULL,
    size_bytes   BIGINT NOT NULL,
    sha256       BYTEA,
    parts_sha256 BYTEA,
    part_count   BIGINT,
    expires_at   BIGINT,
    PRIMARY KEY (workspace_id, id)
);

CREATE INDEX files_by_purpose ON files (workspace_id, purpose, id);
CREATE INDEX files_by_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;
