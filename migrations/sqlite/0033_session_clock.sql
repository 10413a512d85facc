-- Sessions of PostgreSQL take the time of a test's clock from a setting. Here the server passes the time, and nothing changes.
SELECT 1;
