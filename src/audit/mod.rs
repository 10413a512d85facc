//! Reads of the audit log. Entries are written in the transactions of their actions.

use crate::metadata::{AuditStore, MetadataError};
use crate::model::audit::{AuditQuery, Entry};
use crate::model::page::Page;
use std::sync::Arc;

/// The audit log of an installation.
#[derive(Clone, Debug)]
pub struct AuditLog {
    /// The metadata store.
    pub metadata: Arc<dyn AuditStore>,
}

impl AuditLog {
    /// Returns a page of entries, newest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self, query: AuditQuery) -> Result<Page<Entry>, MetadataError> {
        self.metadata.audit_log(query).await
    }
}
