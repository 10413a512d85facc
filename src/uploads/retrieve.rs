//! Retrieving: where an Upload stands, and what it has, so that a client can resume.

use super::{UploadError, Uploads};
use crate::model::ids::{PartId, UploadId, WorkspaceId};
use crate::model::page::Page;
use crate::model::upload::{Part, Upload, UploadRefusal, UploadStatus};

impl Uploads {
    /// The Upload, whatever its status.
    ///
    /// # Errors
    /// When the workspace has none, or the store failed.
    pub async fn retrieve(&self, workspace: WorkspaceId, id: UploadId) -> Result<Upload, UploadError> {
        let found = self.metadata.find_upload(workspace, id).await?;
        Ok(found.ok_or(UploadRefusal::NotFound)?)
    }

    /// At most `limit` parts of a pending Upload behind the part `after`, in the order in which they came in; one that is
    /// not pending has none.
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
