//! Rows of the ledger: what is billed.

use super::error::MetadataError;
use crate::model::adjustment::{Adjusted, NewAdjustment};
use crate::model::audit::Origin;
use crate::model::ids::{ProcessId, WorkspaceId};
use crate::model::ledger::{LedgerRow, Reads};
use crate::model::page::Page;
use async_trait::async_trait;
use std::fmt::Debug;

/// The rows of the ledger, in the order of their `seq`.
#[async_trait]
pub trait LedgerStore: Debug + Send + Sync {
    /// Inserts reads, numbered from `first_number` among those of this process. Reads whose number exists already are
    /// ignored.
    async fn add_reads(&self, process: ProcessId, first_number: u64, reads: Vec<Reads>) -> Result<(), MetadataError>;
    /// Inserts a correction into the ledger and the audit log, once under its name, at the current second.
    async fn adjust(&self, new: NewAdjustment, origin: Origin) -> Result<Adjusted, MetadataError>;
    /// Returns at most `limit` rows of one or all workspaces behind the row `after_seq`, in the order of commits.
    async fn ledger(
        &self,
        workspace: Option<WorkspaceId>,
        after_seq: u64,
        limit: u32,
    ) -> Result<Page<LedgerRow>, MetadataError>;
    /// Returns the `event_id` of the newest row. Returns none when the ledger is empty.
    async fn newest_event(&self) -> Result<Option<String>, MetadataError>;
    /// Returns whether the ledger has a row of this `event_id`. The newest row is never removed. A store that lacks a
    /// row which was its newest was restored to an earlier moment.
    async fn has_event(&self, event_id: &str) -> Result<bool, MetadataError>;
}
