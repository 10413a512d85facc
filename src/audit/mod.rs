//! The audit log: who did what. What is entered is entered where it is done, in its transaction; here it is read.

use crate::metadata::{AuditStore, MetadataError};
use crate::model::audit::{AuditQuery, Entry};
use crate::model::page::Page;
use std::sync::Arc;

/// The audit log of an installation.
#[derive(Clone, Debug)]
pub struct AuditLog {
    /// Rows.
    pub metadata: Arc<dyn AuditStore>,
}

impl AuditLog {
    /// A page of it, newest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self, query: AuditQuery) -> Result<Page<Entry>, MetadataError> {
        self.metadata.audit_log(query).await
    }
}
