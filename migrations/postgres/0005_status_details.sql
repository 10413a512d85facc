-- What is wrong with the content of a File, as far as its purpose demands something; such a File has the status `error`.
ALTER TABLE files ADD COLUMN status_details TEXT COLLATE "C";
