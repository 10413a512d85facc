//! The metadata store of several servers: PostgreSQL.
//!
//! The database decides the time. A transaction of a request takes two round trips (`writer`), a read takes one. Files
//! of one workspace are created one after the other, because their ids appear in the order of their commits, and share
//! commits (`group_commit`). Everything else is concurrent. This process holds no state but connections.

mod admission;
mod answers;
mod audit;
mod backlog;
mod blobs;
mod checks;
mod clock_watch;
mod complete;
mod connecting;
mod connections;
mod create;
mod default_expiries;
mod delete;
mod endpoint;
mod examine;
mod export;
mod failure;
mod fair_gate;
mod files;
mod group_commit;
mod holds;
mod import;
mod index_change;
mod keys;
mod ledger;
mod limits;
mod links;
mod merges;
mod migrate;
mod open;
mod open_error;
mod outbox;
mod overdue;
mod parts;
mod password_file;
mod pending;
mod people;
#[cfg(test)]
mod plans;
mod pool_health;
mod pooler;
mod processes;
mod refused;
mod releases;
mod rows;
mod scrub;
mod session_setup;
mod sessions;
mod snapshot;
mod stamps;
#[cfg(test)]
mod statements;
mod store;
mod sweep;
mod task;
mod timeouts;
mod tls;
mod upkeep;
mod upload_ends;
mod upload_rows;
mod uploads;
mod usage;
mod workspaces;
mod writer;

pub use endpoint::{BadUrl, check_url};
pub use examine::Examined;
pub use import::FillError;
pub use open_error::{MigrationError, OpenError};
pub use password_file::PasswordFileError;
pub use store::PostgresStore;
pub use tls::TlsError;

impl super::MetadataStore for PostgresStore {}

#[cfg(test)]
mod tests;
