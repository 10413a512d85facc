-- Since when the database has answered the renewals of leases without a gap, and when it did so last: one row. A lease counts as
-- over only where its server had the time to renew it.
CREATE TABLE database_uptime (
    "only"   BIGINT PRIMARY KEY CHECK ("only" = 1),
    since_ms BIGINT NOT NULL,
    seen_ms  BIGINT NOT NULL
);

-- The order in which readers see entries. Transactions do not commit in the order in which they begin, so an entry is written
-- without it and gets it once it is committed, under a lock: no entry ever appears behind one that was read.
ALTER TABLE audit_log ADD COLUMN seq BIGINT;

-- Of an entry nothing changes but that it gets its number, once.
CREATE OR REPLACE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seq IS NULL THEN
        OLD.seq := NEW.seq;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
