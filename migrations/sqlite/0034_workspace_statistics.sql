-- The planner of PostgreSQL gets a floor for the rows of a workspace. Plans of SQLite do not follow such statistics, and
-- nothing changes.
SELECT 1;
