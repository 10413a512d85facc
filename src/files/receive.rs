//! Receives bytes before they become a File or a part.

use super::lines::{LineCheck, Report};
use super::{FileSettings, Files, MAX_BATCH_FILE_BYTES, StoreError};
use crate::blobs::blocking_pipeline::BlockingPipeline;
use crate::blobs::digest::ContentHasher;
use crate::blobs::{BlobWriter, InFlightToken};
use crate::failpoint;
use crate::model::blob::ContentLocation;
use crate::model::caller::Caller;
use crate::model::digest::ContentDigest;
use crate::model::ids::BlobId;
use crate::model::limits::{ConcurrencyScope, Limit, LimitOwner, Limits, LimitsInForce, QuotaExceeded, StorageUsage};
use crate::model::purpose::Purpose;
use crate::model::upload::{MAX_PART_BYTES, Upload};
use crate::random;
use crate::traces::Step;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;

/// The reason why bytes are not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Too many uploads are in flight.
    #[error("too many uploads are in flight")]
    TooManyUploads(ConcurrencyScope),
    /// The file exceeds its maximum.
    #[error("the file is larger than {limit_bytes} bytes")]
    FileTooLarge {
        /// The maximum, in bytes.
        limit_bytes: u64,
    },
    /// The file exceeds the maximum of purpose `batch`.
    #[error("the file is larger than {MAX_BATCH_FILE_BYTES} bytes")]
    BatchTooLarge,
    /// The part exceeds its maximum.
    #[error("the part is larger than {MAX_PART_BYTES} bytes")]
    PartTooLarge,
    /// The part exceeds the remaining bytes of its Upload.
    #[error("the parts of an upload of {size_bytes} bytes may have {limit_bytes} bytes")]
    PartsTooLarge {
        /// The declared size, in bytes.
        size_bytes: u64,
        /// The maximum of the parts' total size, in bytes.
        limit_bytes: u64,
    },
    /// A blob store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The object that the bytes become, which decides their maximum.
#[derive(Clone, Copy, Debug)]
enum Subject {
    File { purpose: Option<Purpose>, most_bytes: u64 },
    Part { room: Option<PartRoom> },
}

/// The remaining bytes of an Upload at the start of a part.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "units come last")]
struct PartRoom {
    size_bytes: u64,
    limit_bytes: u64,
    left_bytes: u64,
}

/// Bytes that are being received, invisible and removed on drop.
#[must_use]
pub struct Receiving {
    files: Files,
    caller: Caller,
    limits: LimitsInForce,
    settings: FileSettings,
    blob: BlobId,
    subject: Subject,
    received_bytes: u64,
    /// The bytes while they may still be kept inline.
    inline: BytesMut,
    /// The line check of bytes that go to a blob.
    lines: Option<BlockingPipeline<LineCheck>>,
    /// The step of a trace, from the first byte of the blob to the last.
    writing: Step,
    claim: Claim,
}

/// Received bytes without an owner, removed on drop. They are durable unless they are to be inline.
#[must_use]
pub struct Received<P = ContentLocation> {
    /// The caller.
    pub caller: Caller,
    /// The location.
    pub place: P,
    /// The digest.
    pub content: ContentDigest,
    claim: Claim,
}

impl Files {
    /// Begins to receive a File, whose purpose may be known.
    ///
    /// # Errors
    /// When too many uploads are in flight.
    pub fn receive(
        &self,
        caller: Caller,
        limits: LimitsInForce,
        purpose: Option<Purpose>,
    ) -> Result<Receiving, ReceiveError> {
        self.begin(caller, limits, Subject::File { purpose, most_bytes: u64::MAX })
    }

    /// Begins to receive a part, up to the remaining bytes of `upload`; none for a repeated part.
    ///
    /// # Errors
    /// When too many uploads are in flight.
    pub fn receive_part(
        &self,
        caller: Caller,
        limits: LimitsInForce,
        upload: Option<&Upload>,
    ) -> Result<Receiving, ReceiveError> {
        let room = upload.map(|upload| {
            let limit_bytes = upload.max_parts_bytes();
            let left_bytes = limit_bytes.saturating_sub(upload.parts_bytes);
            PartRoom { size_bytes: upload.size_bytes, limit_bytes, left_bytes }
        });
        self.begin(caller, limits, Subject::Part { room })
    }

