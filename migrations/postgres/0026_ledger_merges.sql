-- Rows of reads that are old become one for each key, kind of read, purpose and minute. This is how far that has come in each
-- workspace: its last row of reads that is not looked at again, in the order of `ts` and `seq`.
CREATE TABLE ledger_merges (
    workspace_id TEXT COLLATE "C" PRIMARY KEY,
    ts           BIGINT NOT NULL,
    seq          BIGINT NOT NULL
);

-- Of a row nothing changes but that it gets its number, once. A row of reads may go once such a step has come to it.
CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.seq IS NULL THEN
        OLD.seq := NEW.seq;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    IF TG_OP = 'DELETE' AND OLD.fact IN ('list', 'retrieve', 'content') AND EXISTS (
        SELECT 1 FROM ledger_merges m WHERE m.workspace_id = OLD.workspace_id AND (m.ts, m.seq) >= (OLD.ts, OLD.seq)) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only';
END
$$;
