//! The mapping from every error to its answer: OpenAI's envelope (docs/contract.md, section 1.3).
//!
//! The [`catalogue`](super::catalogue) has the status and code of each kind, `messages` the texts that the
//! reference shows. The cause of an error is not sent: the request middleware logs it once, with the request id.

use super::body::BodyError;
use super::catalogue::ErrorKind;
use super::headers::{SHOULD_RETRY, put};
use super::limited::Limited;
use super::rates::RetryAfter;
use super::wire::{self, ErrorEnvelope};
use crate::files::{CreateError, ReceiveError, StoreError};
use crate::keys::{IssueKeyError, Refusal};
use crate::metadata::MetadataError;
use crate::model::caller::Refused;
use crate::model::limits::{ConcurrencyScope, LimitOwner};
use crate::model::session::TooManySessions;
use crate::model::upload::{MAX_PART_BYTES, MAX_PARTS, UploadRefusal};
use crate::model::workspace::BadName;
use crate::sessions::BeginSessionError;
use crate::uploads::{AddPartError, CompleteError, CreateUploadError, UploadError};
use crate::workspaces::{ArchiveWorkspaceError, CreateWorkspaceError, RenameWorkspaceError};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use std::error::Error;
use std::sync::Arc;

/// The maximum length of a client's value in an error message, in characters.
const MAX_ECHO_CHARS: usize = 100;
/// The `Retry-After` of failures of a store and of limits of concurrent work, in seconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// An error answer.
#[derive(Clone, Debug)]
pub struct ApiError {
    kind: ErrorKind,
    message: String,
    param: Option<String>,
    headers: Vec<(HeaderName, String)>,
    limit: Option<Limited>,
    cause: Option<Cause>,
}

/// The kind and the message of an error, for the dialects; travels with the response to the request middleware.
#[derive(Clone, Debug)]
pub struct ErrorFacts {
    /// Its kind.
    pub kind: ErrorKind,
    /// Its message for people.
    pub message: String,
}

/// The cause of an error; travels with the response to the request middleware, which logs it.
#[derive(Clone, Debug)]
pub struct Cause(pub Arc<dyn Error + Send + Sync>);

impl ApiError {
    /// Creates an answer of a kind with a message for the client.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), param: None, headers: Vec::new(), limit: None, cause: None }
    }

    /// Creates the answer to a request that the contract does not allow.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// Returns the kind of the error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// A rate limit is reached; after `wait` the next request is accepted.
    #[must_use]
    pub fn rate_limited(limit: Limited, message: impl Into<String>, wait: RetryAfter) -> Self {
        Self::new(ErrorKind::RateLimited, message).limit(limit).header(RETRY_AFTER, &wait.seconds().to_string())
    }

    /// A limit of concurrent work is reached.
    #[must_use]
    pub fn too_many(limit: Limited, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::RateLimited, message).limit(limit).soon()
    }

    /// Names the limit that is reached.
    #[must_use]
    pub const fn limit(mut self, limit: Limited) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Asks the client to try again in a moment.
    #[must_use]
    pub fn soon(self) -> Self {
        self.header(RETRY_AFTER, RETRY_AFTER_SECONDS)
    }

    /// Names the field or parameter that is wrong.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Returns the message for people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.message
    }

    /// Returns the field or parameter that is wrong.
    #[must_use]
    pub fn param_name(&self) -> Option<&str> {
        self.param.as_deref()
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, text: &str) -> Self {
        self.headers.push((name, text.to_owned()));
        self
    }

    pub(super) fn cause(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Cause(Arc::new(cause)));
        self
    }

    /// The parts of an Upload of `size_bytes` have reached their total limit.
    #[must_use]
    pub fn parts_too_large(size_bytes: u64, limit_bytes: u64) -> Self {
        let message = format!(
            "The parts of an upload that was declared with {size_bytes} bytes may have {limit_bytes} bytes together. \
             Complete the upload with the parts that it has, or cancel it."
        );
        Self::invalid(message).param("data")
    }

    /// An unexpected error with its cause.
    #[must_use]
    pub fn internal_of(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::internal().cause(cause)
    }

    /// Returns the body of the answer.
    #[must_use]
    pub fn envelope(&self) -> ErrorEnvelope<'_> {
        ErrorEnvelope::new(&self.kind.entry(), &self.message, self.param.as_deref())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OutOfSpace(_) => Self::out_of_space().cause(error),
            StoreError::Damaged(..) => Self::file_damaged().cause(error),
            StoreError::Internal(_) => Self::internal().cause(error),
            StoreError::TookTooLong(_) => Self::query_timeout().cause(error),
            StoreError::ReadOnly(_) => Self::new(
                ErrorKind::ServiceUnavailable,
                "The server's database takes no changes at the moment. Nothing was changed. Please try again.",
            )
            .soon()
            .cause(error),
            StoreError::Unavailable(_) => Self::unavailable().cause(error),
            StoreError::Crowded(_) => Self::too_many(
                Limited::StoreQueue,
                "Too many requests of this project are waiting on this server. Please try again in a moment.",
            ),
        }
    }
}

