//! The program as a process: its first run, its commands beside a running server, what it takes of the machine, and the
//! order of its system calls.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod archive;
#[allow(dead_code, reason = "each test binary uses its part of the bucket")]
#[path = "../s3/bucket.rs"]
mod bucket;
mod commands;
#[path = "../it/dice.rs"]
mod dice;
mod digests;
mod export;
mod faults;
mod file_systems;
mod first_run;
mod full_disk;
mod inspect;
mod memory;
mod migrate;
mod mounts;
mod on_postgres;
mod panics;
#[allow(dead_code, reason = "each test binary uses its part of it")]
#[path = "../it/postgres.rs"]
mod postgres;
#[allow(dead_code, reason = "tests/crash uses the rest")]
mod program;
mod put_back;
#[path = "../it/receiver.rs"]
#[allow(dead_code, reason = "each test binary uses its part of the receiver")]
mod receiver;
mod settings;
mod trace;
mod unreadable;
mod upgrade;
mod upkeep;
