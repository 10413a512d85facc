//! Receiving: bytes come in before it is known whether they become a File.

use super::lines::{LineCheck, Report};
use super::{Files, MAX_BATCH_FILE_BYTES, StoreError};
use crate::blobs::behind::Behind;
use crate::blobs::digest::ContentHasher;
use crate::blobs::{BlobWriter, InFlightToken};
use crate::failpoint;
use crate::model::blob::Place;
use crate::model::caller::Caller;
use crate::model::digest::ContentDigest;
use crate::model::ids::BlobId;
use crate::model::limits::{ConcurrencyScope, Limit, LimitOwner, Limits, LimitsInForce, QuotaExceeded, StorageUsage};
use crate::model::purpose::Purpose;
use crate::model::upload::{MAX_PART_BYTES, Upload};
use crate::random;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;

/// Why bytes are not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// As many uploads are in flight as may be.
    #[error("too many uploads are in flight")]
    TooManyUploads(ConcurrencyScope),
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
    /// The part is larger than what its Upload may still be given.
    #[error("the parts of an upload of {size_bytes} bytes may have {limit_bytes} bytes")]
    PartsTooLarge {
        /// What was declared.
        size_bytes: u64,
        /// The most that all parts of the Upload may have together.
        limit_bytes: u64,
    },
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the bytes are to become, which says how many there may be.
#[derive(Clone, Copy, Debug)]
enum Subject {
    File { purpose: Option<Purpose> },
    Part { room: Option<PartRoom> },
}

/// How many bytes an Upload may still be given, as of the begin of a part.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "units come last")]
struct PartRoom {
    size_bytes: u64,
    limit_bytes: u64,
    left_bytes: u64,
}

/// Bytes on their way to a place that nobody sees yet. Dropping it discards them.
#[must_use]
pub struct Receiving {
    files: Files,
    caller: Caller,
    limits: LimitsInForce,
    blob: BlobId,
    subject: Subject,
    received_bytes: u64,
    /// What came in, until it is too much for the metadata store.
    inline: BytesMut,
    /// Looks at the lines of what goes to a blob.
    lines: Option<Behind<LineCheck>>,
    claim: Claim,
}

/// Bytes that belong to nothing yet, durable unless they go to the row that is to come. Dropping it discards them.
#[must_use]
pub struct Received<P = Place> {
    /// Whose they are.
    pub caller: Caller,
    /// Where they are.
    pub place: P,
    /// What they amount to.
    pub content: ContentDigest,
    claim: Claim,
}

impl Files {
    /// Begins to receive the bytes of a File whose purpose may be known already.
    ///
    /// # Errors
    /// When too many uploads are in flight.
    pub fn receive(
        &self,
        caller: Caller,
        limits: LimitsInForce,
        purpose: Option<Purpose>,
    ) -> Result<Receiving, ReceiveError> {
        self.begin(caller, limits, Subject::File { purpose })
    }

    /// Begins to receive the bytes of a part of an Upload, no more than that may still be given; of a part that it was given
    /// before, `upload` is none.
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
        let blob = BlobId::of_moment(self.clock.now_ms(), random::bytes());
        let places = |limits: &Limits, otherwise: usize| {
            let limit = limits.get(Limit::ConcurrentUploads);
            limit.map_or(otherwise, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
        };
        let owners = [
            (LimitOwner::Workspace(caller.workspace), places(&limits.workspace, self.max_workspace_uploads)),
            (LimitOwner::Key(caller.key), places(&limits.key, usize::MAX)),
        ];
        let token = self.in_flight.enter(blob, owners).map_err(ReceiveError::TooManyUploads)?;
        let claim = Claim { writer: None, token: Some(token), begun: false, files: self.clone() };
        Ok(Receiving {
            files: self.clone(),
            caller,
            limits,
            blob,
            subject,
            received_bytes: 0,
            inline: BytesMut::new(),
            lines: None,
            claim,
        })
    }

    /// Returns what `refuse` finds too much for the workspace. Its totals are asked first: only what they refuse is worth a
    /// sum over what has expired.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn find_excess(
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
    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they become more than there may be, or a store failed.
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

