//! The page of errors: the catalogue with a sample answer of each kind, and its handling by SDKs.

use super::objects::definitions;
use super::operations::examples::{FILE, PROJECT, UPLOAD};
use super::route_doc::{EVERYWHERE, FILES, LINKS, REFERENCE, RouteDoc, UPLOADS};
use crate::files::MAX_BATCH_FILE_BYTES;
use crate::http::caller::Access;
use crate::http::catalogue::{Entry, ErrorKind};
use crate::http::error::ApiError;
use crate::http::rates::RetryAfter;
use crate::model::limits::{Limit, QuotaExceeded};
use crate::model::purpose::Purpose;
use crate::model::scope::Scope;
use crate::model::upload::UploadStatus;
use http::Method;
use serde_json::Value;
use std::num::NonZeroU32;
use std::time::Duration;
use venna_reference::{Block, BodyExample, ERRORS_SLUG, Failure, Page, ParamIn, Schema, code, number};

impl ErrorKind {
    /// Returns the anchor on the page of errors: the code, or a similar word for a kind without a code.
    pub fn anchor(self) -> String {
        self.entry().code.map_or_else(|| self.codeless_name().to_owned(), str::to_owned)
    }

    const fn codeless_name(self) -> &'static str {
        match self {
            Self::MissingKey => "missing_key",
            Self::NotFound => "not_found",
            Self::UnknownUrl => "unknown_url",
            _ => "invalid_request",
        }
    }

    /// Returns an answer of this kind, as the server writes it.
    fn example(self) -> ApiError {
        match self {
            Self::InvalidRequest => ApiError::unknown_purpose("poetry", &Purpose::UPLOADABLE),
            Self::BelowMinimum => ApiError::below_minimum("limit", 1, "0"),
            Self::AboveMaximum => ApiError::above_maximum("limit", 10_000, "10001"),
            Self::MissingKey => ApiError::missing_key(),
            Self::InvalidKey => ApiError::incorrect_key(),
            Self::SessionExpired => ApiError::session_expired(),
            Self::CsrfTokenInvalid => ApiError::csrf_token_invalid(),
            Self::IdempotencyKeyReused => ApiError::idempotency_key_reused(),
            Self::StorageQuotaExceeded => ApiError::quota_exceeded(QuotaExceeded::Bytes { limit_bytes: 1 << 20 }),
            Self::Forbidden => ApiError::missing_scope(Scope::FilesWrite),
            Self::LinkRefused => ApiError::link_refused(),
            Self::NotDownloadable => ApiError::not_downloadable(),
            Self::NotFound => ApiError::file_not_found(FILE),
            Self::FileExpired => ApiError::file_expired(FILE),
            Self::ChosenNameTaken => ApiError::chosen_name_taken(),
            Self::UploadEnded => ApiError::upload_ended(UploadStatus::Cancelled),
            Self::UnknownUrl => ApiError::unknown_url(&Method::GET, "/v1/xyz", ""),
            Self::WrongMethod => ApiError::wrong_method(&Method::PUT, "/v1/files"),
            Self::RequestTimeout => ApiError::body_too_slow(1024, 30),
            Self::PreconditionFailed => ApiError::precondition_failed(),
            Self::FileTooLarge => ApiError::file_too_large(512 << 20),
            Self::UnsupportedMediaType => ApiError::not_a_form(Some("application/json")),
            Self::RangeNotSatisfiable => ApiError::range_not_satisfiable(14),
            Self::RateLimited => {
                let wait = RetryAfter(Duration::from_mins(1));
                ApiError::rate_limit_reached(Limit::RequestsPerMinute, NonZeroU32::MIN, wait)
            }
            Self::SpendLimitReached => ApiError::spend_limit_reached(10_000, 86_400),
            Self::Internal => ApiError::internal(),
            Self::FileDamaged => ApiError::file_damaged(),
            Self::NotImplemented => ApiError::not_implemented(&Method::POST, "/v1/chat/completions"),
            Self::InsufficientStorage => ApiError::out_of_space(),
            Self::QueryTimeout => ApiError::query_timeout(),
            Self::ServiceUnavailable => ApiError::unavailable(),
        }
    }

    /// Returns whether OpenAI's SDKs retry the request.
    pub fn is_retried(self) -> bool {
        let Entry { status, should_retry, .. } = self.entry();
        should_retry.unwrap_or(matches!(status, 408 | 409 | 429 | 500..))
    }

    /// Returns the exceptions of OpenAI's SDKs, in Python and in TypeScript.
    pub fn exceptions(self) -> (&'static str, &'static str) {
        match self.entry().status {
            400 => ("BadRequestError", "BadRequestError"),
            401 => ("AuthenticationError", "AuthenticationError"),
            403 => ("PermissionDeniedError", "PermissionDeniedError"),
            404 => ("NotFoundError", "NotFoundError"),
            429 => ("RateLimitError", "RateLimitError"),
            500.. => ("InternalServerError", "InternalServerError"),
            _ => ("APIStatusError", "APIError"),
        }
    }
}

/// Describes an error for the crate `venna_reference`, with a sample of the operation if one is given.
pub fn failure(kind: ErrorKind, doc: Option<&RouteDoc>) -> Failure {
    let Entry { status, code, cause, .. } = kind.entry();
    let error = doc.map_or_else(|| kind.example(), |doc| doc.example(kind));
    Failure { status, code, anchor: kind.anchor(), cause, everywhere: EVERYWHERE.contains(&kind), sample: body(&error) }
}

fn body(error: &ApiError) -> Value {
    serde_json::to_value(error.envelope()).unwrap_or_default()
}

