//! Snapshots of all rows.

use super::error::MetadataError;
use async_trait::async_trait;
use std::fmt::Debug;
use std::path::Path;

/// The source of snapshots for backups and migrations.
#[async_trait]
pub trait SnapshotStore: Debug + Send + Sync {
    /// Writes all rows as of one moment to a new SQLite database, durably.
    async fn snapshot(&self, database: &Path) -> Result<(), MetadataError>;
}
