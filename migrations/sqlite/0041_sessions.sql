-- People who signed in by OpenID Connect. Issuer and subject identify a person; name and e-mail address are those of the
-- last sign-in. Times are Unix seconds.
CREATE TABLE persons (
    id                TEXT PRIMARY KEY,
    issuer            TEXT NOT NULL,
    subject           TEXT NOT NULL,
    name              TEXT,
    email             TEXT,
    last_signed_in_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX persons_by_subject ON persons (issuer, subject);

-- A membership is a key of a person without a secret: its id stands in the bill, and limits, revocation and the check in
-- each transaction are those of keys. Without a workspace it is the membership of an administrator.
ALTER TABLE api_keys ADD COLUMN person_id TEXT;
ALTER TABLE api_keys ADD COLUMN role TEXT;
ALTER TABLE api_keys ADD COLUMN granted_by TEXT;

-- Sessions of the console. `actor` is the id of a key or a person. A session is found by the SHA-256 of its secret; one of
-- a key holds the SHA-256 of the secret of the key, with which it ends. `ends_at` is the earlier one of its two limits.
CREATE TABLE sessions (
    id               TEXT PRIMARY KEY,
    digest           BLOB NOT NULL,
    actor            TEXT NOT NULL,
    key_digest       BLOB,
    provider_session TEXT,
    address          TEXT,
    last_used_at     INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    ends_at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX sessions_by_digest ON sessions (digest);
CREATE INDEX sessions_by_actor ON sessions (actor, id);
CREATE INDEX sessions_by_end ON sessions (ends_at);
CREATE INDEX sessions_by_provider_session ON sessions (provider_session) WHERE provider_session IS NOT NULL;
