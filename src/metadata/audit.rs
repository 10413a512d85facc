//! Rows of the audit log.

use super::error::MetadataError;
use crate::model::audit::{AuditQuery, Entry as AuditEntry};
use crate::model::page::Page;
use async_trait::async_trait;
use std::fmt::Debug;

/// The rows of the audit log.
#[async_trait]
pub trait AuditStore: Debug + Send + Sync {
    /// Returns a page of the audit log, newest first.
    async fn audit_log(&self, query: AuditQuery) -> Result<Page<AuditEntry>, MetadataError>;
    /// Numbers at most `limit` entries that have no place in the order of the log yet. Returns how many there were.
    async fn number_audit_log(&self, limit: u32) -> Result<usize, MetadataError>;
    /// Deletes at most `limit` entries that are older than `older_than_seconds`. Returns how many there were.
    async fn forget_audit_log(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError>;
}
