//! Receiving: bytes come in before it is known whether they become a File.

use super::{Files, MAX_BATCH_FILE_BYTES, StoreError};
use crate::blobs::{BlobWriter, InFlightToken};
use crate::failpoint;
use crate::model::digest::ContentDigest;
use crate::model::ids::{BlobId, WorkspaceId};
use crate::model::purpose::Purpose;
use crate::model::upload::MAX_PART_BYTES;
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
    FileTooLarge {
        /// The largest file, in bytes.
        limit_bytes: u64,
    },
    /// The file is larger than a file of purpose `batch` may be.
    #[error("the file is larger than {MAX_BATCH_FILE_BYTES} bytes")]
    BatchTooLarge,
    /// The part is larger than a part may be.
    #[error("the part is larger than {MAX_PART_BYTES} bytes")]
    PartTooLarge,
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the bytes are to become, which says how many there may be.
#[derive(Clone, Copy, Debug)]
enum Subject {
    File { max_bytes: u64, purpose: Option<Purpose> },
    Part,
}

/// Bytes on their way to a blob that nobody sees yet. Dropping it discards them.
#[must_use]
pub struct Receiving {
    workspace: WorkspaceId,
    blob: BlobId,
    subject: Subject,
    received_bytes: u64,
    claim: Claim,
}

/// Bytes that are durable and belong to nothing yet. Dropping it discards them.
#[must_use]
pub struct Received {
    /// Whose they are.
    pub workspace: WorkspaceId,
    /// Where they are.
    pub blob: BlobId,
    /// What they amount to.
    pub content: ContentDigest,
    claim: Claim,
}

impl Files {
    /// Opens a blob for the bytes of a File whose purpose may be known already, its row before its first byte.
    ///
    /// # Errors
    /// When too many uploads are in flight, or a store failed.
    pub async fn receive(&self, workspace: WorkspaceId, purpose: Option<Purpose>) -> Result<Receiving, ReceiveError> {
        self.open_blob(workspace, Subject::File { max_bytes: self.max_file_bytes, purpose }).await
    }

    /// Opens a blob for the bytes of a part of an Upload.
    ///
    /// # Errors
    /// When too many uploads are in flight, or a store failed.
    pub async fn receive_part(&self, workspace: WorkspaceId) -> Result<Receiving, ReceiveError> {
        self.open_blob(workspace, Subject::Part).await
    }

    async fn open_blob(&self, workspace: WorkspaceId, subject: Subject) -> Result<Receiving, ReceiveError> {
        let blob = BlobId::new(random::bytes());
        let token = self.in_flight.enter(blob).ok_or(ReceiveError::TooManyUploads)?;
        let (sweep_wanted, tasks) = (Arc::clone(&self.sweep_wanted), self.tasks.clone());
        let mut claim = Claim { writer: None, token: Some(token), sweep_wanted, tasks };
        self.metadata.begin_blob(workspace, blob, self.process).await.map_err(StoreError::from)?;
        failpoint::reach("receive.begun").map_err(StoreError::unavailable)?;
        claim.writer = Some(self.blobs.create(blob).await.map_err(StoreError::from)?);
        Ok(Receiving { workspace, blob, subject, received_bytes: 0, claim })
    }
}

impl Receiving {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they become more than there may be, or the blob store failed.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), ReceiveError> {
        self.received_bytes += chunk.len() as u64;
        self.check_size()?;
        let writer = self.claim.writer.as_mut().ok_or_else(StoreError::claim_lost)?;
        Ok(writer.write(chunk).await.map_err(StoreError::from)?)
    }

    /// Says what the File is for, now that it is known.
    ///
    /// # Errors
    /// When such a File may not be as large.
    pub(super) fn is_for(&mut self, known: Purpose) -> Result<(), ReceiveError> {
        if let Subject::File { purpose, .. } = &mut self.subject {
            *purpose = Some(known);
        }
        self.check_size()
    }

    /// Makes the bytes durable.
    ///
    /// # Errors
    /// When the blob store failed; nothing of the bytes stays then.
    pub async fn finish(mut self) -> Result<Received, StoreError> {
        let writer = self.claim.writer.take().ok_or_else(StoreError::claim_lost)?;
        let content = writer.finish().await?;
        Ok(Received { workspace: self.workspace, blob: self.blob, content, claim: self.claim })
    }

    fn check_size(&self) -> Result<(), ReceiveError> {
        match self.subject {
            Subject::File { max_bytes, .. } if self.received_bytes > max_bytes => {
                Err(ReceiveError::FileTooLarge { limit_bytes: max_bytes })
            }
            Subject::File { purpose: Some(Purpose::Batch), .. } if self.received_bytes > MAX_BATCH_FILE_BYTES => {
                Err(ReceiveError::BatchTooLarge)
            }
            Subject::Part if self.received_bytes > MAX_PART_BYTES => Err(ReceiveError::PartTooLarge),
            Subject::File { .. } | Subject::Part => Ok(()),
        }
    }
}

impl Received {
    /// The blob belongs to something now.
    pub fn keep(mut self) {
        self.claim.token = None;
    }
}

/// The duty to clear a blob away: when it is dropped with its token, what was written is discarded, and then the sweeper
/// takes the row.
struct Claim {
    writer: Option<Box<dyn BlobWriter>>,
    token: Option<InFlightToken>,
    sweep_wanted: Arc<Notify>,
    tasks: TaskTracker,
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
