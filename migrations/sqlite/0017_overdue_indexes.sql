-- Here the indexes by expiry have the workspace behind the second already: these tables are kept by their primary keys.
SELECT 1;
