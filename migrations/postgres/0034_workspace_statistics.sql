-- The planner takes 2,000 rows for those of a workspace, whatever the newest statistics say. Where most workspaces have one
-- row, it would take every index that begins with the workspace for equally good, and read all rows of a large workspace for
-- one of them until the next ANALYZE.
ALTER TABLE files ALTER COLUMN workspace_id SET (n_distinct = -0.0005);
ALTER TABLE uploads ALTER COLUMN workspace_id SET (n_distinct = -0.0005);
ALTER TABLE ledger ALTER COLUMN workspace_id SET (n_distinct = -0.0005);
