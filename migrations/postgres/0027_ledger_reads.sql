-- Rows of reads of one workspace, the oldest first. The sum with 0 is in the statements too: no other index by time matches them,
-- which would pass over all Files that came and went.
CREATE INDEX CONCURRENTLY ledger_reads ON ledger (workspace_id, (ts + 0), seq) WHERE fact IN ('list', 'retrieve', 'content');
