-- What a store in the cloud calls the unfinished upload of a blob, noted before its first part, so that the sweep can abort
-- what a crash leaves.
ALTER TABLE blobs ADD COLUMN upload_id TEXT COLLATE "C";

-- The Unix second from which on nobody is given the bytes of a `deleting` blob any more; 0 when nobody ever was.
ALTER TABLE blobs ADD COLUMN deleted_at BIGINT NOT NULL DEFAULT 0;

CREATE INDEX blobs_deleting ON blobs (id, deleted_at) WHERE state = 'deleting';
