-- Several servers claim messages, so that one of them sends each. Here one server has the folder, and nothing changes.
SELECT 1;
