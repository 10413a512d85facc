//! Leases of processes that share a store.

use super::error::MetadataError;
use crate::model::ids::ProcessId;
use async_trait::async_trait;
use std::fmt::Debug;

/// The lease of a process in seconds. Blobs that it left pending are swept after the lease has expired.
pub const LEASE_SECONDS: u64 = 30;

/// The leases of the processes that share a store.
#[async_trait]
pub trait ProcessStore: Debug + Send + Sync {
    /// Renews the lease of a process for [`LEASE_SECONDS`] from now.
    async fn renew_process(&self, process: ProcessId) -> Result<(), MetadataError>;
    /// Ends the lease of a process that has no operation in progress.
    async fn end_process(&self, process: ProcessId) -> Result<(), MetadataError>;
}
