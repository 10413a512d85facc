//! The program as a process: its first run, its commands beside a running server, what it takes of the machine, and the
//! order of its system calls.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod access_log;
mod admin_tls;
mod archive;
mod check;
mod commands;
mod completions;
mod digests;
mod export;
mod faults;
mod file_systems;
mod files_client;
mod first_run;
mod full_disk;
mod inspect;
mod memory;
mod migrate;
mod mounts;
mod on_postgres;
mod panics;
mod put_back;
mod reload;
mod secrets;
mod service_manager;
mod settings;
mod tls;
mod trace;
mod traces;
mod unreadable;
mod upgrade;
mod upkeep;
mod workspace_metrics;
