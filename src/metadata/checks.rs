//! The search for rows that contradict each other.

use super::error::MetadataError;
use super::rules::checks::{MisfitCursor, MisfitPage};
use crate::model::finding::Finding;
use async_trait::async_trait;
use std::fmt::Debug;

/// The search for rows that contradict each other.
#[async_trait]
pub trait CheckStore: Debug + Send + Sync {
    /// Checks the next page of all rows in a snapshot of its own.
    async fn find_some_misfits(&self, cursor: MisfitCursor) -> Result<MisfitPage, MetadataError>;
    /// Checks all rows, page by page.
    async fn find_misfits(&self) -> Result<Vec<Finding>, MetadataError> {
        let (mut findings, mut cursor) = (Vec::new(), Some(MisfitCursor::default()));
        while let Some(here) = cursor {
            let page = self.find_some_misfits(here).await?;
            findings.extend(page.findings);
            cursor = page.next;
        }
        Ok(findings)
    }
}
