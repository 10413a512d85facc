-- Here one server has the database, and scrubs.
SELECT 1;
