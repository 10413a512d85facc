//! Venna Files: the Files section of an OpenAI-compatible gateway, as one program.
//!
//! The modules are listed layer by layer, and imports go down only; `tests/tidy.rs` checks the imports.
//! `ARCHITECTURE.md` tells the purpose of each module.

// Layer 6, entrance.
pub mod cli;
// Layer 5, wiring.
pub mod app;
// Layer 4, transport.
pub mod http;
// Layer 3, services.
pub mod archive;
pub mod audit;
pub mod files;
pub mod inspect;
pub mod keys;
pub mod links;
pub mod outbox;
pub mod people;
pub mod sessions;
pub mod status;
pub mod sweep;
pub mod uploads;
pub mod usage;
pub mod workspaces;
// Layer 2, stores.
pub mod access_log;
pub mod blobs;
pub mod metadata;
pub mod oidc;
pub mod sinks;
// Layer 1, model.
pub mod model;
pub mod traces;
// Layer 0, base.
pub mod clock;
pub mod config;
pub mod error_chain;
pub mod failpoint;
pub mod filesystem;
pub mod metrics;
pub mod random;
pub mod shares;
