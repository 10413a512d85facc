-- Here one server has the database, and its clock is one.
SELECT 1;
