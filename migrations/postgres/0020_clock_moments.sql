-- When a server last saw the clock as it should be: the clock of the database beside the time since the machine of the server
-- was booted, one row for each boot of a machine. A clock that moved on much further than that has jumped, and expiry is held
-- (`expiry_held` of `installation`).
CREATE TABLE clock_moments (
    boot_id   TEXT COLLATE "C" PRIMARY KEY,
    wall_ms   BIGINT NOT NULL,
    uptime_ms BIGINT NOT NULL
);
