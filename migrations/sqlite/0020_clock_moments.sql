-- When a server last saw the clock as it should be: the wall clock beside the time since the machine was booted, one row for
-- each boot of a machine. A clock that moved on much further than that has jumped, and expiry is held
-- (`expiry_held` of `installation`).
CREATE TABLE clock_moments (
    boot_id   TEXT PRIMARY KEY,
    wall_ms   INTEGER NOT NULL,
    uptime_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
