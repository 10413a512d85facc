-- The server that sends a message. As long as it lives, no other does.
ALTER TABLE outbox ADD COLUMN claimed_by TEXT COLLATE "C";
