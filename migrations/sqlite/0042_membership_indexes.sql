-- The members of each workspace, once each and in the order of persons, and the memberships of each person.
CREATE UNIQUE INDEX api_keys_members ON api_keys (coalesce(workspace_id, ''), person_id)
    WHERE person_id IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX api_keys_by_person ON api_keys (person_id, id) WHERE person_id IS NOT NULL AND revoked_at IS NULL;
