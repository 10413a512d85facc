//! Gemini's errors: the status of HTTP and the name of the status of gRPC that belongs to it.

use crate::http::catalogue::ErrorKind;
use crate::http::error::ErrorFacts;
use crate::http::wire::written;
use http::StatusCode;
use serde::Serialize;

/// The body of an error.
#[derive(Debug, Serialize)]
struct ErrorBody<'a> {
    error: ErrorObject<'a>,
}

#[derive(Debug, Serialize)]
struct ErrorObject<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
}

/// Returns the status and the body of an error.
pub fn error(facts: &ErrorFacts) -> (StatusCode, Vec<u8>) {
    let status = status(facts.kind);
    let error = ErrorObject { code: status.as_u16(), message: &facts.message, status: name(facts.kind, status) };
    (status, written(&ErrorBody { error }))
}

/// A File that is not there is one that the caller may not see. A full workspace is a limit that is reached.
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::FORBIDDEN,
        ErrorKind::StorageQuotaExceeded | ErrorKind::SpendLimitReached => StatusCode::TOO_MANY_REQUESTS,
        kind => kind.status(),
    }
}

fn name(kind: ErrorKind, status: StatusCode) -> &'static str {
    match (kind, status.as_u16()) {
        (ErrorKind::ChosenNameTaken, _) => "ALREADY_EXISTS",
        (_, 401) => "UNAUTHENTICATED",
        (_, 403) => "PERMISSION_DENIED",
        (_, 404) => "NOT_FOUND",
        (_, 405 | 501) => "UNIMPLEMENTED",
        (_, 408 | 504) => "DEADLINE_EXCEEDED",
        (_, 409) => "ABORTED",
        (_, 410 | 412) => "FAILED_PRECONDITION",
        (_, 416) => "OUT_OF_RANGE",
        (_, 429) => "RESOURCE_EXHAUSTED",
        (_, 503) => "UNAVAILABLE",
        (_, 500..) => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn body(kind: ErrorKind) -> Value {
        let (status, body) = error(&ErrorFacts { kind, message: "m".into() });
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], status.as_u16());
        body
    }

    #[test]
    fn every_kind_has_a_status_of_grpc() {
        for kind in ErrorKind::ALL {
            let body = body(kind);
            let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            assert!(body["error"]["status"].as_str().is_some_and(is_name), "{body}");
        }
        assert_eq!(
            body(ErrorKind::NotFound),
            json!({"error": {"code": 403, "message": "m", "status": "PERMISSION_DENIED"}})
        );
        assert_eq!(body(ErrorKind::StorageQuotaExceeded)["error"]["status"], "RESOURCE_EXHAUSTED");
        assert_eq!(body(ErrorKind::ChosenNameTaken)["error"]["status"], "ALREADY_EXISTS");
    }
}
