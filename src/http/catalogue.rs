//! The catalogue of error answers: one table of statuses, codes, causes and remedies. `/docs/errors` and
//! `docs/errors.md` are generated from it.

use http::StatusCode;

/// The kind of an error answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A field, parameter or form is not valid.
    InvalidRequest,
    /// A number is below its minimum.
    BelowMinimum,
    /// A number is above its maximum.
    AboveMaximum,
    /// The request has no key.
    MissingKey,
    /// The key is not valid.
    InvalidKey,
    /// The request has no session, or one that has ended.
    SessionExpired,
    /// The request lacks the proof that it comes from a page of the console.
    CsrfTokenInvalid,
    /// The `Idempotency-Key` was used for another request.
    IdempotencyKeyReused,
    /// The workspace has reached a quota.
    StorageQuotaExceeded,
    /// The key lacks a permission.
    Forbidden,
    /// The signed link is not valid, or not any more.
    LinkRefused,
    /// The content of uploads is not served in this dialect.
    NotDownloadable,
    /// The workspace has no such object.
    NotFound,
    /// The File has expired.
    FileExpired,
    /// Another File has the name that the client chose.
    ChosenNameTaken,
    /// The session of an upload has ended without a File.
    UploadEnded,
    /// No route has this path.
    UnknownUrl,
    /// The route does not have this method.
    WrongMethod,
    /// The body is too slow.
    RequestTimeout,
    /// A precondition of the request does not hold.
    PreconditionFailed,
    /// The file is too large.
    FileTooLarge,
    /// The body has another type or content coding than the operation accepts.
    UnsupportedMediaType,
    /// The requested range is outside of the content.
    RangeNotSatisfiable,
    /// A rate limit or a limit of concurrent work is reached.
    RateLimited,
    /// The workspace has reached its monthly spend limit.
    SpendLimitReached,
    /// An unexpected error.
    Internal,
    /// The stored bytes of the File are damaged.
    FileDamaged,
    /// The gateway does not serve this part of OpenAI's API yet.
    NotImplemented,
    /// A store is full.
    InsufficientStorage,
    /// A query reached the timeout of the store.
    QueryTimeout,
    /// A store is down.
    ServiceUnavailable,
}

/// The wire representation of an [`ErrorKind`], and its documentation.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The HTTP status.
    pub status: u16,
    /// `error.type`.
    pub error_type: &'static str,
    /// `error.code`.
    pub code: Option<&'static str>,
    /// The header `x-should-retry`, if the default of SDKs for the status is wrong.
    pub should_retry: Option<bool>,
    /// One sentence on the cause.
    pub cause: &'static str,
    /// One sentence on what the client can do.
    pub remedy: &'static str,
}

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

const fn entry(
    status: u16,
    error_type: &'static str,
    code: Option<&'static str>,
    should_retry: Option<bool>,
    cause: &'static str,
    remedy: &'static str,
) -> Entry {
    Entry { status, error_type, code, should_retry, cause, remedy }
}

