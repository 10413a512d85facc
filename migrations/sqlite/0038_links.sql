-- Signed links: a download opens the File `file_id`; an upload makes one, once, and notes it there. Times are Unix
-- seconds. A link is found by its id once its signature was verified.
CREATE TABLE links (
    id            TEXT PRIMARY KEY,
    workspace_id  TEXT NOT NULL,
    key_id        TEXT NOT NULL,
    kind          TEXT NOT NULL,
    file_id       TEXT,
    content_type  TEXT,
    disposition   TEXT,
    one_time      INTEGER NOT NULL,
    filename      TEXT,
    purpose       TEXT,
    max_bytes     INTEGER,
    lives_seconds INTEGER,
    expires_at    INTEGER NOT NULL,
    first_used_at INTEGER,
    revoked_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX links_by_workspace ON links (workspace_id, id);
CREATE INDEX links_by_file ON links (workspace_id, file_id, id);
CREATE INDEX links_not_revoked ON links (workspace_id, expires_at) WHERE revoked_at IS NULL;
CREATE INDEX links_not_revoked_by_key ON links (workspace_id, key_id, expires_at) WHERE revoked_at IS NULL;
CREATE INDEX links_by_expiry ON links (expires_at);

-- The keys that sign links. The newest ones sign; the others verify until the last of their links has expired.
CREATE TABLE link_keys (
    version    INTEGER PRIMARY KEY,
    secret     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
