-- Messages that are to be sent, and those that are set aside, each in the order of sending.
CREATE INDEX CONCURRENTLY outbox_waiting ON outbox (sink, seq) WHERE acknowledged_at IS NULL AND refused_at IS NULL;
CREATE INDEX CONCURRENTLY outbox_refused ON outbox (sink, seq)
    WHERE refused_at IS NOT NULL AND acknowledged_at IS NULL AND skipped_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS outbox_pending;
