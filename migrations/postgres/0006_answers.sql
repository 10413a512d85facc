-- What was answered under an Idempotency-Key, to be answered again: `request` is a SHA-256 of what was asked for.
CREATE TABLE answers (
    workspace_id TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    request      BYTEA NOT NULL,
    answer       BYTEA NOT NULL,
    made_at      BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, key)
);

CREATE INDEX answers_by_age ON answers (made_at);
