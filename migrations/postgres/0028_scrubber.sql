-- The server that scrubs, of those that share the database: one row. Another one takes its place when its lease is over.
CREATE TABLE scrubber (
    "only"     BIGINT PRIMARY KEY CHECK ("only" = 1),
    process_id TEXT COLLATE "C" NOT NULL
);
