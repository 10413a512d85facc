-- Files by name. lower() changes ASCII letters alone, in both stores.
CREATE INDEX files_by_name ON files (workspace_id, lower(filename), id);
