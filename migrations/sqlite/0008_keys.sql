-- A key opens a workspace as far as its scopes go, or, without a workspace, the administration. It keeps its id when its
-- secret is rotated, and has several secrets until the older ones retire; each is kept as its SHA-256.
CREATE TABLE keys (
    id           TEXT PRIMARY KEY,
    workspace_id TEXT REFERENCES workspaces (id),
    scopes       TEXT NOT NULL,
    redacted     TEXT NOT NULL,
    name         TEXT NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO keys
SELECT id, workspace_id, 'files.read,files.write,uploads.write,usage.read', redacted, name, expires_at, revoked_at, NULL
FROM api_keys;

CREATE TABLE key_secrets (
    digest     BLOB PRIMARY KEY,
    key_id     TEXT NOT NULL,
    retires_at INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO key_secrets SELECT digest, id, NULL FROM api_keys;

DROP TABLE api_keys;
ALTER TABLE keys RENAME TO api_keys;
CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, id);
CREATE INDEX key_secrets_by_key ON key_secrets (key_id);

ALTER TABLE workspaces ADD COLUMN archived_at INTEGER;
