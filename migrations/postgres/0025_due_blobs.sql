-- Blobs whose bytes are to be removed, those first that wait longest: a sweep does not look at those that wait for
-- `delete_delay_seconds`.
CREATE INDEX CONCURRENTLY blobs_due ON blobs (deleted_at, id) WHERE state = 'deleting';
DROP INDEX CONCURRENTLY IF EXISTS blobs_deleting;
