//! What sessions and uploads in one request share: they begin with an Upload and end with its File or with an error.

use super::headers::{FINAL, STATUS};
use super::names;
use crate::files::Files;
use crate::http::caller::UploadPolicy;
use crate::http::error::{ApiError, OfUpload};
use crate::model::caller::Caller;
use crate::model::file::File;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::UploadId;
use crate::model::upload::{Upload, UploadRefusal};
use crate::uploads::{AddPartError, AppendError, CompleteError, PlannedUpload, UploadError, Uploads};

/// What an upload needs.
#[derive(Clone, Copy)]
pub struct Services<'a> {
    /// The service of Uploads.
    pub uploads: &'a Uploads,
    /// The service of Files.
    pub files: &'a Files,
    /// The caller.
    pub caller: Caller,
    /// What the key of the caller may upload.
    pub policy: &'a UploadPolicy,
}

impl Services<'_> {
    /// Creates an Upload.
    ///
    /// # Errors
    /// When a File has the chosen name, a limit refuses, or a store failed.
    pub async fn begin(&self, planned: PlannedUpload) -> Result<UploadId, ApiError> {
        if let Some(name) = planned.chosen_name.clone()
            && self.files.retrieve_named(self.caller.workspace, name).await?.is_some()
        {
            return Err(ApiError::chosen_name_taken());
        }
        match self.uploads.create(self.caller, &self.policy.limits, planned, None).await? {
            IdempotentOutcome::Made(upload) => Ok(upload.id),
            IdempotentOutcome::Refused(refused) => Err(refused.into()),
            IdempotentOutcome::Replayed(_) | IdempotentOutcome::KeyReused => Err(ApiError::internal()),
        }
    }
}

/// Returns the File that a session has made.
///
/// # Errors
/// When the key has ended, a quota is reached, or the File was deleted since.
pub fn made_file(finished: IdempotentOutcome<Upload>) -> Result<File, ApiError> {
    match finished {
        IdempotentOutcome::Made(upload) => {
            upload.file.ok_or_else(|| names::missing("of this upload").header(STATUS, FINAL))
        }
        IdempotentOutcome::Refused(refused) => Err(refused.into()),
        IdempotentOutcome::Replayed(_) | IdempotentOutcome::KeyReused => Err(ApiError::internal()),
    }
}

impl From<CompleteError> for AppendError<ApiError> {
    fn from(error: CompleteError) -> Self {
        match error {
            CompleteError::Upload(UploadError::Refused(refusal)) => refusal.into(),
            CompleteError::Upload(UploadError::Store(error)) => error.into(),
            other => Self::Body(other.of_upload("")),
        }
    }
}

/// Returns why the Upload refuses, if it does.
pub const fn refusal_of(error: &AppendError<ApiError>) -> Option<UploadRefusal> {
    match error {
        AppendError::Part(AddPartError::Refused(refusal)) => Some(*refusal),
        _ => None,
    }
}

/// Returns the answer to a failure.
pub fn explain(error: AppendError<ApiError>) -> ApiError {
    match error {
        AppendError::Body(error) => error,
        AppendError::Refused(refused) => refused.into(),
        AppendError::Part(AddPartError::Refused(refusal)) => refused(refusal),
        AppendError::Part(error) => error.of_upload(""),
    }
}

fn refused(refusal: UploadRefusal) -> ApiError {
    match refusal {
        UploadRefusal::NotFound => ApiError::session_refused(),
        UploadRefusal::NotPending(status) => ApiError::upload_ended(status),
        UploadRefusal::WrongSize { sum_bytes, size_bytes } => {
            ApiError::invalid(format!("The file would have {sum_bytes} bytes; {size_bytes} were declared."))
        }
        other => other.of_upload("of this session"),
    }
}
