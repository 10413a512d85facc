-- Uploads that are not pending any more are forgotten some days after their deadline.
CREATE INDEX uploads_ended ON uploads (expires_at) WHERE status <> 'pending';
