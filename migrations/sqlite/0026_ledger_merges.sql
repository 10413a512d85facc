-- Rows of reads that are old become one for each key, kind of read, purpose and minute. This is how far that has come in each
-- workspace: its last row of reads that is not looked at again, in the order of `ts` and `seq`.
CREATE TABLE ledger_merges (
    workspace_id TEXT PRIMARY KEY,
    ts           INTEGER NOT NULL,
    seq          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_reads ON ledger (workspace_id, ts) WHERE fact IN ('list', 'retrieve', 'content');

-- A row of reads may go once such a step has come to it. Every other row stays for ever.
DROP TRIGGER ledger_is_never_shortened;
CREATE TRIGGER ledger_is_never_shortened BEFORE DELETE ON ledger
WHEN old.fact NOT IN ('list', 'retrieve', 'content') OR NOT EXISTS (
    SELECT 1 FROM ledger_merges m WHERE m.workspace_id = old.workspace_id AND (m.ts, m.seq) >= (old.ts, old.seq))
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;
