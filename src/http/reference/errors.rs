//! What clients see of each kind of error, beyond the catalogue: an answer as it looks, what an SDK makes of it,
//! whether it is sent again by itself.

use super::objects::definitions;
use super::operation::{BodyExample, Group, Operation, Place};
use super::operations::{PROJECT, UPLOAD};
use super::page::{Block, Page, code};
use crate::files::MAX_BATCH_FILE_BYTES;
use crate::http::caller::Access;
use crate::http::catalogue::{Entry, ErrorKind};
use crate::http::wire::ErrorEnvelope;
use serde_json::Value;

/// The name of the page.
pub const SLUG: &str = "errors";

impl ErrorKind {
    /// What it is called where a short word is needed: its code, or what stands for one where the code is null.
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

    /// A message as the server writes it, and its `param`.
    const fn example(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::InvalidRequest => (
                "'poetry' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - \
                 'purpose'",
                Some("purpose"),
            ),
            Self::BelowMinimum => (
                "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead.",
                Some("limit"),
            ),
            Self::AboveMaximum => (
                "Invalid 'limit': integer above maximum value. Expected a value <= 10000, but got 10001 instead.",
                Some("limit"),
            ),
            Self::MissingKey => ("Missing bearer authentication in header", None),
            Self::InvalidKey => (
                "Incorrect API key provided. You can make a key with `venna keys create`, or ask the operator of \
                 this server for one.",
                None,
            ),
            Self::IdempotencyKeyReused => (
                "This Idempotency-Key was used for another request. Send a new one with a new request.",
                Some("Idempotency-Key"),
            ),
            Self::StorageQuotaExceeded => (
                "You have exceeded your file storage quota. Projects are limited to 1048576 bytes of files. Please \
                 delete old files or attempt with a smaller file size.",
                None,
            ),
            Self::Forbidden => {
                ("You have insufficient permissions for this operation. Missing scopes: files.write.", None)
            }
            Self::NotFound => ("No such File object: file-00VbjUjhHGglY7j08O6M3Oj9", Some("id")),
            Self::UnknownUrl => ("Invalid URL (GET /v1/xyz)", None),
            Self::WrongMethod => ("Method PUT is not supported on /v1/files; see the Allow header.", None),
            Self::RequestTimeout => {
                ("The request body came in at less than 1024 bytes a second over 30 seconds.", None)
            }
            Self::PreconditionFailed => ("A precondition of the request does not hold.", None),
            Self::FileTooLarge => ("The file is larger than the limit of 536870912 bytes.", Some("file")),
            Self::UnsupportedMediaType => (
                "The Content-Type of the request is 'application/json'; this operation takes multipart/form-data.",
                None,
            ),
            Self::RangeNotSatisfiable => ("The requested range lies outside the 14 bytes of the file.", None),
            Self::RateLimited => ("Rate limit reached for requests. Limit: 1 / min. Please try again in 60s.", None),
            Self::SpendLimitReached => (
                "This project has reached its monthly spend limit of $100.00. Files can be read and deleted; new \
                 ones are taken again from the first of the next month on, or when an administrator raises the limit.",
                None,
            ),
            Self::Internal => ("The server had an error while processing your request. Sorry about that!", None),
            Self::FileDamaged => ("The stored content of this file is damaged and cannot be served.", None),
            Self::NotImplemented => {
                ("Endpoint 'POST /v1/chat/completions' is not implemented yet on Venna gateway", None)
            }
            Self::InsufficientStorage => {
                ("The server has no storage space left. Delete files or try again later.", None)
            }
            Self::QueryTimeout => (
                "The query took too long and was ended. Ask for a shorter time, fewer projects or a smaller page.",
                None,
            ),
            Self::ServiceUnavailable => ("The server's storage does not answer at the moment. Please try again.", None),
        }
    }

    /// Whether OpenAI's SDKs send the request again by themselves.
    pub fn is_retried(self) -> bool {
        let Entry { status, should_retry, .. } = self.entry();
        should_retry.unwrap_or(matches!(status, 408 | 409 | 429 | 500..))
    }

    /// What OpenAI's SDKs throw: in Python and in TypeScript.
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

/// The body of an answer of this kind, of no operation in particular.
pub fn sample(kind: ErrorKind) -> Value {
    let (message, param) = kind.example();
    envelope(kind, message, param)
}

/// The body of an answer of this kind to this operation.
pub fn sample_of(operation: &Operation, kind: ErrorKind) -> Value {
    match kind {
        ErrorKind::NotFound => {
            let (message, param) = operation.not_found();
            envelope(kind, &message, Some(param))
        }
        ErrorKind::Forbidden => envelope(kind, &forbidden(operation.access()), None),
        ErrorKind::InvalidRequest => {
            let (message, param) = operation.invalid();
            envelope(kind, &message, param)
        }
        other => sample(other),
    }
}

fn forbidden(access: Option<Access>) -> String {
    let need = match access {
        Some(Access::Scope(scope) | Access::AdminOr(scope)) => format!("Missing scopes: {scope}."),
        Some(Access::Admin | Access::AnyKey) | None => "It takes an admin key (vka_...).".to_owned(),
    };
    format!("You have insufficient permissions for this operation. {need}")
}

