//! Venna Files: the Files section of an OpenAI-compatible gateway, as one program.
//!
//! The modules stand floor by floor, and imports go down only; `tests/tidy.rs` holds the edges.
//! `ARCHITECTURE.md` says what each room is for.

// Floor 6, the entrance.
pub mod cli;
// Floor 5, the wiring.
pub mod app;
// Floor 4, the hall.
pub mod http;
// Floor 3, the verbs.
pub mod archive;
pub mod audit;
pub mod files;
pub mod inspect;
pub mod keys;
pub mod outbox;
pub mod sweep;
pub mod uploads;
pub mod usage;
pub mod workspaces;
// Floor 2, the stores.
pub mod blobs;
pub mod metadata;
pub mod sinks;
// Floor 1, the nouns.
pub mod model;
// Floor 0, the ground.
pub mod causes;
pub mod clock;
pub mod config;
pub mod failpoint;
pub mod random;
pub mod shares;
pub mod volume;