impl From<MetadataError> for ApiError {
    fn from(error: MetadataError) -> Self {
        StoreError::from(error).into()
    }
}

impl From<CreateWorkspaceError> for ApiError {
    fn from(error: CreateWorkspaceError) -> Self {
        match error {
            CreateWorkspaceError::BadName(bad) => Self::bad_name(bad),
            CreateWorkspaceError::NameTaken(_) => Self::name_taken(),
            CreateWorkspaceError::Metadata(error) => error.into(),
        }
    }
}

impl From<RenameWorkspaceError> for ApiError {
    fn from(error: RenameWorkspaceError) -> Self {
        match error {
            RenameWorkspaceError::BadName(bad) => Self::bad_name(bad),
            RenameWorkspaceError::NameTaken(_) => Self::name_taken(),
            RenameWorkspaceError::Default => Self::invalid("The default project keeps its name.").param("project_id"),
            RenameWorkspaceError::Metadata(error) => error.into(),
        }
    }
}

impl From<ArchiveWorkspaceError> for ApiError {
    fn from(error: ArchiveWorkspaceError) -> Self {
        match error {
            ArchiveWorkspaceError::Default => Self::default_project_kept(),
            ArchiveWorkspaceError::Metadata(error) => error.into(),
        }
    }
}

impl From<IssueKeyError> for ApiError {
    fn from(error: IssueKeyError) -> Self {
        match error {
            IssueKeyError::BadName(bad) => Self::bad_name(bad),
            IssueKeyError::SecretKnown => Self::internal().cause(error),
            IssueKeyError::Metadata(error) => error.into(),
        }
    }
}

impl ApiError {
    /// The name of a project or key is not valid.
    pub(super) fn bad_name(bad: BadName) -> Self {
        Self::invalid(format!("Invalid 'name': {bad}.")).param("name")
    }

    fn name_taken() -> Self {
        Self::invalid("There is a project of this name. Names of projects are unique on this server.").param("name")
    }
}

impl From<ReceiveError> for ApiError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::TooManyUploads(crowd) => {
                let place = match crowd {
                    ConcurrencyScope::Server => "on this server",
                    ConcurrencyScope::Owner(LimitOwner::Workspace(_)) => "in this project",
                    ConcurrencyScope::Owner(LimitOwner::Key(_)) => "with this API key",
                };
                let message = format!("Too many uploads are in flight {place}. Please try again in a moment.");
                Self::too_many(Limited::ConcurrentUploads, message)
            }
            ReceiveError::FileTooLarge { limit_bytes } => Self::file_too_large(limit_bytes),
            ReceiveError::BatchTooLarge => Self::invalid("File is too large."),
            ReceiveError::PartTooLarge => {
                Self::invalid(format!("The part is larger than the limit of {MAX_PART_BYTES} bytes.")).param("data")
            }
            ReceiveError::PartsTooLarge { size_bytes, limit_bytes } => Self::parts_too_large(size_bytes, limit_bytes),
            ReceiveError::Store(error) => error.into(),
        }
    }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::NotJsonLines => Self::invalid("Invalid file format for Batch API. Must be .jsonl"),
            CreateError::BadLines(lines) => Self::invalid(lines).param("file"),
            CreateError::NoRoom(exceeded) => Self::quota_exceeded(exceeded),
            CreateError::Received(error) => error.into(),
        }
    }
}

impl From<CreateUploadError> for ApiError {
    fn from(error: CreateUploadError) -> Self {
        match error {
            CreateUploadError::Details(error) => error.into(),
            CreateUploadError::TooLarge { limit_bytes, size_bytes } => {
                Self::above_maximum("bytes", limit_bytes, &size_bytes.to_string())
            }
            CreateUploadError::Store(error) => error.into(),
        }
    }
}

/// A refusal of an Upload, whose answer repeats the id that the client sent.
pub trait OfUpload {
    /// Returns the answer for the Upload that the client calls `named`.
    fn of_upload(self, named: &str) -> ApiError;
}

