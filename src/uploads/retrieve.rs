//! Retrieves Uploads and lists their parts, so that a client can resume.

use super::{UploadError, Uploads};
use crate::model::ids::{PartId, UploadId, WorkspaceId};
use crate::model::page::Page;
use crate::model::upload::{Part, Upload, UploadRefusal, UploadStatus};

impl Uploads {
    /// Returns the Upload, in any status.
    ///
    /// # Errors
    /// When the workspace has no such Upload, or the store failed.
    pub async fn retrieve(&self, workspace: WorkspaceId, id: UploadId) -> Result<Upload, UploadError> {
        let found = self.metadata.find_upload(workspace, id).await?;
        Ok(found.ok_or(UploadRefusal::NotFound)?)
    }

    /// Returns at most `limit` parts of a pending Upload after the part `after`, in order of arrival; none for one that
    /// is not pending.
    ///
    /// # Errors
    /// When the workspace has no such Upload, the Upload no such part, or the store failed.
    pub async fn list_parts(
        &self,
        workspace: WorkspaceId,
        id: UploadId,
        after: Option<PartId>,
        limit: u32,
    ) -> Result<Page<Part>, UploadError> {
        if self.retrieve(workspace, id).await?.status != UploadStatus::Pending {
            return Ok(Page::empty());
        }
        let page = self.metadata.list_parts(workspace, id, after, limit).await?;
        Ok(page.map_err(UploadRefusal::UnknownCursor)?)
    }
}
