-- Messages that their receiver refused for what they say. They are set aside and the later ones go on, until an operator lets
-- them be sent again or gives them up; what was given up is kept.
ALTER TABLE outbox ADD COLUMN refused_at INTEGER;
ALTER TABLE outbox ADD COLUMN refused_status INTEGER;
ALTER TABLE outbox ADD COLUMN skipped_at INTEGER;
