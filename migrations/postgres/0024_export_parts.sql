-- An hour, or corrections, of which a part is in the outbox: the row of the ledger as of which all of it is told, how many
-- transactions wrote it, and the last event that is written. The columns are null when nothing is in the midst of it.
ALTER TABLE usage_export ADD COLUMN part_through_seq BIGINT;
ALTER TABLE usage_export ADD COLUMN part_number BIGINT;
ALTER TABLE usage_export ADD COLUMN part_hour BIGINT;
ALTER TABLE usage_export ADD COLUMN part_line_item TEXT COLLATE "C";
ALTER TABLE usage_export ADD COLUMN part_workspace_id TEXT COLLATE "C";
ALTER TABLE usage_export ADD COLUMN part_api_key_id TEXT COLLATE "C";
ALTER TABLE usage_export ADD COLUMN part_purpose TEXT COLLATE "C";
