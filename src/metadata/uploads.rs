//! Rows of Uploads and their parts.

use super::error::MetadataError;
use crate::model::blob::StoredBlob;
use crate::model::caller::Caller;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{PartId, UploadId, WorkspaceId};
use crate::model::page::Page;
use crate::model::upload::{Completion, NewPart, NewUpload, Part, Upload, UploadRefusal};
use async_trait::async_trait;
use std::fmt::Debug;

/// The rows of Uploads and their parts.
#[async_trait]
pub trait UploadStore: Debug + Send + Sync {
    /// Inserts an Upload.
    async fn create_upload(
        &self,
        caller: Caller,
        upload: NewUpload,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, MetadataError>;
    /// Returns the Upload, whatever its status.
    async fn find_upload(&self, workspace: WorkspaceId, id: UploadId) -> Result<Option<Upload>, MetadataError>;
    /// Turns a `pending` blob to `ready` and makes it a part of a pending Upload, in one transaction. Returns none when
    /// the blob is not `pending` in this workspace.
    async fn create_part(
        &self,
        caller: Caller,
        upload: UploadId,
        part: NewPart,
        once: Option<Idempotency<Part>>,
    ) -> Result<IdempotentOutcome<Result<Option<Part>, UploadRefusal>>, MetadataError>;
    /// Returns at most `limit` parts of an Upload behind the part `after`, in the order of their arrival. Returns the
    /// part `after` as an error when the Upload does not have it.
    async fn list_parts(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        after: Option<PartId>,
        limit: u32,
    ) -> Result<Result<Page<Part>, PartId>, MetadataError>;
    /// Returns the blobs of these parts in this order, if [`complete_upload`](Self::complete_upload) would accept them.
    async fn find_part_blobs(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: Vec<PartId>,
    ) -> Result<Result<Vec<StoredBlob>, UploadRefusal>, MetadataError>;
    /// Makes a File of parts visible, completes the Upload and leaves its other parts to
    /// [`release_parts`](super::ReleaseStore::release_parts), in one transaction. Repeated with the same parts it
    /// changes nothing and returns the same.
    async fn complete_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Completion,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, MetadataError>;
    /// Cancels a pending Upload and leaves its parts to [`release_parts`](super::ReleaseStore::release_parts). A
    /// cancelled one stays as it is.
    async fn cancel_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, MetadataError>;
    /// Deletes at most `limit` Uploads that are not pending and whose deadline was more than `older_than_seconds` ago.
    /// Returns how many there were.
    async fn forget_uploads(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError>;
}
