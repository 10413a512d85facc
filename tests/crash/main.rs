//! What survives: the program is killed, or its file system loses power, in the middle of the work. What it
//! acknowledged is there afterwards, what it did not is absent or whole, and nothing is left behind.
//! `docs/durability.md` says more.
//!
//! The short tier runs in `cargo test`; `VENNA_CUTS`, `VENNA_CUT_FS`, `VENNA_KILLS`, `VENNA_RETRIES`,
//! `VENNA_REPLICA_SECONDS` and `VENNA_RECOVERY_FILES` make it longer, and `VENNA_CRASH_SEED` repeats what was asked of
//! the server, though not how its threads took turns.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod failpoints;
mod installation;
mod journal;
mod kill;
mod load;
mod oracle;
mod powercut;
mod recovery;
mod replicas;
mod retries;
mod self_test;
mod volume;
