-- Files and Uploads that are gone while rows of their parts are left: each step of a sweep releases the blobs of some parts.
-- Nobody is given the bytes of the blobs from the Unix second `released_at` on, which is 0 where nobody ever was.
CREATE TABLE releases (
    workspace_id TEXT NOT NULL,
    owner_id     TEXT NOT NULL,
    released_at  INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, owner_id)
) STRICT, WITHOUT ROWID;
