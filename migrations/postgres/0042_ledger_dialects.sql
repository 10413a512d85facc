-- The dialect of the request that caused the fact. Openings, expiries, purges and corrections have none, nor have rows of
-- earlier schemas.
ALTER TABLE ledger ADD COLUMN dialect TEXT COLLATE "C";
