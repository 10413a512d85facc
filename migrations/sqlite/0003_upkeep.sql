-- Who needs the bytes of deleted blobs for a while, such as a backup; one that is not renewed ends by itself.
CREATE TABLE holds (
    id         TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the server's own scrub has come: one row. Of a pass that is under way `ended_at` is null, and `after` is the last
-- blob that was read.
CREATE TABLE scrub (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    begun_at   INTEGER NOT NULL,
    ended_at   INTEGER,
    after      TEXT,
    blobs      INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    damaged    INTEGER NOT NULL
) STRICT;
