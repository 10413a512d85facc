//! Receiving: bytes come in before it is known whether they become a File.

use super::{Files, MAX_BATCH_FILE_BYTES, StorageError};
use crate::blobs::{BlobWriter, InFlightToken};
use crate::model::ids::{BlobId, WorkspaceId};
use crate::model::purpose::Purpose;
use crate::random;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// Why bytes are not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// As many uploads are in flight as may be.
    #[error("too many uploads are in flight")]
    TooManyUploads,
    /// The file is larger than a file may be.
    #[error("the file is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The largest file, in bytes.
        limit_bytes: u64,
    },
    /// The file is larger than a file of purpose `batch` may be.
    #[error("the file is larger than {MAX_BATCH_FILE_BYTES} bytes")]
    BatchTooLarge,
    /// A store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Bytes on their way to a blob that nobody sees yet. Dropping it discards them.
#[must_use]
pub struct Receiving {
    pub(super) workspace: WorkspaceId,
    pub(super) blob: BlobId,
    pub(super) claim: Claim,
    received_bytes: u64,
    max_file_bytes: u64,
    purpose: Option<Purpose>,
}

impl Files {
    /// Opens a blob for the bytes of one upload, its row before its first byte.
    ///
    /// # Errors
    /// When too many uploads are in flight, or a store failed.
    pub async fn receive(&self, workspace: WorkspaceId, purpose: Option<Purpose>) -> Result<Receiving, ReceiveError> {
        let blob = BlobId::new(random::bytes());
        let token = self.in_flight.enter(blob).ok_or(ReceiveError::TooManyUploads)?;
        let mut claim = Claim {
            writer: None,
            token: Some(token),
            sweep_wanted: Arc::clone(&self.sweep_wanted),
            tasks: self.tasks.clone(),
        };
        self.metadata.begin_blob(workspace, blob, self.process).await.map_err(StorageError::from)?;
        claim.writer = Some(self.blobs.create(blob).await.map_err(StorageError::from)?);
        Ok(Receiving { workspace, blob, claim, received_bytes: 0, max_file_bytes: self.max_file_bytes, purpose })
    }
}

impl Receiving {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// When the file becomes larger than it may be, or the blob store failed.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), ReceiveError> {
        self.received_bytes += chunk.len() as u64;
        self.check_size(self.purpose)?;
        if let Some(writer) = &mut self.claim.writer {
            writer.write(chunk).await.map_err(StorageError::from)?;
        }
        Ok(())
    }

    /// Whether what was received so far may be a file of this purpose.
    pub(super) fn check_size(&self, purpose: Option<Purpose>) -> Result<(), ReceiveError> {
        if self.received_bytes > self.max_file_bytes {
            return Err(ReceiveError::TooLarge { limit_bytes: self.max_file_bytes });
        }
        if purpose == Some(Purpose::Batch) && self.received_bytes > MAX_BATCH_FILE_BYTES {
            return Err(ReceiveError::BatchTooLarge);
        }
        Ok(())
    }
}

/// The right to a blob's name, and the duty to clear it away: when it is dropped before [`Self::settle`], what was
/// written is discarded, and then the sweeper takes the row.
pub(super) struct Claim {
    pub(super) writer: Option<Box<dyn BlobWriter>>,
    token: Option<InFlightToken>,
    sweep_wanted: Arc<Notify>,
    tasks: TaskTracker,
}

impl Claim {
    /// The blob belongs to a File now.
    pub(super) fn settle(mut self) {
        self.token = None;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let Some(token) = self.token.take() else { return };
        let (writer, sweep_wanted) = (self.writer.take(), Arc::clone(&self.sweep_wanted));
        self.tasks.spawn(async move {
            if let Some(writer) = writer {
                writer.discard().await;
            }
            drop(token);
            sweep_wanted.notify_one();
        });
    }
}
