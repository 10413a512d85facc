//! The embedded metadata store: SQLite in WAL mode with `synchronous=FULL`.
//!
//! One writer thread groups the writes of concurrent requests into commits. Point reads run on the calling thread,
//! because a hop to another thread costs ten times the query. Several processes may have the database open: a server,
//! and the administrative commands beside it.

mod admission;
mod answers;
mod audit;
mod backlog;
mod blobs;
mod checks;
mod clock_watch;
mod connection;
mod default_expiries;
mod dump;
mod export;
mod failure;
mod files;
mod health;
mod holds;
mod import;
mod installation;
mod keys;
mod ledger;
mod limits;
mod link_uses;
mod links;
mod log;
mod merges;
mod migrate;
mod outbox;
mod overdue;
mod pace;
mod people;
#[cfg(test)]
mod plans;
mod processes;
mod queries;
mod readers;
mod refused;
mod releases;
mod reserve;
mod rows;
mod schema;
mod scrub;
mod sessions;
mod snapshot;
mod snapshots;
mod spare;
mod stamps;
#[cfg(test)]
mod statements;
mod store;
mod sweep;
#[cfg(test)]
mod tests;
mod transaction;
mod upkeep;
mod uploads;
mod usage;
mod workspaces;
mod writer;

pub use connection::OpenError;
pub(super) use dump::{Dump, has_numbers};
pub(super) use import::Import;
pub use migrate::MigrationError;
pub use snapshot::Snapshot;
pub use spare::{CompactError, Compacted};
pub use store::{Opener, SqliteStore};

impl super::MetadataStore for SqliteStore {}
