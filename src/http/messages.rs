//! The error messages of the reference, each as a constructor of [`ApiError`].
//!
//! The server calls a constructor with the values of a request, the reference with example values.

use super::catalogue::ErrorKind;
use super::error::{ApiError, echo};
use super::limited::Limited;
use super::rates::RetryAfter;
use crate::model::limits::{Limit, QuotaExceeded};
use crate::model::link::MAX_LIVE_LINKS;
use crate::model::purpose::Purpose;
use crate::model::scope::Scope;
use crate::model::upload::UploadStatus;
use http::Method;
use http::header::{ACCEPT, CONTENT_RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use std::num::NonZeroU32;

/// The challenge of every 401.
const CHALLENGE: &str = "Bearer realm=\"Venna Files\"";
/// The challenge of a 401 of the console, whose clients sign in for a cookie.
const SESSION_CHALLENGE: &str = "Cookie realm=\"Venna Files\"";
/// The media type of forms (RFC 7578).
pub const FORM_DATA: &str = "multipart/form-data";

/// Requests that are not valid.
impl ApiError {
    /// A field or parameter is missing.
    pub fn missing(param: &str) -> Self {
        Self::invalid(format!("Missing required parameter: '{param}'.")).param(param)
    }

    /// A field of a form is missing, in OpenAI's words.
    pub fn missing_field(name: &str) -> Self {
        Self::invalid(format!("'{name}' is a required property"))
    }

    /// The request has unknown fields, in OpenAI's words.
    pub fn unexpected(names: &[&str]) -> Self {
        let verb = if names.len() == 1 { "was" } else { "were" };
        let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
        Self::invalid(format!("Additional properties are not allowed ({} {verb} unexpected)", names.join(", ")))
    }

    /// Refuses unknown fields.
    ///
    /// # Errors
    /// When there are any.
    pub fn refuse_unexpected<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), Self> {
        let names: Vec<&str> = names.collect();
        if names.is_empty() { Ok(()) } else { Err(Self::unexpected(&names)) }
    }

    /// A purpose is not one of `supported`, in OpenAI's words.
    pub fn unknown_purpose(name: &str, supported: &[Purpose]) -> Self {
        let names: Vec<String> = supported.iter().map(|purpose| format!("'{purpose}'")).collect();
        Self::invalid(format!("'{}' is not one of [{}] - 'purpose'", echo(name), names.join(", "))).param("purpose")
    }

    /// A value is not one of those that a parameter can have.
    pub fn unsupported(param: &str, value: &str, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|name| format!("'{name}'")).collect();
        let message = format!("Invalid value: '{}'. Supported values are: {}.", echo(value), supported.join(", "));
        Self::invalid(message).param(param)
    }

    /// A parameter of a query is not an integer.
    pub fn not_an_integer(param: &str, value: &str) -> Self {
        let message = format!("Invalid '{param}': expected an integer, but got '{}' instead.", echo(value));
        Self::invalid(message).param(param)
    }

    /// An integer, as the client wrote it, is below the minimum of a parameter.
    pub fn below_minimum(param: &str, least: u64, got: &str) -> Self {
        let message = format!(
            "Invalid '{param}': integer below minimum value. Expected a value >= {least}, but got {got} instead."
        );
        Self::new(ErrorKind::BelowMinimum, message).param(param)
    }

    /// An integer, as the client wrote it, is above the maximum of a parameter.
    pub fn above_maximum(param: &str, most: u64, got: &str) -> Self {
        let message = format!(
            "Invalid '{param}': integer above maximum value. Expected a value <= {most}, but got {got} instead."
        );
        Self::new(ErrorKind::AboveMaximum, message).param(param)
    }

    /// The default project cannot be archived.
    pub fn default_project_kept() -> Self {
        Self::invalid("The default project cannot be archived.").param("project_id")
    }

    /// The Upload is not pending any more.
    pub fn upload_not_pending(id: &str, status: UploadStatus) -> Self {
        Self::invalid(format!("Upload {id} is {status}; only a pending upload can be changed.")).param("upload_id")
    }

    /// The `Idempotency-Key` was used for another request.
    pub fn idempotency_key_reused() -> Self {
        let message = "This Idempotency-Key was used for another request. Send a new one with a new request.";
        Self::new(ErrorKind::IdempotencyKeyReused, message).param("Idempotency-Key")
    }

    /// The request has no form.
    pub fn not_a_form(content_type: Option<&str>) -> Self {
        let came = content_type.filter(|content_type| !content_type.is_empty());
        let came = came.map_or_else(|| "absent".to_owned(), |content_type| format!("'{}'", echo(content_type)));
        let message = format!("The Content-Type of the request is {came}; this operation takes {FORM_DATA}.");
        Self::new(ErrorKind::UnsupportedMediaType, message).header(ACCEPT, FORM_DATA)
    }

    /// The request body is slower than the pace.
    pub fn body_too_slow(min_bytes_per_second: u64, window_seconds: u64) -> Self {
        let message = format!(
            "The request body came in at less than {min_bytes_per_second} bytes a second over {window_seconds} seconds."
        );
        Self::new(ErrorKind::RequestTimeout, message)
    }

    /// A precondition of the request does not hold.
    pub fn precondition_failed() -> Self {
        Self::new(ErrorKind::PreconditionFailed, "A precondition of the request does not hold.")
    }

    /// The range begins behind the end of a file of `size_bytes`.
    pub fn range_not_satisfiable(size_bytes: u64) -> Self {
        let message = format!("The requested range lies outside the {size_bytes} bytes of the file.");
        Self::new(ErrorKind::RangeNotSatisfiable, message).header(CONTENT_RANGE, &format!("bytes */{size_bytes}"))
    }
}

