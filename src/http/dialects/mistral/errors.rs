//! Mistral's errors: `{"detail": ...}`, with 422 for what is not valid.

use crate::http::catalogue::ErrorKind;
use crate::http::error::ErrorFacts;
use crate::http::wire::written;
use http::StatusCode;
use serde::Serialize;

/// The body of an error.
#[derive(Debug, Serialize)]
struct ErrorBody<'a> {
    detail: &'a str,
}

/// Returns the status and the body of an error.
pub fn error(facts: &ErrorFacts) -> (StatusCode, Vec<u8>) {
    let is_of_value =
        matches!(facts.kind, ErrorKind::InvalidRequest | ErrorKind::BelowMinimum | ErrorKind::AboveMaximum);
    let status = if is_of_value { StatusCode::UNPROCESSABLE_ENTITY } else { facts.kind.status() };
    (status, written(&ErrorBody { detail: &facts.message }))
}
