//! Adds parts to Uploads. A part is received like a File.

use super::Uploads;
use crate::failpoint;
use crate::files::{ReceiveError, Receiving, StoreError};
use crate::model::caller::Caller;
use crate::model::idempotency::{Idempotency, IdempotencyKey, IdempotentOutcome};
use crate::model::ids::UploadId;
use crate::model::limits::{LimitsInForce, QuotaExceeded, StorageUsage};
use crate::model::upload::{NewPart, Part, UploadRefusal};
use futures_util::FutureExt;
use std::sync::Arc;

/// The reason why a part is refused.
#[derive(Debug, thiserror::Error)]
pub enum AddPartError {
    /// The Upload refuses it.
    #[error(transparent)]
    Refused(#[from] UploadRefusal),
    /// A quota of the workspace does not allow the bytes beyond the declared ones.
    #[error("a quota of the workspace is exceeded")]
    NoRoom(QuotaExceeded),
    /// Its bytes are not received.
    #[error(transparent)]
    Received(#[from] ReceiveError),
}

impl From<StoreError> for AddPartError {
    fn from(error: StoreError) -> Self {
        Self::Received(error.into())
    }
}

impl Uploads {
    /// Begins to receive a part of at least `least_bytes`, if the Upload accepts it, or accepted it before under this
    /// key.
    ///
    /// # Errors
    /// When it does not, a quota is exceeded, too many uploads are in flight, or a store failed.
    pub async fn receive_part(
        &self,
        caller: Caller,
        limits: LimitsInForce,
        upload: UploadId,
        key: Option<&IdempotencyKey>,
        least_bytes: u64,
    ) -> Result<Receiving, AddPartError> {
        let (metadata, workspace) = (&self.metadata, caller.workspace);
        let found = metadata.find_upload(workspace, upload).await.map_err(StoreError::from)?;
        let upload = found.ok_or(UploadRefusal::NotFound)?;
        let is_answered = match key {
            Some(key) => metadata.is_answered(workspace, key).await.map_err(StoreError::from)?,
            None => false,
        };
        if is_answered {
            return Ok(self.files.receive_part(caller, limits, None)?);
        }
        let more_bytes = upload.check_part(least_bytes)?;
        if more_bytes > 0 && limits.has_quota() {
            let refuse = |usage: StorageUsage| usage.refuse_growth(&limits.workspace, more_bytes);
            if let Some(exceeded) = self.files.find_exceeded_quota(caller, refuse).await? {
                return Err(AddPartError::NoRoom(exceeded));
            }
        }
        Ok(self.files.receive_part(caller, limits, Some(&upload))?)
    }

    /// Makes the bytes durable, then a part of the Upload. The steps run to their end even when the request is
    /// cancelled.
    ///
    /// # Errors
    /// When the Upload refuses the part, or a store failed. The bytes are removed then.
    pub async fn add_part(
        &self,
        upload: UploadId,
        receiving: Receiving,
        offset_bytes: Option<u64>,
        once: Option<Idempotency<Part>>,
    ) -> Result<IdempotentOutcome<Part>, AddPartError> {
        let metadata = Arc::clone(&self.metadata);
        let steps = async move {
            let received = receiving.finish_in_store().await?;
            let new = NewPart { blob: received.place, content: received.content.clone(), offset_bytes };
            failpoint::reach("part.received").map_err(StoreError::unavailable)?;
            let once = once.map(|once| once.with_content(received.content.sha256));
            let effect = metadata.create_part(received.caller, upload, new, once).await;
            let effect = effect.map_err(StoreError::from)?.and_then(|outcome| match outcome {
                Ok(part) => part.ok_or_else(|| AddPartError::from(StoreError::claim_lost())),
                Err(refusal) => Err(refusal.into()),
            })?;
            received.keep_if(effect.is_made());
            failpoint::reach("part.committed").map_err(StoreError::unavailable)?;
            Ok(effect)
        };
        self.files.run_to_end(steps.boxed()).await
    }
}