/// Errors of keys and permissions.
impl ApiError {
    /// The request has no key.
    pub fn missing_key() -> Self {
        Self::new(ErrorKind::MissingKey, "Missing bearer authentication in header").challenge()
    }

    /// The key came as Basic authentication in a request that changes something.
    pub fn basic_of_reads() -> Self {
        let message = "Basic authentication is for GET and HEAD only. Send the key as 'Authorization: Bearer'.";
        Self::new(ErrorKind::MissingKey, message).challenge()
    }

    /// The key is unknown.
    pub fn incorrect_key() -> Self {
        let message = "Incorrect API key provided. You can make a key with `venna keys create`, or ask the operator of this server for one.";
        Self::new(ErrorKind::InvalidKey, message).challenge()
    }

    /// The key has expired.
    pub fn expired_key() -> Self {
        let message = "The API key provided has expired. Ask the operator of this server for a new one.";
        Self::new(ErrorKind::InvalidKey, message).challenge()
    }

    /// The key was rotated.
    pub fn replaced_key() -> Self {
        let message = "The API key provided was replaced by a newer one when it was rotated. Use that one.";
        Self::new(ErrorKind::InvalidKey, message).challenge()
    }

    /// The key belongs to an archived workspace.
    pub fn archived_key() -> Self {
        Self::new(ErrorKind::InvalidKey, "The workspace of the API key provided is archived.").challenge()
    }

    /// The network of the client sent too many incorrect keys.
    pub fn too_many_failed_logins(wait: RetryAfter) -> Self {
        let message = "Incorrect API key provided, and too many requests with incorrect keys came from your network. Check the key, and try again later.";
        Self::rate_limited(Limited::FailedLogins, message, wait)
    }

    /// The key lacks a scope.
    pub fn missing_scope(scope: Scope) -> Self {
        let message = format!("You have insufficient permissions for this operation. Missing scopes: {scope}.");
        Self::new(ErrorKind::Forbidden, message)
    }

    /// The operation needs an admin key.
    pub fn needs_admin_key() -> Self {
        let message = "You have insufficient permissions for this operation. It takes an admin key (vka_...).";
        Self::new(ErrorKind::Forbidden, message)
    }

    /// The operation needs a workspace key.
    pub fn needs_workspace_key() -> Self {
        let message = "An admin key does not open the files of a workspace. Use a key of the workspace (vk_...).";
        Self::new(ErrorKind::Forbidden, message)
    }

    /// The request names another workspace than that of its key.
    pub fn foreign_workspace(id: &str) -> Self {
        Self::new(ErrorKind::Forbidden, format!("The key is not one of the workspace '{id}'."))
    }

    /// The session has ended.
    pub fn session_expired() -> Self {
        let message = "Your session has ended. Sign in again.";
        Self::new(ErrorKind::SessionExpired, message).header(WWW_AUTHENTICATE, SESSION_CHALLENGE)
    }