    fn begin(&self, caller: Caller, limits: LimitsInForce, subject: Subject) -> Result<Receiving, ReceiveError> {
        let (blob, settings) = (BlobId::of_moment(self.clock.now_ms(), random::bytes()), **self.settings.load());
        let places = |limits: &Limits, otherwise: usize| {
            let limit = limits.get(Limit::ConcurrentUploads);
            limit.map_or(otherwise, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
        };
        let owners = [
            (LimitOwner::Workspace(caller.workspace), places(&limits.workspace, settings.max_workspace_uploads)),
            (LimitOwner::Key(caller.key), places(&limits.key, usize::MAX)),
        ];
        let token = self.in_flight.enter(blob, owners).map_err(ReceiveError::TooManyUploads)?;
        let claim = Claim { writer: None, token: Some(token), begun: false, files: self.clone() };
        Ok(Receiving {
            files: self.clone(),
            caller,
            limits,
            settings,
            blob,
            subject,
            received_bytes: 0,
            inline: BytesMut::new(),
            lines: None,
            writing: Step::default(),
            claim,
        })
    }

    /// Returns the quota that `refuse` finds exceeded. It is asked with the stored totals first, and only on a refusal
    /// with the totals less what has expired.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn find_exceeded_quota(
        &self,
        caller: Caller,
        refuse: impl Fn(StorageUsage) -> Option<QuotaExceeded>,
    ) -> Result<Option<QuotaExceeded>, StoreError> {
        if refuse(self.metadata.storage_totals(caller.workspace).await?).is_none() {
            return Ok(None);
        }
        Ok(refuse(self.metadata.storage_usage(caller.workspace).await?))
    }
}

impl Receiving {
    /// Returns the settings that the upload began with.
    pub(super) const fn settings(&self) -> &FileSettings {
        &self.settings
    }

    /// Bounds the size of a File further.
    pub fn limit_bytes(mut self, limit_bytes: u64) -> Self {
        if let Subject::File { most_bytes, .. } = &mut self.subject {
            *most_bytes = limit_bytes;
        }
        self
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they exceed their maximum, or a store failed.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), ReceiveError> {
        self.received_bytes += chunk.len() as u64;
        self.check_size()?;
        if self.is_inline() {
            self.inline.extend_from_slice(&chunk);
            return Ok(());
        }
        self.writer().await?;
        self.put(chunk).await?;
        Ok(())
    }

    /// Ends the line check of a file of this purpose. Returns its faults.
    ///
    /// # Errors
    /// When the check failed.
    pub(super) async fn check_lines(&mut self, purpose: Purpose) -> Result<Option<String>, StoreError> {
        let report = match self.lines.take() {
            Some(lines) => Some(lines.finish(|check| Ok(check.finish())).await.map_err(StoreError::unavailable)?),
            None => LineCheck::of(Some(purpose)).filter(|_| !self.claim.begun).map(|check| self.inline_report(check)),
        };
        Ok(report.and_then(|report| report.details(purpose)))
    }

    fn inline_report(&self, mut check: LineCheck) -> Report {
        check.update(&self.inline);
        check.finish()
    }

    /// Sets the purpose of the File.
    ///
    /// # Errors
    /// When the bytes exceed the maximum of the purpose.
    pub(super) fn set_purpose(&mut self, known: Purpose) -> Result<(), ReceiveError> {
        if let Subject::File { purpose, .. } = &mut self.subject {
            *purpose = Some(known);
        }
        self.check_size()
    }

    /// Makes the bytes durable, unless they are small enough to be inline.
    ///
    /// # Errors
    /// When a store failed. The bytes are removed then.
    pub async fn finish(mut self) -> Result<Received, StoreError> {
        if self.is_inline() {
            let bytes = self.inline.split().freeze();
            let content = ContentHasher::of(&bytes);
            return Ok(Received {
                caller: self.caller,
                place: ContentLocation::Inline(bytes),
                content,
                claim: self.claim,
            });
        }
        let Received { caller, place, content, claim } = self.finish_in_store().await?;
        Ok(Received { caller, place: ContentLocation::Store(place), content, claim })
    }

