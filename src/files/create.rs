//! Creates Files: received bytes become a durable File, or are removed.

use super::{Files, ReceiveError, Receiving, StoreError};
use crate::failpoint;
use crate::model::caller::Caller;
use crate::model::expiry::ExpiresAfter;
use crate::model::file::{File, NewFile};
use crate::model::filename::Filename;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::LinkId;
use crate::model::limits::{Limits, QuotaExceeded};
use crate::model::mime_type::MimeType;
use crate::model::purpose::Purpose;
use futures_util::FutureExt;

/// The fields of a File that the client sends beside its bytes.
#[derive(Clone, Debug)]
pub struct FileDetails {
    /// Its purpose.
    pub purpose: Purpose,
    /// Its name.
    pub filename: Filename,
    /// The media type of its content.
    pub mime_type: MimeType,
    /// Its expiry; by default that of its workspace and purpose.
    pub expires_after: Option<ExpiresAfter>,
}

/// The reason why received bytes do not become a File.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name of a batch file does not end in `.jsonl`.
    #[error("the name of a batch file does not end in .jsonl")]
    NotJsonLines,
    /// The lines of a batch or fine-tune file are invalid, and such files are refused.
    #[error("lines are invalid")]
    BadLines(String),
    /// A quota of the workspace is exceeded.
    #[error("a quota of the workspace is exceeded")]
    NoRoom(QuotaExceeded),
    /// The file is too large, or was not received.
    #[error(transparent)]
    Received(#[from] ReceiveError),
}

impl From<StoreError> for CreateError {
    fn from(error: StoreError) -> Self {
        Self::Received(ReceiveError::Store(error))
    }
}

/// Checks whether a File of a purpose may have a name; call it as early as both are known.
///
/// # Errors
/// When the purpose does not allow the name (docs/contract.md, section 3: no extension is allowed).
pub fn check_name(purpose: Purpose, filename: &Filename) -> Result<(), CreateError> {
    let json_lines = |extension: &str| extension.eq_ignore_ascii_case("jsonl");
    let named_otherwise = filename.extension().is_some_and(|extension| !json_lines(extension));
    if purpose == Purpose::Batch && named_otherwise { Err(CreateError::NotJsonLines) } else { Ok(()) }
}

impl Files {
    /// Checks that a File of at least `least_bytes` could be stored now, if no other upload were in flight.
    ///
    /// # Errors
    /// The quota of the workspace does not allow it, or the metadata store failed.
    pub async fn check_quota(&self, caller: Caller, limits: &Limits, least_bytes: u64) -> Result<(), CreateError> {
        let refused = self.find_exceeded_quota(caller, |usage| usage.refuse(limits, least_bytes)).await?;
        refused.map_or(Ok(()), |exceeded| Err(CreateError::NoRoom(exceeded)))
    }

    /// Makes the received bytes durable, then the File visible, or finds that it was made before under its key. Returns
    /// when all of it would survive a power cut. The File uses up its `link`, if it has one.
    ///
    /// The steps run to their end even when the request is cancelled (docs/design/durability.md, R7).
    ///
    /// # Errors
    /// When the details do not allow the File, its lines are refused, or a store failed. The bytes are removed then.
    pub async fn create(
        &self,
        mut receiving: Receiving,
        details: FileDetails,
        once: Option<Idempotency<File>>,
        link: Option<LinkId>,
    ) -> Result<IdempotentOutcome<File>, CreateError> {
        check_name(details.purpose, &details.filename)?;
        receiving.set_purpose(details.purpose)?;
        let status_details = receiving.check_lines(details.purpose).await?;
        if let (true, Some(bad_lines)) = (receiving.settings().strict_jsonl, &status_details) {
            return Err(CreateError::BadLines(bad_lines.clone()));
        }
        let files = self.clone();
        let commit = async move { files.commit(receiving, details, status_details, once, link).await };
        Ok(self.run_to_end(commit.boxed()).await?)
    }

    async fn commit(
        &self,
        receiving: Receiving,
        details: FileDetails,
        status_details: Option<String>,
        once: Option<Idempotency<File>>,
        link: Option<LinkId>,
    ) -> Result<IdempotentOutcome<File>, StoreError> {
        let received = receiving.finish().await?;
        let new = NewFile {
            place: received.place.clone(),
            content: received.content.clone(),
            purpose: details.purpose,
            filename: details.filename,
            mime_type: details.mime_type,
            expires_after: details.expires_after,
            status_details,
            link,
        };
        failpoint::reach("create.received").map_err(StoreError::unavailable)?;
        let once = once.map(|once| once.with_content(received.content.sha256));
        let effect = self.metadata.create_file(received.caller, new, once).await?;
        let effect = effect.and_then(|file| file.ok_or_else(StoreError::claim_lost))?;
        received.keep_if(effect.is_made());
        failpoint::reach("create.committed").map_err(StoreError::unavailable)?;
        Ok(effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_file_is_named_jsonl_or_has_no_extension() {
        let check = |purpose, name| check_name(purpose, &Filename::parse(name).unwrap());
        for name in ["a.jsonl", "A.JSONL", "requests"] {
            assert!(check(Purpose::Batch, name).is_ok(), "{name}");
        }
        for name in ["a.txt", "a.jsonl.gz", "a."] {
            assert!(check(Purpose::Batch, name).is_err(), "{name}");
        }
        assert!(check(Purpose::FineTune, "a.txt").is_ok());
    }
}
