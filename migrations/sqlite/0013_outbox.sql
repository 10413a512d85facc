-- What is to be sent to the outside: bytes that never change from the first attempt on. A message is sent until its receiver has
-- acknowledged it, those of one sink in the order of `seq`, and kept for a while afterwards.
CREATE TABLE outbox (
    seq             INTEGER PRIMARY KEY,
    message_id      TEXT NOT NULL UNIQUE,
    sink            TEXT NOT NULL,
    content_type    TEXT NOT NULL,
    body            BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    acknowledged_at INTEGER
) STRICT;

CREATE INDEX outbox_pending ON outbox (sink, seq) WHERE acknowledged_at IS NULL;
CREATE INDEX outbox_acknowledged ON outbox (acknowledged_at) WHERE acknowledged_at IS NOT NULL;

CREATE TRIGGER outbox_is_never_changed BEFORE UPDATE OF message_id, sink, content_type, body ON outbox
BEGIN
    SELECT RAISE(ABORT, 'a message is sent as it was written');
END;

-- How far usage is exported: one row. All hours before `until` were put into the outbox, as the rows of the ledger up to
-- `through_seq` have them; `corrections` numbers what came later.
CREATE TABLE usage_export (
    only        INTEGER PRIMARY KEY CHECK (only = 1),
    until       INTEGER NOT NULL,
    through_seq INTEGER NOT NULL,
    corrections INTEGER NOT NULL
) STRICT;