    /// The request has no session.
    pub fn not_signed_in() -> Self {
        let message = "You are not signed in. Sign in to the console.";
        Self::new(ErrorKind::SessionExpired, message).header(WWW_AUTHENTICATE, SESSION_CHALLENGE)
    }

    /// The request lacks the proof that it comes from a page of the console.
    pub fn csrf_token_invalid() -> Self {
        let message = "The request did not come from a page of this console, or the page is outdated. Reload the page.";
        Self::new(ErrorKind::CsrfTokenInvalid, message)
    }

    /// The installation has the maximum of sessions.
    pub fn too_many_sessions() -> Self {
        let message = "Too many people are signed in. Please try again later, or ask an administrator to end sessions.";
        Self::too_many(Limited::Sessions, message)
    }

    /// The person is no member of the workspace.
    pub fn not_a_member() -> Self {
        Self::new(ErrorKind::Forbidden, "You are no member of this project. Ask one of its owners to add you.")
    }

    /// The person is a member of several workspaces, and the request names none.
    pub fn project_not_named() -> Self {
        let message = "You are a member of several projects. Name one in the header OpenAI-Project.";
        Self::invalid(message).param("OpenAI-Project")
    }

    fn challenge(self) -> Self {
        self.header(WWW_AUTHENTICATE, CHALLENGE)
    }
}

/// Objects and paths that do not exist. The answer is the same for an id of another workspace, a deleted and a
/// malformed one.
impl ApiError {
    /// The workspace has no such File.
    pub fn file_not_found(id: &str) -> Self {
        Self::not_found("File object", id, "id")
    }

    /// The File has expired.
    pub fn file_expired(id: &str) -> Self {
        Self::new(ErrorKind::FileExpired, format!("The file {} has expired.", echo(id))).param("id")
    }

    /// The content of uploads is not served in this dialect.
    pub fn not_downloadable() -> Self {
        let message = "This server does not serve the content of uploaded files in Anthropic's dialect.";
        Self::new(ErrorKind::NotDownloadable, message)
    }

    /// The workspace has no such link.
    pub fn link_not_found(id: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("No such link: {}", echo(id))).param("id")
    }

    /// A signed link is not valid, or not any more. The answer does not tell why.
    pub fn link_refused() -> Self {
        Self::new(ErrorKind::LinkRefused, "This link is not valid, or not any more. Ask for a new one.")
    }

    /// The URL of an upload session is not valid, or not any more. The answer does not tell why.
    pub fn session_refused() -> Self {
        Self::new(ErrorKind::LinkRefused, "This upload URL is not valid, or not any more. Begin a new upload.")
    }

    /// The session of an upload has ended without a File.
    pub fn upload_ended(status: UploadStatus) -> Self {
        Self::new(ErrorKind::UploadEnded, format!("The upload is {status}. Begin a new one."))
    }

    /// Another File of the workspace has the name that the client chose.
    pub fn chosen_name_taken() -> Self {
        Self::new(ErrorKind::ChosenNameTaken, "Another file of this project has this name.").param("name")
    }

    /// The workspace has the maximum of links.
    pub fn too_many_links() -> Self {
        Self::invalid(format!(
            "This project has {MAX_LIVE_LINKS} links that have neither expired nor been revoked, the most that it may \
             have. Revoke some, or wait until some expire."
        ))
    }

    /// The workspace has no such Upload.
    pub fn upload_not_found(id: &str) -> Self {
        Self::not_found("Upload object", id, "upload_id")
    }

    /// The server has no such project.
    pub fn project_not_found(id: &str) -> Self {
        Self::not_found("project", id, "project_id")
    }

    /// The project has no such key.
    pub fn key_not_found(id: &str) -> Self {
        Self::not_found("API key", id, "api_key_id")
    }

    /// The project has no such service account.
    pub fn account_not_found(id: &str) -> Self {
        Self::not_found("service account", id, "service_account_id")
    }

    /// The server has no such admin key.
    pub fn admin_key_not_found(id: &str) -> Self {
        Self::not_found("admin API key", id, "key_id")
    }

    /// The project has no such rate limit.
    pub fn rate_limit_not_found(id: &str) -> Self {
        Self::not_found("rate limit", id, "rate_limit_id")
    }

    /// There is no such purpose.
    pub fn purpose_not_found(name: &str) -> Self {
        Self::not_found("purpose", name, "purpose")
    }

    /// The server or the project has no such user.
    pub fn user_not_found(id: &str) -> Self {
        Self::not_found("user", id, "user_id")
    }

    /// There is no such session of the console.
    pub fn session_not_found(id: &str) -> Self {
        Self::not_found("session", id, "id")
    }

    fn not_found(what: &str, id: &str, param: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("No such {what}: {id}")).param(param)
    }

    /// The server has no such path; `hint` says which one was probably meant, or is empty.
    pub fn unknown_url(method: &Method, path: &str, hint: &str) -> Self {
        Self::new(ErrorKind::UnknownUrl, format!("Invalid URL ({method} {path}){hint}"))
    }

    /// The path exists and has no such method.
    pub fn wrong_method(method: &Method, path: &str) -> Self {
        let message = format!("Method {method} is not supported on {path}; see the Allow header.");
        Self::new(ErrorKind::WrongMethod, message)
    }

    /// OpenAI has such a path, and this server does not.
    pub fn not_implemented(method: &Method, path: &str) -> Self {
        let message = format!("Endpoint '{method} {path}' is not implemented yet on Venna gateway");
        Self::new(ErrorKind::NotImplemented, message)
    }
}

