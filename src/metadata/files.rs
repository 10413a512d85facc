//! Rows of Files.

use super::error::MetadataError;
use crate::model::blob::StoredBlob;
use crate::model::caller::Caller;
use crate::model::chosen_name::ChosenName;
use crate::model::file::{File, NewFile};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{FileId, WorkspaceId};
use crate::model::page::{FileQuery, NameQuery, Page};
use async_trait::async_trait;
use std::fmt::Debug;

/// The time for which the store tells an expired File from one that never was, in seconds: 30 days.
pub const EXPIRED_KNOWN_SECONDS: u64 = 2_592_000;

/// A File and its blobs, with which its content is read and verified.
#[derive(Clone, Debug)]
pub struct StoredContent {
    /// The File.
    pub file: File,
    /// The blobs that hold its content, in the order of their bytes.
    pub blobs: Vec<StoredBlob>,
}

/// The rows of Files.
#[async_trait]
pub trait FileStore: Debug + Send + Sync {
    /// Makes a File of received bytes visible and its blob `ready`, in one transaction. Returns none when the blob is
    /// not `pending` in this workspace. This and every other change of a caller that returns an [`IdempotentOutcome`]
    /// is refused when the key of the caller is not valid any more, or when the workspace would exceed its quotas. With
    /// `once`, it takes effect once under its idempotency key, and its answer is stored in the same transaction. The
    /// answer to a refused change is not stored.
    async fn create_file(
        &self,
        caller: Caller,
        file: NewFile,
        once: Option<Idempotency<File>>,
    ) -> Result<IdempotentOutcome<Option<File>>, MetadataError>;
    /// Returns the File, unless it has expired.
    async fn find_file(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<File>, MetadataError>;
    /// Returns the File that has this chosen name, unless it has expired.
    async fn find_named_file(&self, workspace: WorkspaceId, name: ChosenName) -> Result<Option<File>, MetadataError>;
    /// Returns the File and the checksums of its blobs, unless it has expired.
    async fn find_content(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<StoredContent>, MetadataError>;
    /// Returns whether the workspace had this File and it expired within the last `EXPIRED_KNOWN_SECONDS`. Of Files
    /// that were created before the ledger noted dialects, this is not known once they are swept.
    async fn has_expired(&self, workspace: WorkspaceId, id: FileId) -> Result<bool, MetadataError>;
    /// Returns a page of the Files that have not expired, in the order of their ids.
    async fn list_files(&self, workspace: WorkspaceId, query: FileQuery) -> Result<Page<File>, MetadataError>;
    /// Returns a page of the Files that have not expired and whose names begin so, in the order of their names.
    async fn list_files_by_name(&self, workspace: WorkspaceId, query: NameQuery) -> Result<Page<File>, MetadataError>;
    /// Deletes a File and turns its blob to `deleting`, or deletes the blob whose bytes the metadata store has. The
    /// parts of a File are left to [`release_parts`](super::ReleaseStore::release_parts). Returns false when there is
    /// no such File or it has expired.
    async fn delete_file(&self, caller: Caller, id: FileId) -> Result<bool, MetadataError>;
}
