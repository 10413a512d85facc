-- A key opens a workspace as far as its scopes go, or, without a workspace, the administration. It keeps its id when its
-- secret is rotated, and has several secrets until the older ones retire; each is kept as its SHA-256. Times are Unix seconds.
CREATE TABLE api_keys (
    id           TEXT COLLATE "C" PRIMARY KEY,
    workspace_id TEXT COLLATE "C" REFERENCES workspaces (id),
    scopes       TEXT COLLATE "C" NOT NULL,
    redacted     TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT
);

CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, id);

CREATE TABLE key_secrets (
    digest     BYTEA PRIMARY KEY,
    key_id     TEXT COLLATE "C" NOT NULL,
    retires_at BIGINT
);

CREATE INDEX key_secrets_by_key ON key_secrets (key_id);

ALTER TABLE workspaces ADD COLUMN archived_at BIGINT;