impl Operation {
    /// What is said of an id in the path, or of a project in the body, that there is not.
    fn not_found(&self) -> (String, &'static str) {
        let named = self.examples_in(Place::Path).last();
        match (self.group, named) {
            (Group::Files, Some((_, id))) => (format!("No such File object: {id}"), "id"),
            (Group::Uploads, Some((_, id))) => (format!("No such Upload object: {id}"), "upload_id"),
            (_, Some(("api_key_id", id))) => (format!("No such API key: {id}"), "api_key_id"),
            (_, Some(("service_account_id", id))) => (format!("No such service account: {id}"), "service_account_id"),
            (_, Some(("key_id", id))) => (format!("No such admin API key: {id}"), "key_id"),
            (_, Some(_) | None) => (format!("No such project: {PROJECT}"), "project_id"),
        }
    }

    /// What is said of a request without what it needs, with a field too many, or with a `limit` that is no number.
    fn invalid(&self) -> (String, Option<&'static str>) {
        let missing = |name: &'static str| (format!("Missing required parameter: '{name}'."), Some(name));
        if let Some(parameter) = self.parameters_in(Place::Query).find(|parameter| parameter.required) {
            return missing(parameter.name);
        }
        if let Some(body) = &self.body {
            let needed = required_field(body.schema);
            return match (&body.example, needed) {
                (BodyExample::Form { .. }, Some(name)) => (format!("'{name}' is a required property"), None),
                (BodyExample::Json(_), Some(name)) => missing(name),
                (_, None) => ("Additional properties are not allowed ('colour' was unexpected)".to_owned(), None),
            };
        }
        match self.id {
            "cancelUpload" => {
                (format!("Upload {UPLOAD} is completed; only a pending upload can be changed."), Some("upload_id"))
            }
            "archiveProject" => ("The default project cannot be archived.".to_owned(), Some("project_id")),
            _ => ("Invalid 'limit': expected an integer, but got 'many' instead.".to_owned(), Some("limit")),
        }
    }
}

fn required_field(definition: &str) -> Option<&'static str> {
    let definition = definitions().into_iter().find(|one| one.name == definition)?;
    definition.schema.fields().iter().find(|field| field.required).map(|field| field.name)
}

fn envelope(kind: ErrorKind, message: &str, param: Option<&str>) -> Value {
    serde_json::to_value(ErrorEnvelope::new(&kind.entry(), message, param)).unwrap_or_default()
}

/// The catalogue.
pub fn page() -> Page {
    let mut blocks = vec![
        Block::text(
            "Every error answer has the body `{\"error\":{\"message\",\"type\",\"param\",\"code\"}}` and the header \
             `x-request-id`.",
        ),
        Block::text(
            "SDKs retry 408, 409, 429 and 5xx, unless the header `x-should-retry` says otherwise; where \
             `Retry-After` is sent, they wait as long as it says. No answer but a 2xx is billed.",
        ),
        Block::text(format!(
            "A file of purpose `batch` over {MAX_BATCH_FILE_BYTES} bytes gets 400 `File is too large.`, as OpenAI \
             answers."
        )),
        overview(),
    ];
    blocks.extend(ErrorKind::ALL.into_iter().flat_map(details));
    Page {
        slug: SLUG.to_owned(),
        title: "Errors".to_owned(),
        about: "Every error, what brings it about and what to do.".to_owned(),
        blocks,
    }
}

fn overview() -> Block {
    let rows = ErrorKind::ALL.into_iter().map(|kind| {
        let entry = kind.entry();
        let name = format!("[`{}`](#{})", entry.code.unwrap_or("null"), kind.anchor());
        vec![entry.status.to_string(), name, code(entry.error_type), entry.brought_about_by.to_owned()]
    });
    Block::Table { head: vec!["Status", "Code", "Type", "Brought about by"], rows: rows.collect() }
}

fn details(kind: ErrorKind) -> Vec<Block> {
    let entry = kind.entry();
    let (_, param) = kind.example();
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
    let row = |name: &str, text: String| vec![name.to_owned(), text];
    let rows = vec![
        row("Status", entry.status.to_string()),
        row("Type", code(entry.error_type)),
        row("Code", entry.code.map_or_else(|| code("null"), code)),
        row("Param", param.map_or_else(|| code("null"), |param| format!("what is wrong, for example {}", code(param)))),
        row("Brought about by", entry.brought_about_by.to_owned()),
        row("Remedy", entry.remedy.to_owned()),
        row("In OpenAI's SDKs", format!("`openai.{python}` in Python, `OpenAI.{typescript}` in TypeScript")),
        row("Sent again by SDKs", retried.to_owned()),
        row("Billed", "No.".to_owned()),
    ];
    vec![
        Block::heading(2, kind.anchor(), title),
        Block::Table { head: vec!["", ""], rows },
        Block::json("Sample body", &sample(kind)),
    ]
}
