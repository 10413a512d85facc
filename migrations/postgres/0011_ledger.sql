-- What is billed, fact by fact; integers only. A File that comes is one row (`opening` if it was there before this ledger,
-- `create` or `complete`) and a File that goes is another (`end`, with its bytes as a negative number, at the second in which
-- it was deleted or expired). Reads are rows of many at once. `line_item` is of adjustments alone: what the other facts are
-- billed as follows from them (src/model/ledger.rs).
--
-- `seq` is the order in which readers see rows. Transactions do not commit in the order in which they begin, so a row is
-- written without it and gets it once it is committed, under a lock: no row ever appears behind one that was read.
CREATE TABLE ledger (
    arrival      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seq          BIGINT UNIQUE,
    event_id     TEXT COLLATE "C" NOT NULL UNIQUE,
    ts           BIGINT NOT NULL,
    fact         TEXT COLLATE "C" NOT NULL CHECK (fact IN ('opening', 'create', 'complete', 'end', 'list', 'retrieve', 'content', 'adjustment')),
    workspace_id TEXT COLLATE "C" NOT NULL,
    api_key_id   TEXT COLLATE "C",
    purpose      TEXT COLLATE "C",
    file_id      TEXT COLLATE "C",
    line_item    TEXT COLLATE "C",
    bytes        BIGINT NOT NULL,
    count        BIGINT NOT NULL,
    request_id   TEXT COLLATE "C",
    reverses     TEXT COLLATE "C",
    note         TEXT COLLATE "C"
);

CREATE INDEX ledger_by_time ON ledger (ts);
CREATE INDEX ledger_unnumbered ON ledger (arrival) WHERE seq IS NULL;

-- Of a row nothing changes but that it gets its number, once.
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.seq IS NULL THEN
        OLD.seq := NEW.seq;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only';
END
$$;

CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON ledger
FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();

CREATE TRIGGER ledger_is_never_emptied BEFORE TRUNCATE ON ledger
FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- The ledger by workspace, hour, key and purpose, up to the row `usage_rolled_seq` of `installation`: a cache that can be made
-- anew. `byte_seconds` is what the changes of this hour are worth until its end.
CREATE TABLE usage_hourly (
    workspace_id  TEXT COLLATE "C" NOT NULL,
    hour          BIGINT NOT NULL,
    api_key_id    TEXT COLLATE "C" NOT NULL,
    purpose       TEXT COLLATE "C" NOT NULL,
    delta_bytes   BIGINT NOT NULL,
    delta_files   BIGINT NOT NULL,
    byte_seconds  BIGINT NOT NULL,
    ops_class_a   BIGINT NOT NULL,
    ops_class_b   BIGINT NOT NULL,
    ingress_bytes BIGINT NOT NULL,
    egress_bytes  BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, hour, api_key_id, purpose)
);

-- The same by workspace and hour alone, for questions that keep no keys and purposes apart.
CREATE TABLE usage_hourly_totals (
    workspace_id  TEXT COLLATE "C" NOT NULL,
    hour          BIGINT NOT NULL,
    api_key_id    TEXT COLLATE "C" NOT NULL CHECK (api_key_id = ''),
    purpose       TEXT COLLATE "C" NOT NULL CHECK (purpose = ''),
    delta_bytes   BIGINT NOT NULL,
    delta_files   BIGINT NOT NULL,
    byte_seconds  BIGINT NOT NULL,
    ops_class_a   BIGINT NOT NULL,
    ops_class_b   BIGINT NOT NULL,
    ingress_bytes BIGINT NOT NULL,
    egress_bytes  BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, hour)
);
