-- What was answered under an Idempotency-Key, to be answered again: `request` is a SHA-256 of what was asked for.
CREATE TABLE answers (
    workspace_id TEXT NOT NULL,
    key          TEXT NOT NULL,
    request      BLOB NOT NULL,
    answer       BLOB NOT NULL,
    made_at      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX answers_by_age ON answers (made_at);