impl OfUpload for UploadRefusal {
    fn of_upload(self, named: &str) -> ApiError {
        match self {
            Self::NotFound => ApiError::upload_not_found(named),
            Self::NotPending(status) => ApiError::upload_not_pending(named, status),
            Self::TooManyParts => {
                ApiError::invalid(format!("Upload {named} has {MAX_PARTS} parts, the most it may have.")).param("data")
            }
            Self::TooManyBytes { size_bytes, limit_bytes } => ApiError::parts_too_large(size_bytes, limit_bytes),
            Self::WrongOffset => {
                ApiError::invalid("The bytes begin elsewhere than those that the server has end.").param("offset")
            }
            Self::NameTaken => ApiError::chosen_name_taken(),
            Self::UnknownPart(part) => ApiError::invalid(format!("No such Part object: {part}")).param("part_ids"),
            Self::UnknownCursor(part) => ApiError::invalid(format!("No such Part object: {part}")).param("after"),
            Self::RepeatedPart(part) => {
                ApiError::invalid(format!("Part {part} is named more than once.")).param("part_ids")
            }
            Self::WrongSize { sum_bytes, size_bytes } => {
                let message = format!(
                    "The parts have {sum_bytes} bytes together, but the upload was declared with {size_bytes}."
                );
                ApiError::invalid(message).param("part_ids")
            }
        }
    }
}

impl OfUpload for UploadError {
    fn of_upload(self, named: &str) -> ApiError {
        match self {
            Self::Refused(refusal) => refusal.of_upload(named),
            Self::Store(error) => error.into(),
        }
    }
}

impl OfUpload for AddPartError {
    fn of_upload(self, named: &str) -> ApiError {
        match self {
            Self::Refused(refusal) => refusal.of_upload(named),
            Self::NoRoom(exceeded) => ApiError::quota_exceeded(exceeded),
            Self::Received(error) => error.into(),
        }
    }
}

impl OfUpload for CompleteError {
    fn of_upload(self, named: &str) -> ApiError {
        match self {
            Self::TooManyChecks => ApiError::too_many(
                Limited::Completions,
                "Too many uploads of this project are being completed with an 'md5'. Please try again in a moment.",
            ),
            Self::WrongMd5 => ApiError::invalid("The content of the parts does not have this MD5.").param("md5"),
            Self::Upload(error) => error.of_upload(named),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::KeyEnded => Refusal::Unknown.into(),
            Refused::Quota(exceeded) => Self::quota_exceeded(exceeded),
            Refused::LinkEnded => Self::link_refused(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown => Self::incorrect_key(),
            Refusal::Expired => Self::expired_key(),
            Refusal::Replaced => Self::replaced_key(),
            Refusal::Archived => Self::archived_key(),
            Refusal::TooManyTried { wait } => Self::too_many_failed_logins(RetryAfter(wait)),
            Refusal::Unavailable(_) => Self::unavailable().cause(refusal),
        }
    }
}

impl From<BeginSessionError> for ApiError {
    fn from(error: BeginSessionError) -> Self {
        match error {
            BeginSessionError::TooMany(TooManySessions) => Self::too_many_sessions(),
            BeginSessionError::Metadata(error) => error.into(),
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooSlow { min_bytes_per_second, window_seconds } => {
                Self::body_too_slow(min_bytes_per_second, window_seconds)
            }
            BodyError::Broken(_) => Self::invalid("The request body ended early or could not be read."),
        }
    }
}

impl ApiError {
    /// Returns a complete HTTP/1.1 answer to a request that was not read. It closes the connection.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        let entry = self.kind.entry();
        let mut body = Vec::new();
        wire::append(&mut body, &self.envelope());
        let reason = StatusCode::from_u16(entry.status).ok().and_then(|status| status.canonical_reason());
        let mut head = format!(
            "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n",
            entry.status,
            reason.unwrap_or_default(),
            body.len()
        );
        for (name, text) in self.headers {
            head.push_str(&format!("{name}: {text}\r\n"));
        }
        let mut answer = (head + "\r\n").into_bytes();
        answer.append(&mut body);
        answer
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let entry = self.kind.entry();
        let mut response = wire::json(self.kind.status(), &self.envelope());
        for (name, text) in self.headers {
            put(response.headers_mut(), name, &text);
        }
        if let Some(should_retry) = entry.should_retry {
            let value = HeaderValue::from_static(if should_retry { "true" } else { "false" });
            response.headers_mut().insert(SHOULD_RETRY, value);
        }
        if let Some(limit) = self.limit {
            response.extensions_mut().insert(limit);
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response.extensions_mut().insert(ErrorFacts { kind: self.kind, message: self.message });
        response
    }
}

/// Returns the part of a client's value that an error message shows.
#[must_use]
pub fn echo(value: &str) -> String {
    value.chars().take(MAX_ECHO_CHARS).collect()
}