    /// Makes the bytes durable in the blob store, whatever their size.
    ///
    /// # Errors
    /// When a store failed. The bytes are removed then.
    pub async fn finish_in_store(mut self) -> Result<Received<BlobId>, StoreError> {
        self.writer().await?;
        let writer = self.claim.writer.take().ok_or_else(StoreError::claim_lost)?;
        self.writing = Step::default();
        let _step = Step::begin("publish");
        let content = writer.finish().await?;
        Ok(Received { caller: self.caller, place: self.blob, content, claim: self.claim })
    }

    /// Returns whether the bytes are small enough to be inline.
    fn is_inline(&self) -> bool {
        let max_bytes = self.settings.inline_max_bytes;
        let may_be = matches!(self.subject, Subject::File { .. }) && max_bytes > 0 && !self.claim.begun;
        may_be && self.received_bytes <= max_bytes
    }

    /// Returns the writer of the blob. The first call creates the blob's row, then writes the inline bytes.
    async fn writer(&mut self) -> Result<&mut Box<dyn BlobWriter>, StoreError> {
        if !self.claim.begun {
            self.claim.begun = true;
            self.writing = Step::begin("write");
            self.files.metadata.begin_blob(self.caller.workspace, self.blob, self.files.process).await?;
            failpoint::reach("receive.begun").map_err(StoreError::unavailable)?;
            let limiter = self.files.write_limiter.for_owner(self.caller.workspace);
            let mut writer = self.files.blobs.create(self.blob).await?;
            writer.limit_writes(limiter.clone());
            self.claim.writer = Some(writer);
            if let Subject::File { purpose, .. } = self.subject {
                self.lines = LineCheck::of(purpose).map(BlockingPipeline::new);
            }
            if let Some(lines) = &mut self.lines {
                lines.limit_writes(limiter);
            }
            if !self.inline.is_empty() {
                let before = self.inline.split().freeze();
                self.put(before).await?;
            }
        }
        self.claim.writer.as_mut().ok_or_else(StoreError::claim_lost)
    }

    /// Passes bytes to the blob and to the line check.
    async fn put(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        if let Some(lines) = &mut self.lines {
            lines.write(chunk.clone()).await.map_err(StoreError::unavailable)?;
        }
        let writer = self.claim.writer.as_mut().ok_or_else(StoreError::claim_lost)?;
        Ok(writer.write(chunk).await?)
    }

    fn check_size(&self) -> Result<(), ReceiveError> {
        let Subject::File { purpose, most_bytes } = self.subject else {
            return self.check_part_size();
        };
        let of_purpose = purpose.and_then(|purpose| self.limits.get(Limit::FileBytes(purpose)));
        let limit_bytes = of_purpose.unwrap_or(u64::MAX).min(self.settings.max_file_bytes).min(most_bytes);
        if self.received_bytes > limit_bytes {
            return Err(ReceiveError::FileTooLarge { limit_bytes });
        }
        if purpose == Some(Purpose::Batch) && self.received_bytes > MAX_BATCH_FILE_BYTES {
            return Err(ReceiveError::BatchTooLarge);
        }
        Ok(())
    }
}

impl Receiving {
    fn check_part_size(&self) -> Result<(), ReceiveError> {
        if self.received_bytes > MAX_PART_BYTES {
            return Err(ReceiveError::PartTooLarge);
        }
        match self.subject {
            Subject::Part { room: Some(PartRoom { size_bytes, limit_bytes, left_bytes }) }
                if self.received_bytes > left_bytes =>
            {
                Err(ReceiveError::PartsTooLarge { size_bytes, limit_bytes })
            }
            Subject::Part { .. } | Subject::File { .. } => Ok(()),
        }
    }
}

impl<P> Received<P> {
    /// Keeps the blob if it has an owner now.
    pub fn keep_if(mut self, is_made: bool) {
        if is_made {
            self.claim.token = None;
        }
    }
}

/// The clean-up of a blob. On drop it discards the bytes, and then lets the sweeper remove the row.
struct Claim {
    writer: Option<Box<dyn BlobWriter>>,
    token: Option<InFlightToken>,
    /// The blob may have a row.
    begun: bool,
    files: Files,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let Some(token) = self.token.take().filter(|_| self.begun) else { return };
        let (writer, sweep_wanted) = (self.writer.take(), Arc::clone(&self.files.sweep_wanted));
        self.files.tasks.spawn(async move {
            if let Some(writer) = writer {
                writer.discard().await;
            }
            drop(token);
            sweep_wanted.notify_one();
        });
    }
}
