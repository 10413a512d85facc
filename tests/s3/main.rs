//! The server on a bucket that fails: whatever the network and the store do, nothing that was acknowledged is lost, no byte
//! is wrong, and nothing that was given up stays.
//!
//! `VENNA_S3_OPERATIONS` says how many operations; the long run has 10,000. `VENNA_S3_LARGE_MIB` is the size of the large
//! file whose memory is watched, `VENNA_S3_SAMPLES` how many requests of each kind are timed. All of it runs on any store
//! that `VENNA_TEST_S3_ENDPOINT` names (bucket.rs).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]
#![allow(clippy::wrong_self_convention, reason = "tests read as prose: `ada.list(..).await.is_ok()`")]

#[allow(dead_code, reason = "each test binary uses its part of it")]
#[path = "../crash/dice.rs"]
mod dice;
mod faults;
#[allow(dead_code, reason = "each test binary uses its part of the house")]
#[path = "../it/house.rs"]
mod house;
mod latency;
mod load;
mod memory;
mod oddities;
#[allow(dead_code, reason = "each test binary uses its part of it")]
#[path = "../it/postgres.rs"]
mod postgres;
#[allow(dead_code, reason = "tests/process uses the rest")]
#[path = "../process/program.rs"]
mod program;
mod redirect;
#[allow(dead_code, reason = "each test binary uses its part of it")]
#[path = "../it/rows.rs"]
mod rows;
mod start;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}
