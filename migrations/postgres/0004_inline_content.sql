-- The bytes of a small File, which stand in the row of its blob and are there from the commit that makes the File visible.
-- Such a blob is `ready` from the first, and its row goes with the File. They were not made to be compressed.
ALTER TABLE blobs ADD COLUMN content BYTEA;
ALTER TABLE blobs ALTER COLUMN content SET STORAGE EXTERNAL;