impl ErrorKind {
    /// Returns the HTTP status of this kind.
    #[must_use]
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 31] = [
        Self::InvalidRequest,
        Self::BelowMinimum,
        Self::AboveMaximum,
        Self::MissingKey,
        Self::InvalidKey,
        Self::SessionExpired,
        Self::CsrfTokenInvalid,
        Self::IdempotencyKeyReused,
        Self::StorageQuotaExceeded,
        Self::Forbidden,
        Self::LinkRefused,
        Self::NotDownloadable,
        Self::NotFound,
        Self::FileExpired,
        Self::ChosenNameTaken,
        Self::UploadEnded,
        Self::UnknownUrl,
        Self::WrongMethod,
        Self::RequestTimeout,
        Self::PreconditionFailed,
        Self::FileTooLarge,
        Self::UnsupportedMediaType,
        Self::RangeNotSatisfiable,
        Self::RateLimited,
        Self::SpendLimitReached,
        Self::Internal,
        Self::FileDamaged,
        Self::NotImplemented,
        Self::InsufficientStorage,
        Self::QueryTimeout,
        Self::ServiceUnavailable,
    ];

    /// Returns the entry of this kind.
    #[must_use]
    pub const fn entry(self) -> Entry {
        match self {
            Self::InvalidRequest => entry(
                400,
                INVALID,
                None,
                None,
                "A field, parameter or form is missing or not valid.",
                "Change what `message` and `param` name.",
            ),
            Self::BelowMinimum => entry(
                400,
                INVALID,
                Some("integer_below_min_value"),
                None,
                "A number is below its bounds.",
                "Send one within the bounds that `message` names.",
            ),
            Self::AboveMaximum => entry(
                400,
                INVALID,
                Some("integer_above_max_value"),
                None,
                "A number is above its bounds.",
                "Send one within the bounds that `message` names.",
            ),
            Self::MissingKey => entry(
                401,
                INVALID,
                None,
                None,
                "The request has no `Authorization: Bearer` header.",
                "Send a workspace key.",
            ),
            Self::InvalidKey => entry(
                401,
                INVALID,
                Some("invalid_api_key"),
                None,
                "The key is mistyped, unknown, revoked, expired or replaced, or its workspace is archived.",
                "Send another key; `venna keys create` makes one.",
            ),
            Self::SessionExpired => entry(
                401,
                INVALID,
                Some("session_expired"),
                None,
                "The console's session was ended, has reached a limit of its lifetime, or its key opens nothing any more.",
                "Sign in to the console again.",
            ),
            Self::CsrfTokenInvalid => entry(
                403,
                INVALID,
                Some("csrf_token_invalid"),
                None,
                "A request of the console that changes something did not come from a page of the console.",
                "Reload the page; programs send a key to `/v1` instead.",
            ),
            Self::StorageQuotaExceeded => entry(
                400,
                INVALID,
                Some("storage_quota_exceeded"),
                Some(false),
                "The workspace has, or would have, more bytes of files or more files than its quota.",
                "Delete files, send smaller ones, or ask the operator for `storage_bytes` or `max_files`.",
            ),
            Self::Forbidden => entry(
                403,
                INVALID,
                Some("insufficient_permissions"),
                None,
                "The key lacks the scope that `message` names, or is of the wrong kind: admin keys do not open files, and only they open the administration.",
                "Use a key that has it; `venna keys create --scopes` makes one.",
            ),
            Self::IdempotencyKeyReused => entry(
                400,
                INVALID,
                Some("idempotency_key_reused"),
                None,
                "Another request succeeded under this `Idempotency-Key` within the last 24 hours.",
                "Send a new key with every new request, and the old one only to repeat the old request.",
            ),
            Self::LinkRefused => entry(
                403,
                INVALID,
                Some("link_refused"),
                None,
                "The signed link is mistyped, used, expired or revoked, or its file, key or project is not there any more.",
                "Ask for a new link.",
            ),
            Self::NotFound => entry(
                404,
                INVALID,
                None,
                None,
                "The key's workspace has no such file or upload; it may have been deleted or have expired.",
                "Check the id and the key.",
            ),
            Self::NotDownloadable => entry(
                400,
                INVALID,
                Some("file_not_downloadable"),
                None,
                "The server does not serve the content of uploads in Anthropic's dialect.",
                "Read it in another dialect, or ask the operator for `anthropic_downloadable`.",
            ),
            Self::FileExpired => entry(
                404,
                INVALID,
                Some("file_expired"),
                None,
                "The file has expired. Only Anthropic's dialect tells this from a file that never was, for 30 days.",
                "Upload it again.",
            ),
            Self::ChosenNameTaken => entry(
                409,
                INVALID,
                Some("name_taken"),
                None,
                "Another file of the workspace has the name that the client chose. Only clients of Gemini choose names.",
                "Choose another name, or none.",
            ),
            Self::UploadEnded => entry(
                410,
                INVALID,
                Some("upload_ended"),
                None,
                "The upload session was cancelled or has expired. Only clients of Gemini have sessions.",
                "Begin a new upload.",
            ),
            Self::UnknownUrl => entry(
                404,
                INVALID,
                None,
                None,
                "There is nothing at this path.",
                "Check the path; base URLs end with `/v1`.",
            ),
            Self::WrongMethod => entry(
                405,
                INVALID,
                Some("method_not_supported"),
                None,
                "The path does not take this method.",
                "Use one that the `Allow` header names.",
            ),
            Self::RequestTimeout => entry(
                408,
                INVALID,
                Some("request_timeout"),
                Some(false),
                "The request body stood still or came in too slowly.",
                "Send it again over a better connection; the connection was closed.",
            ),
            Self::PreconditionFailed => entry(
                412,
                INVALID,
                Some("precondition_failed"),
                None,
                "`If-Match` or `If-Unmodified-Since` does not hold.",
                "Fetch the file anew.",
            ),
            Self::FileTooLarge => entry(
                413,
                INVALID,
                Some("file_too_large"),
                None,
                "The file is larger than the server takes.",
                "Send a smaller file, or ask the operator for `max_file_bytes`.",
            ),
            Self::UnsupportedMediaType => entry(
                415,
                INVALID,
                Some("unsupported_media_type"),
                None,
                "The request body has a `Content-Encoding`, or another `Content-Type` than `multipart/form-data` where a form is expected.",
                "Send the body as it is, with the type that `message` names.",
            ),
            Self::RangeNotSatisfiable => entry(
                416,
                INVALID,
                Some("range_not_satisfiable"),
                None,
                "The asked range begins behind the end of the file.",
                "`Content-Range` names the length.",
            ),
            Self::RateLimited => entry(
                429,
                "rate_limit_error",
                Some("rate_limit_exceeded"),
                Some(true),
                "Too many uploads are in flight, too many requests of one project wait, too many were made within a minute, or too many with keys that open nothing came from one network.",
                "Wait as long as `Retry-After` says; SDKs do so by themselves.",
            ),
            Self::SpendLimitReached => entry(
                429,
                "insufficient_quota",
                Some("project_spend_limit_exceeded"),
                Some(false),
                "The workspace has spent what it may in this calendar month (UTC); `Retry-After` leads to the first of the next.",
                "Delete what is not needed, wait, or ask the operator for `monthly_spend_cents`.",
            ),
            Self::Internal => entry(
                500,
                SERVER,
                Some("internal_error"),
                Some(true),
                "The server made a mistake.",
                "Send it again; report the `x-request-id` when it stays.",
            ),
            Self::FileDamaged => entry(
                500,
                SERVER,
                Some("file_damaged"),
                Some(false),
                "The stored bytes do not match their checksum, or are gone.",
                "Upload the file again; the operator finds the blob in the log.",
            ),
            Self::NotImplemented => entry(
                501,
                "not_implemented",
                Some("not_implemented"),
                Some(false),
                "This part of OpenAI's API is not served by this gateway.",
                "Send it to a gateway that does.",
            ),
            Self::InsufficientStorage => entry(
                503,
                SERVER,
                Some("insufficient_storage"),
                Some(false),
                "A store of the server is full.",
                "Delete files; the operator adds space.",
            ),
            Self::QueryTimeout => entry(
                503,
                SERVER,
                Some("query_timeout"),
                Some(false),
                "A query reads more than the server reads for one request.",
                "Ask for a shorter time, fewer projects or a smaller page.",
            ),
            Self::ServiceUnavailable => entry(
                503,
                SERVER,
                Some("service_unavailable"),
                Some(true),
                "A store of the server does not answer.",
                "Wait as long as `Retry-After` says; SDKs do so by themselves.",
            ),
        }
    }
}
