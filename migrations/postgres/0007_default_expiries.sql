-- What becomes of Files whose clients ask for no expiry, where a workspace departs from what holds for the purpose.
-- `lives_seconds` is null where they stay for ever.
CREATE TABLE default_expiries (
    workspace_id  TEXT COLLATE "C" NOT NULL,
    purpose       TEXT COLLATE "C" NOT NULL,
    lives_seconds BIGINT,
    PRIMARY KEY (workspace_id, purpose)
);
