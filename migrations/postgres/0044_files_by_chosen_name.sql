-- Files are found by the names that clients chose.
CREATE UNIQUE INDEX CONCURRENTLY files_by_chosen_name ON files (workspace_id, chosen_name) WHERE chosen_name IS NOT NULL;