fn forbidden(access: Option<Access>) -> ApiError {
    match access {
        Some(Access::Scope(scope) | Access::AdminOr(scope)) => ApiError::missing_scope(scope),
        Some(Access::Admin | Access::AdminOrOwner | Access::AnyKey) | None => ApiError::needs_admin_key(),
    }
}

impl RouteDoc {
    /// Returns an answer of this kind to this operation, as the server writes it.
    fn example(&self, kind: ErrorKind) -> ApiError {
        match kind {
            ErrorKind::NotFound => self.not_found(),
            ErrorKind::Forbidden => forbidden(self.access()),
            ErrorKind::InvalidRequest => self.invalid(),
            other => other.example(),
        }
    }

    /// Returns the answer to an unknown id in the path, or to an unknown project in the body.
    fn not_found(&self) -> ApiError {
        let named = self.operation.examples_in(ParamIn::Path).last();
        match (self.operation.group, named) {
            (FILES, Some((_, id))) => ApiError::file_not_found(id),
            (LINKS, Some((_, id))) => ApiError::link_not_found(id),
            (UPLOADS, Some((_, id))) => ApiError::upload_not_found(id),
            (_, Some(("api_key_id", id))) => ApiError::key_not_found(id),
            (_, Some(("service_account_id", id))) => ApiError::account_not_found(id),
            (_, Some(("user_id", id))) => ApiError::user_not_found(id),
            (_, Some(("key_id", id))) => ApiError::admin_key_not_found(id),
            (_, Some(_) | None) => ApiError::project_not_found(PROJECT),
        }
    }

    /// Returns the answer to a request without a required field, with an unknown field, or with a parameter that is no
    /// number.
    fn invalid(&self) -> ApiError {
        if let Some(parameter) = self.operation.parameters_in(ParamIn::Query).find(|one| one.required) {
            return ApiError::missing(parameter.name);
        }
        if let Some(body) = &self.operation.body {
            return match (&body.example, required_field(body.schema)) {
                (BodyExample::Form { .. }, Some(name)) => ApiError::missing_field(name),
                (BodyExample::Json(_), Some(name)) => ApiError::missing(name),
                (_, None) => ApiError::unexpected(&["colour"]),
            };
        }
        match self.operation.id {
            "cancelUpload" => ApiError::upload_not_pending(UPLOAD, UploadStatus::Completed),
            "archiveProject" => ApiError::default_project_kept(),
            _ => self
                .whole_number()
                .map_or_else(|| ErrorKind::InvalidRequest.example(), |name| ApiError::not_an_integer(name, "many")),
        }
    }

    /// Returns the name of a parameter of the query that is a whole number: `limit`, or else the first.
    fn whole_number(&self) -> Option<&'static str> {
        let parameters = self.operation.parameters_in(ParamIn::Query);
        let whole = parameters.filter(|one| matches!(one.schema, Schema::Whole(..)));
        whole.map(|one| one.name).min_by_key(|name| *name != "limit")
    }
}

fn required_field(definition: &str) -> Option<&'static str> {
    let definition = definitions().into_iter().find(|one| one.name == definition)?;
    definition.schema.fields().iter().find(|field| field.required).map(|field| field.name)
}

/// Writes the page of errors.
pub fn page() -> Page {
    let mut blocks = vec![
        Block::text(
            "Every error answer has the body `{\"error\":{\"message\",\"type\",\"param\",\"code\"}}` and the header \
             `x-request-id`.",
        ),
        Block::text(
            "SDKs retry 408, 409, 429 and 5xx, unless the header `x-should-retry` says otherwise. They wait as long as \
             `Retry-After` says. Only 2xx answers are billed.",
        ),
        Block::text(format!(
            "A file of purpose `batch` over {} bytes gets 400 `File is too large.`, as at OpenAI.",
            number(MAX_BATCH_FILE_BYTES)
        )),
        overview(),
    ];
    blocks.extend(ErrorKind::ALL.into_iter().flat_map(details));
    Page {
        section: REFERENCE,
        slug: ERRORS_SLUG.to_owned(),
        title: "Errors".to_owned(),
        about: "Every error, its cause and its remedy.".to_owned(),
        blocks,
    }
}

fn overview() -> Block {
    let rows = ErrorKind::ALL.into_iter().map(|kind| {
        let entry = kind.entry();
        let name = format!("[{}](#{})", failure(kind, None).label(), kind.anchor());
        vec![entry.status.to_string(), name, entry.cause.to_owned()]
    });
    Block::Table { head: vec!["Status", "Code", "Cause"], rows: rows.collect() }
}

fn details(kind: ErrorKind) -> Vec<Block> {
    let entry = kind.entry();
    let example = kind.example();
    let (python, typescript) = kind.exceptions();
    let title = entry.code.map_or_else(
        || format!("{} without a code: {}", entry.status, kind.anchor().replace('_', " ")),
        |code| format!("{} {code}", entry.status),
    );
    let retried = match (kind.is_retried(), entry.should_retry) {
        (true, _) => "Yes.",
        (false, Some(false)) => "No: `x-should-retry` is `false`.",
        (false, _) => "No.",
    };
    let row = |name: &str, text: String| [name.to_owned(), text];
    let rows = vec![
        row("Cause", entry.cause.to_owned()),
        row("Remedy", entry.remedy.to_owned()),
        row("Type", code(entry.error_type)),
        row("Code", entry.code.map_or_else(|| code("null"), code)),
        row(
            "Param",
            example
                .param_name()
                .map_or_else(|| code("null"), |param| format!("the name of the field, for example {}", code(param))),
        ),
        row("In OpenAI's SDKs", format!("`openai.{python}` in Python, `OpenAI.{typescript}` in TypeScript")),
        row("Retried by SDKs", retried.to_owned()),
    ];
    vec![Block::heading(2, kind.anchor(), title), Block::Facts(rows), Block::json("Sample body", &body(&example))]
}
