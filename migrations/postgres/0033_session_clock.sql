-- Milliseconds since the Unix epoch: those of the clock that a test has set for its session (`SET venna.now_ms`), else those of
-- the database. `now_ms(BIGINT)` stays: servers of the version before this one may still be connected.
CREATE FUNCTION now_ms() RETURNS BIGINT LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('venna.now_ms', true), '')::bigint,
                    floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)
$$;
