-- Signed links: a download opens the File `file_id`; an upload makes one, once, and notes it there. Times are Unix
-- seconds. A link is found by its id once its signature was verified.
CREATE TABLE links (
    id            TEXT COLLATE "C" PRIMARY KEY,
    workspace_id  TEXT COLLATE "C" NOT NULL,
    key_id        TEXT COLLATE "C" NOT NULL,
    kind          TEXT COLLATE "C" NOT NULL,
    file_id       TEXT COLLATE "C",
    content_type  TEXT COLLATE "C",
    disposition   TEXT COLLATE "C",
    one_time      BIGINT NOT NULL,
    filename      TEXT,
    purpose       TEXT COLLATE "C",
    max_bytes     BIGINT,
    lives_seconds BIGINT,
    expires_at    BIGINT NOT NULL,
    first_used_at BIGINT,
    revoked_at    BIGINT
);

CREATE INDEX links_by_workspace ON links (workspace_id, id);
CREATE INDEX links_by_file ON links (workspace_id, file_id, id);
CREATE INDEX links_not_revoked ON links (workspace_id, expires_at) WHERE revoked_at IS NULL;
CREATE INDEX links_not_revoked_by_key ON links (workspace_id, key_id, expires_at) WHERE revoked_at IS NULL;
CREATE INDEX links_by_expiry ON links (expires_at);

-- The keys that sign links. The newest ones sign; the others verify until the last of their links has expired.
CREATE TABLE link_keys (
    version    BIGINT PRIMARY KEY,
    secret     BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
