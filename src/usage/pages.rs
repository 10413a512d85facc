//! Reads the usage of many workspaces page by page, which bounds memory.

use super::Usage;
use crate::metadata::MetadataError;
use crate::model::ids::WorkspaceId;
use crate::model::usage::{UsageByGroup, UsageQuery};

/// The number of workspaces per page. Each may have a slot for every hour and key of the window.
const PAGE_WORKSPACES: u32 = 64;

impl Usage {
    /// Passes the usage of a query's workspaces to `take`, page by page in the order of their ids. Each page is a
    /// snapshot of its own. Without grouping by workspace there is one page.
    ///
    /// # Errors
    /// When the store failed.
    pub(super) async fn usage_by_pages(
        &self,
        query: UsageQuery,
        mut take: impl FnMut(UsageByGroup),
    ) -> Result<(), MetadataError> {
        if !query.by.workspace {
            take(self.metadata.usage(query).await?);
            return Ok(());
        }
        if let Some(workspaces) = &query.workspaces {
            let mut workspaces = workspaces.clone();
            workspaces.sort_unstable();
            workspaces.dedup();
            for page in workspaces.chunks(PAGE_WORKSPACES as usize) {
                take(self.usage_of(&query, page.to_vec()).await?);
            }
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = self.metadata.list_workspaces(after, PAGE_WORKSPACES, true).await?;
            let workspaces: Vec<WorkspaceId> = page.rows.iter().map(|workspace| workspace.id).collect();
            after = workspaces.last().copied();
            take(self.usage_of(&query, workspaces).await?);
            if !page.has_more {
                return Ok(());
            }
        }
    }

    async fn usage_of(&self, query: &UsageQuery, workspaces: Vec<WorkspaceId>) -> Result<UsageByGroup, MetadataError> {
        self.metadata.usage(UsageQuery { workspaces: Some(workspaces), ..query.clone() }).await
    }
}
