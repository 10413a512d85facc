//! Opening: the content of one File, checked block by block while it is read.

use super::{Files, StorageError};
use crate::blobs::verify::{Expected, read_verified};
pub use crate::metadata::StoredContent;
use crate::model::byte_range::ByteRange;
use crate::model::ids::{FileId, WorkspaceId};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use std::pin::Pin;

/// Checked bytes, in order; a stream that ends without an error was complete.
pub type ContentStream = Pin<Box<dyn Stream<Item = Result<Bytes, StorageError>> + Send>>;

impl Files {
    /// What is needed to read the content of a File, if the workspace has it.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn open(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<StoredContent>, StorageError> {
        Ok(self.metadata.find_content(workspace, id).await?)
    }

    /// Bytes `range` of an opened File; the first block is read and checked when this returns.
    ///
    /// # Errors
    /// When the blob store failed, or the first block is not what was stored.
    pub async fn read(&self, content: StoredContent, range: ByteRange) -> Result<ContentStream, StorageError> {
        let StoredContent { file, blocks } = content;
        let expected = Expected { blob: file.blob, size_bytes: file.size_bytes, blocks };
        let stream = read_verified(&*self.blobs, expected, range).await?;
        Ok(stream.map(|chunk| chunk.map_err(StorageError::from)).boxed())
    }
}
