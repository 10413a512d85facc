-- The names that clients of Gemini choose for Files, unique in a workspace; none for the others. An Upload whose size
-- was not declared grows up to this many bytes.
ALTER TABLE files ADD COLUMN chosen_name TEXT;
ALTER TABLE uploads ADD COLUMN chosen_name TEXT;
ALTER TABLE uploads ADD COLUMN grows_to_bytes INTEGER;
