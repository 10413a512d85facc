-- What is billed, fact by fact, in the order of commits; integers only. A File that comes is one row (`opening` if it was there
-- before this ledger, `create` or `complete`) and a File that goes is another (`end`, with its bytes as a negative number, at the
-- second in which it was deleted or expired). Reads are rows of many at once. `line_item` is of adjustments alone: what the other
-- facts are billed as follows from them (src/model/ledger.rs).
CREATE TABLE ledger (
    seq          INTEGER PRIMARY KEY,
    event_id     TEXT NOT NULL UNIQUE,
    ts           INTEGER NOT NULL,
    fact         TEXT NOT NULL CHECK (fact IN ('opening', 'create', 'complete', 'end', 'list', 'retrieve', 'content', 'adjustment')),
    workspace_id TEXT NOT NULL,
    api_key_id   TEXT,
    purpose      TEXT,
    file_id      TEXT,
    line_item    TEXT,
    bytes        INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    request_id   TEXT,
    reverses     TEXT,
    note         TEXT
) STRICT;

CREATE INDEX ledger_by_time ON ledger (ts);

CREATE TRIGGER ledger_is_never_changed BEFORE UPDATE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_is_never_shortened BEFORE DELETE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

-- Files that are there already: an id holds the millisecond of its creation in nine digits of base 62.
INSERT INTO ledger (event_id, ts, fact, workspace_id, purpose, file_id, bytes, count)
SELECT 'st+:' || f.id,
       (SELECT sum((instr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', substr(f.id, d.at, 1)) - 1) * d.worth)
        FROM (SELECT 6 AS at, 218340105584896 AS worth UNION ALL SELECT 7, 3521614606208 UNION ALL SELECT 8, 56800235584
              UNION ALL SELECT 9, 916132832 UNION ALL SELECT 10, 14776336 UNION ALL SELECT 11, 238328
              UNION ALL SELECT 12, 3844 UNION ALL SELECT 13, 62 UNION ALL SELECT 14, 1) d) / 1000,
       'opening', f.workspace_id, f.purpose, f.id, f.size_bytes, 0
FROM files f
ORDER BY f.id;

-- The ledger by workspace, hour, key and purpose, up to the row `usage_rolled_seq` of `installation`: a cache that can be made
-- anew. `byte_seconds` is what the changes of this hour are worth until its end.
CREATE TABLE usage_hourly (
    workspace_id  TEXT NOT NULL,
    hour          INTEGER NOT NULL,
    api_key_id    TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    delta_bytes   INTEGER NOT NULL,
    delta_files   INTEGER NOT NULL,
    byte_seconds  INTEGER NOT NULL,
    ops_class_a   INTEGER NOT NULL,
    ops_class_b   INTEGER NOT NULL,
    ingress_bytes INTEGER NOT NULL,
    egress_bytes  INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, hour, api_key_id, purpose)
) STRICT, WITHOUT ROWID;

-- The same by workspace and hour alone, for questions that keep no keys and purposes apart.
CREATE TABLE usage_hourly_totals (
    workspace_id  TEXT NOT NULL,
    hour          INTEGER NOT NULL,
    api_key_id    TEXT NOT NULL CHECK (api_key_id = ''),
    purpose       TEXT NOT NULL CHECK (purpose = ''),
    delta_bytes   INTEGER NOT NULL,
    delta_files   INTEGER NOT NULL,
    byte_seconds  INTEGER NOT NULL,
    ops_class_a   INTEGER NOT NULL,
    ops_class_b   INTEGER NOT NULL,
    ingress_bytes INTEGER NOT NULL,
    egress_bytes  INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, hour)
) STRICT, WITHOUT ROWID;
