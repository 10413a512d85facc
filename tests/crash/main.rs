//! What survives: the program is killed, or its file system loses power, in the middle of the work. What it acknowledged
//! is there afterwards, what it did not is absent or whole, and nothing is left behind. `docs/durability.md` says more.
//!
//! The short tier runs in `cargo test`; `VENNA_CUTS`, `VENNA_CUT_FS`, `VENNA_KILLS`, `VENNA_RETRIES`, `VENNA_REPLICA_SECONDS` and `VENNA_RECOVERY_FILES` make it
//! longer, and `VENNA_CRASH_SEED` repeats what was asked of the server, though not how its threads took turns.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[allow(dead_code, reason = "each test binary uses its part of the bucket")]
#[path = "../s3/bucket.rs"]
mod bucket;
mod dice;
mod failpoints;
mod installation;
mod journal;
mod kill;
mod load;
mod oracle;
#[allow(dead_code, reason = "each test binary uses its part of it")]
#[path = "../it/postgres.rs"]
mod postgres;
mod powercut;
#[allow(dead_code, reason = "tests/process uses the rest")]
#[path = "../process/program.rs"]
mod program;
mod recovery;
mod replicas;
mod retries;
mod self_test;
mod volume;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}
