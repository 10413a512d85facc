//! Leases of processes that share a store.

use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::processes::ProcessStore;
use crate::model::ids::ProcessId;
use async_trait::async_trait;

#[async_trait]
impl ProcessStore for SqliteStore {
    /// The lock on its stores is the lease of a server.
    async fn renew_process(&self, _process: ProcessId) -> Result<(), MetadataError> {
        Ok(())
    }

    async fn end_process(&self, _process: ProcessId) -> Result<(), MetadataError> {
        Ok(())
    }
}