/// Limits.
impl ApiError {
    /// The file is larger than `limit_bytes`.
    pub fn file_too_large(limit_bytes: u64) -> Self {
        let message = format!("The file is larger than the limit of {limit_bytes} bytes.");
        Self::new(ErrorKind::FileTooLarge, message).param("file")
    }

    /// The workspace has reached a quota.
    pub fn quota_exceeded(exceeded: QuotaExceeded) -> Self {
        let limit = match exceeded {
            QuotaExceeded::Bytes { limit_bytes } => format!("{limit_bytes} bytes of files"),
            QuotaExceeded::Files { limit_files } => format!("{limit_files} files"),
        };
        let message = format!(
            "You have exceeded your file storage quota. Projects are limited to {limit}. Please delete old files or \
             attempt with a smaller file size."
        );
        Self::new(ErrorKind::StorageQuotaExceeded, message)
    }

    /// A rate limit is reached; after `wait` the next request is accepted.
    pub fn rate_limit_reached(measure: Limit, per_minute: NonZeroU32, wait: RetryAfter) -> Self {
        let (what, limit) = match measure {
            Limit::UploadsPerMinute => ("uploads", Limited::Uploads),
            _ => ("requests", Limited::Requests),
        };
        let message = format!(
            "Rate limit reached for {what}. Limit: {per_minute} / min. Please try again in {}s.",
            wait.seconds()
        );
        Self::rate_limited(limit, message, wait)
    }

    /// The workspace has reached its spend limit of this month, which ends in `wait_seconds`.
    pub fn spend_limit_reached(limit_cents: u64, wait_seconds: u64) -> Self {
        let (dollars, cents) = (limit_cents / 100, limit_cents % 100);
        let message = format!(
            "This project has reached its monthly spend limit of ${dollars}.{cents:02}. Files can be read and deleted; new ones \
             are taken again from the first of the next month on, or when an administrator raises the limit."
        );
        Self::new(ErrorKind::SpendLimitReached, message)
            .limit(Limited::Spend)
            .header(RETRY_AFTER, &wait_seconds.to_string())
    }
}

/// Failures of the server and its stores.
impl ApiError {
    /// An unexpected error.
    pub fn internal() -> Self {
        Self::new(ErrorKind::Internal, "The server had an error while processing your request. Sorry about that!")
    }

    /// The stored bytes of the File are damaged.
    pub fn file_damaged() -> Self {
        Self::new(ErrorKind::FileDamaged, "The stored content of this file is damaged and cannot be served.")
    }

    /// A store is full.
    pub fn out_of_space() -> Self {
        let message = "The server has no storage space left. Delete files or try again later.";
        Self::new(ErrorKind::InsufficientStorage, message)
    }

    /// A query took too long.
    pub fn query_timeout() -> Self {
        let message =
            "The query took too long and was ended. Ask for a shorter time, fewer projects or a smaller page.";
        Self::new(ErrorKind::QueryTimeout, message)
    }

    /// A store does not answer.
    pub fn unavailable() -> Self {
        let message = "The server's storage does not answer at the moment. Please try again.";
        Self::new(ErrorKind::ServiceUnavailable, message).soon()
    }
}
