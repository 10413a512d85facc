-- The media type of the content. Rows of earlier schemas have none: theirs is that of the name.
ALTER TABLE files ADD COLUMN mime_type TEXT;
ALTER TABLE uploads ADD COLUMN mime_type TEXT;
