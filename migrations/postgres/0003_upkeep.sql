-- Who needs the bytes of deleted blobs for a while, such as a backup; one that is not renewed ends by itself.
CREATE TABLE holds (
    id         TEXT COLLATE "C" PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- Servers that live, for as long as they say so again in time. What one began to write is nobody's once it is not here.
CREATE TABLE processes (
    id             TEXT COLLATE "C" PRIMARY KEY,
    lease_until_ms BIGINT NOT NULL
);

-- How far the server's own scrub has come: one row. Of a pass that is under way `ended_at` is null, and `after` is the last
-- blob that was read.
CREATE TABLE scrub (
    "only"   BIGINT PRIMARY KEY CHECK ("only" = 1),
    begun_at BIGINT NOT NULL,
    ended_at BIGINT,
    after    TEXT COLLATE "C",
    blobs    BIGINT NOT NULL,
    bytes    BIGINT NOT NULL,
    damaged  BIGINT NOT NULL
);
