//! The server on a bucket that fails: whatever the network and the store do, nothing that was acknowledged is lost, no
//! byte is wrong, and nothing that was given up stays.
//!
//! `VENNA_S3_OPERATIONS` says how many operations; the long run has 10,000. `VENNA_S3_LARGE_MIB` is the size of the
//! large file whose memory is watched, `VENNA_S3_SAMPLES` how many requests of each kind are timed. All of it runs on
//! any store that `VENNA_TEST_S3_ENDPOINT` names (`crates/testkit`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]
#![allow(clippy::wrong_self_convention, reason = "tests read as prose: `ada.list(..).await.is_ok()`")]

mod latency;
mod load;
mod memory;
mod oddities;
mod redirect;
mod start;
