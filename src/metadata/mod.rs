//! The metadata stores: the rows of Files, workspaces and keys.
//!
//! Only this module writes SQL. A store has its own clock, mints the ids of the rows that it commits, and returns only
//! when a change is durable. It knows nothing of HTTP, and of blobs only their names and states: `pending -> ready ->
//! deleting -> gone` (docs/design/durability.md).
//!
//! There is one trait for each kind of row. Each driver implements it beside its SQL, in the file of the same name. A
//! service names the traits that it uses; only `app` holds a whole [`MetadataStore`].

mod answers;
mod audit;
mod backlog;
mod blobs;
mod checks;
mod clock_watch;
#[cfg(test)]
mod contract;
mod default_expiries;
mod error;
mod export;
mod files;
#[cfg(test)]
mod growing_tables;
mod holds;
mod keys;
mod ledger;
mod limits;
mod links;
mod merges;
mod migrations;
mod outbox;
mod overdue;
mod people;
pub mod postgres;
mod processes;
mod refused;
mod releases;
mod room;
mod rows;
mod rules;
mod scrub;
mod sessions;
mod snapshot;
pub mod sqlite;
mod stamps;
mod sweep;
mod upkeep;
mod uploads;
mod usage;
mod workspaces;

pub use answers::AnswerStore;
pub use audit::AuditStore;
pub use backlog::{Backlog, BacklogStore};
pub use blobs::{BlobRows, ReadyBlob};
pub use checks::CheckStore;
pub use clock_watch::ClockStore;
pub use default_expiries::{DefaultExpiryStore, OwnExpiries};
pub use error::{Cause, MetadataError};
pub use export::ExportStore;
pub use files::{FileStore, StoredContent};
pub use holds::HoldStore;
pub use keys::{KeyChanges, KeyStore, NewKey, NewSecret};
pub use ledger::LedgerStore;
pub use limits::{LimitStore, USAGE_EXPIRED_ROWS};
pub use links::{LinkStore, OpenedLink};
pub use merges::ReadMergeStore;
pub use migrations::SchemaState;
pub use outbox::OutboxStore;
pub use overdue::{Ended, ExpiryStore, Overdue};
pub use people::PersonStore;
pub use processes::{LEASE_SECONDS, ProcessStore};
pub use refused::RefusedMessageStore;
pub use releases::ReleaseStore;
pub use rules::checks::{MisfitCursor, MisfitPage};
pub use rules::read_merges::MergePage;
pub use scrub::ScrubStore;
pub use sessions::SessionStore;
pub use snapshot::SnapshotStore;
pub use stamps::StampStore;
pub use sweep::{DeletingCursor, DeletingPage, PendingBlob, SweepShare, SweepStore};
pub use upkeep::UpkeepStore;
pub use uploads::UploadStore;
pub use usage::{ROLL_UP_ROWS, UsageStore};
pub use workspaces::{Purged, WorkspaceStore};

/// Defines a trait for a set of traits of a metadata store: what a service with several of them needs.
macro_rules! trait_set {
    ($(#[$doc:meta])* pub trait $name:ident: $first:ident $(+ $more:ident)*;) => {
        $(#[$doc])*
        pub trait $name: $first $(+ $more)* {}
        impl<T: $first $(+ $more)*> $name for T {}
    };
}
pub(crate) use trait_set;

/// A metadata store: what a driver implements.
pub trait MetadataStore:
    AnswerStore
    + AuditStore
    + BacklogStore
    + BlobRows
    + CheckStore
    + ClockStore
    + DefaultExpiryStore
    + ExpiryStore
    + ExportStore
    + FileStore
    + HoldStore
    + KeyStore
    + LedgerStore
    + LimitStore
    + LinkStore
    + OutboxStore
    + PersonStore
    + ProcessStore
    + ReadMergeStore
    + RefusedMessageStore
    + ReleaseStore
    + ScrubStore
    + SessionStore
    + SnapshotStore
    + StampStore
    + SweepStore
    + UpkeepStore
    + UploadStore
    + UsageStore
    + WorkspaceStore
{
}
