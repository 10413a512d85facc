//! Resumable Uploads: the bytes arrive in order, each request says where its bytes begin, and all parts become the
//! File.
//!
//! A request whose answer was lost is repeated. What the Upload has already is read and passed over, so that a
//! repetition changes nothing, and every part is added only at the end of the Upload.

use super::{AddPartError, CompleteError, UploadError, Uploads};
use crate::files::{ReceiveError, Receiving, StoreError};
use crate::model::caller::{Caller, Refused};
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::UploadId;
use crate::model::limits::LimitsInForce;
use crate::model::upload::{Completion, MAX_PART_BYTES, MAX_PARTS, Upload, UploadRefusal, UploadStatus};
use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_util::StreamExt;

/// The reason why bytes are not appended. `E` is a failure of the body that they come from.
#[derive(Debug, thiserror::Error)]
pub enum AppendError<E> {
    /// A part is not added.
    #[error(transparent)]
    Part(#[from] AddPartError),
    /// The key of the caller has ended, or a quota is reached.
    #[error("the part is refused")]
    Refused(Refused),
    /// The body failed.
    #[error("the body ended early")]
    Body(E),
}

impl<E> From<UploadRefusal> for AppendError<E> {
    fn from(refusal: UploadRefusal) -> Self {
        Self::Part(refusal.into())
    }
}

impl<E> From<StoreError> for AppendError<E> {
    fn from(error: StoreError) -> Self {
        Self::Part(error.into())
    }
}

/// The end of an Upload while bytes are appended.
struct Appending<'a> {
    uploads: &'a Uploads,
    caller: Caller,
    limits: LimitsInForce,
    upload: UploadId,
    /// The bytes before those that come next.
    offset_bytes: u64,
    /// The bytes that the Upload has.
    stored_bytes: u64,
    /// The part that is being received, and its bytes so far.
    part: Option<(Receiving, u64)>,
}

impl Uploads {
    /// Appends bytes that begin at `offset_bytes`. Those that the Upload has already are passed over. The others are
    /// durable when this returns, in parts of at most [`MAX_PART_BYTES`], also those before a failure. Returns how many
    /// bytes the Upload has then.
    ///
    /// # Errors
    /// When the Upload is not pending, or has fewer bytes than `offset_bytes` or no room; when the caller is refused,
    /// the body fails, or a store failed.
    pub async fn append<E>(
        &self,
        caller: Caller,
        limits: LimitsInForce,
        upload: UploadId,
        offset_bytes: u64,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
    ) -> Result<u64, AppendError<E>> {
        let found = self.metadata.find_upload(caller.workspace, upload).await.map_err(StoreError::from)?;
        let found = found.ok_or(UploadRefusal::NotFound)?;
        if found.status != UploadStatus::Pending {
            return Err(UploadRefusal::NotPending(found.status).into());
        }
        if offset_bytes > found.parts_bytes {
            return Err(UploadRefusal::WrongOffset.into());
        }
        let stored_bytes = found.parts_bytes;
        let mut appending = Appending { uploads: self, caller, limits, upload, offset_bytes, stored_bytes, part: None };
        while let Some(chunk) = body.next().await {
            appending.write(chunk.map_err(AppendError::Body)?, &found).await?;
        }
        appending.end_part().await?;
        Ok(appending.stored_bytes)
    }

    /// Makes the File of all parts of an Upload, in the order of their arrival. A repetition returns the same.
    ///
    /// # Errors
    /// When the Upload has ended otherwise or lacks bytes, another File has the chosen name, or a store failed.
    pub async fn finish(&self, caller: Caller, upload: UploadId) -> Result<IdempotentOutcome<Upload>, CompleteError> {
        let found = self.retrieve(caller.workspace, upload).await?;
        if found.status == UploadStatus::Completed {
            return Ok(IdempotentOutcome::Made(found));
        }
        let parts = self.list_parts(caller.workspace, upload, None, MAX_PARTS).await?.rows;
        let sha256 = match parts.as_slice() {
            [only] => Some(only.sha256),
            _ => None,
        };
        let completion = Completion { parts: parts.iter().map(|part| part.id).collect(), sha256 };
        match self.make_file(caller, upload, completion, None).await {
            // Another request has finished it meanwhile.
            Err(UploadError::Refused(UploadRefusal::NotPending(UploadStatus::Completed))) => {
                Ok(IdempotentOutcome::Made(self.retrieve(caller.workspace, upload).await?))
            }
            finished => Ok(finished?),
        }
    }
}

impl Appending<'_> {
    /// Takes the next bytes of the body.
    async fn write<E>(&mut self, mut chunk: Bytes, upload: &Upload) -> Result<(), AppendError<E>> {
        let end_bytes = self.offset_bytes.saturating_add(chunk.len() as u64);
        match upload.grows_to_bytes {
            Some(limit_bytes) if end_bytes > limit_bytes => {
                return Err(AddPartError::from(ReceiveError::FileTooLarge { limit_bytes }).into());
            }
            None if end_bytes > upload.size_bytes => {
                return Err(UploadRefusal::WrongSize { sum_bytes: end_bytes, size_bytes: upload.size_bytes }.into());
            }
            _ => {}
        }
        let known_bytes = self.stored_bytes.saturating_sub(self.offset_bytes).min(chunk.len() as u64);
        if self.part.is_none() {
            chunk.advance(usize::try_from(known_bytes).unwrap_or(usize::MAX));
            self.offset_bytes += known_bytes;
        }
        while !chunk.is_empty() {
            let (receiving, part_bytes) = match self.part.take() {
                Some(part) => part,
                None => (self.begin_part(chunk.len() as u64).await?, 0),
            };
            let left_bytes = usize::try_from(MAX_PART_BYTES - part_bytes).unwrap_or(usize::MAX);
            let taken = chunk.split_to(left_bytes.min(chunk.len()));
            let taken_bytes = taken.len() as u64;
            let (receiving, part_bytes) = self.part.insert((receiving, part_bytes + taken_bytes));
            receiving.write(taken).await.map_err(AddPartError::from)?;
            self.offset_bytes += taken_bytes;
            if *part_bytes == MAX_PART_BYTES {
                self.end_part().await?;
            }
        }
        Ok(())
    }

    async fn begin_part(&mut self, least_bytes: u64) -> Result<Receiving, AddPartError> {
        let Self { uploads, caller, ref limits, upload, .. } = *self;
        uploads.receive_part(caller, limits.clone(), upload, None, least_bytes).await
    }

    /// Makes the part durable. Another request may have sent the same bytes meanwhile, which is as good.
    async fn end_part<E>(&mut self) -> Result<(), AppendError<E>> {
        let Some((receiving, _)) = self.part.take() else { return Ok(()) };
        match self.uploads.add_part(self.upload, receiving, Some(self.stored_bytes), None).await {
            Ok(IdempotentOutcome::Refused(refused)) => return Err(AppendError::Refused(refused)),
            Ok(_) => self.stored_bytes = self.offset_bytes,
            Err(AddPartError::Refused(refusal @ UploadRefusal::WrongOffset)) => {
                let found = self.uploads.metadata.find_upload(self.caller.workspace, self.upload).await;
                let found = found.map_err(StoreError::from)?.ok_or(UploadRefusal::NotFound)?;
                if found.parts_bytes < self.offset_bytes {
                    return Err(refusal.into());
                }
                self.stored_bytes = found.parts_bytes;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