    /// Ends the check of the lines of a file of this purpose: what is wrong with them, if anything is.
    ///
    /// # Errors
    /// When the check was cut off.
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

    /// Says what the File is for, now that it is known.
    ///
    /// # Errors
    /// When such a File may not be as large.
    pub(super) fn is_for(&mut self, known: Purpose) -> Result<(), ReceiveError> {
        if let Subject::File { purpose } = &mut self.subject {
            *purpose = Some(known);
        }
        self.check_size()
    }

    /// Makes the bytes durable, unless they are so few that the row of the File takes them with it.
    ///
    /// # Errors
    /// When a store failed; nothing of the bytes stays then.
    pub async fn finish(mut self) -> Result<Received, StoreError> {
        if self.is_inline() {
            let bytes = self.inline.split().freeze();
            let content = ContentHasher::of(&bytes);
            return Ok(Received { caller: self.caller, place: Place::Inline(bytes), content, claim: self.claim });
        }
        let Received { caller, place, content, claim } = self.finish_in_store().await?;
        Ok(Received { caller, place: Place::Store(place), content, claim })
    }

    /// Makes the bytes durable in the blob store, however few they are.
    ///
    /// # Errors
    /// When a store failed; nothing of the bytes stays then.
    pub async fn finish_in_store(mut self) -> Result<Received<BlobId>, StoreError> {
        self.writer().await?;
        let writer = self.claim.writer.take().ok_or_else(StoreError::claim_lost)?;
        let content = writer.finish().await?;
        Ok(Received { caller: self.caller, place: self.blob, content, claim: self.claim })
    }

    /// Whether there are so few bytes until now that they need no blob of their own.
    fn is_inline(&self) -> bool {
        let max_bytes = self.files.inline_max_bytes;
        let may_be = matches!(self.subject, Subject::File { .. }) && max_bytes > 0 && !self.claim.begun;
        may_be && self.received_bytes <= max_bytes
    }

    /// The writer of the blob, which has its row before its first byte and has been given what came in before it.
    async fn writer(&mut self) -> Result<&mut Box<dyn BlobWriter>, StoreError> {
        if !self.claim.begun {
            self.claim.begun = true;
            self.files.metadata.begin_blob(self.caller.workspace, self.blob, self.files.process).await?;
            failpoint::reach("receive.begun").map_err(StoreError::unavailable)?;
            let turns = self.files.write_turns.of(self.caller.workspace);
            let mut writer = self.files.blobs.create(self.blob).await?;
            writer.take_turns(turns.clone());
            self.claim.writer = Some(writer);
            if let Subject::File { purpose } = self.subject {
                self.lines = LineCheck::of(purpose).map(Behind::new);
            }
            if let Some(lines) = &mut self.lines {
                lines.take_turns(turns);
            }
            if !self.inline.is_empty() {
                let before = self.inline.split().freeze();
                self.put(before).await?;
            }
        }
        self.claim.writer.as_mut().ok_or_else(StoreError::claim_lost)
    }

    /// Gives bytes to the blob that has been begun, and to whoever looks at them.
    async fn put(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        if let Some(lines) = &mut self.lines {
            lines.write(chunk.clone()).await.map_err(StoreError::unavailable)?;
        }
        let writer = self.claim.writer.as_mut().ok_or_else(StoreError::claim_lost)?;
        Ok(writer.write(chunk).await?)
    }

    fn check_size(&self) -> Result<(), ReceiveError> {
        let Subject::File { purpose } = self.subject else {
            return self.check_part_size();
        };
        let of_purpose = purpose.and_then(|purpose| self.limits.get(Limit::FileBytes(purpose)));
        let limit_bytes = of_purpose.map_or(self.files.max_file_bytes, |limit| limit.min(self.files.max_file_bytes));
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
    /// The blob belongs to something now, unless nothing was made of it.
    pub fn keep_if(mut self, is_made: bool) {
        if is_made {
            self.claim.token = None;
        }
    }
}

/// The duty to clear a blob away: when it is dropped with its token, what was written is discarded, and then the sweeper
/// takes the row.
struct Claim {
    writer: Option<Box<dyn BlobWriter>>,
    token: Option<InFlightToken>,
    /// There may be a row of the blob.
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
