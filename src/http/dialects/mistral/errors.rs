//! Mistral's errors: `{"detail": ...}`, with 422 for what is not valid.

use crate::http::catalogue::ErrorKind;
use crate::http::error::ErrorFacts;
use http::StatusCode;
use serde::Serialize;

/// The body of an error.
#[derive(Debug, Serialize)]
pub struct ErrorBody {
    detail: String,
}

/// Returns the status and the body of an error.
pub fn error(facts: &ErrorFacts) -> (StatusCode, ErrorBody) {
    let is_of_value =
        matches!(facts.kind, ErrorKind::InvalidRequest | ErrorKind::BelowMinimum | ErrorKind::AboveMaximum);
    let status = StatusCode::from_u16(facts.kind.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let status = if is_of_value { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    (status, ErrorBody { detail: facts.message.clone() })
}
