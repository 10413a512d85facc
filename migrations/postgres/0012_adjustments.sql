-- Corrections: who made them. They are read one by one and stand in no cache, so that sums of them cannot overflow.
ALTER TABLE ledger ADD COLUMN actor TEXT COLLATE "C";

CREATE INDEX ledger_adjustments ON ledger (ts) WHERE fact = 'adjustment';
