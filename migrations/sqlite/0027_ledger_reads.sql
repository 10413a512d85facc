-- Here the index is made with the table: one server has the database.
SELECT 1;
