//! Anthropic's errors: a type for each status, `details` where its clients have a class of their own, and the id of the
//! request in the body and in a header.

use crate::http::catalogue::ErrorKind;
use crate::http::error::ErrorFacts;
use crate::http::headers::put;
use crate::http::wire::written;
use crate::model::ids::RequestId;
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;

/// The id of a request, on every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The body of an error.
#[derive(Debug, Serialize)]
struct ErrorBody<'a> {
    r#type: &'static str,
    error: ErrorObject<'a>,
    request_id: String,
}

#[derive(Debug, Serialize)]
struct ErrorObject<'a> {
    r#type: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

#[derive(Debug, Serialize)]
struct Details {
    error_code: &'static str,
}

/// Puts the id of a request into the headers of its answer.
pub fn name_request(headers: &mut HeaderMap, request: RequestId) {
    put(headers, REQUEST_ID, &request.to_string());
}

/// Returns the status and the body of an error.
pub fn error(facts: &ErrorFacts, request: RequestId) -> (StatusCode, Vec<u8>) {
    let status = facts.kind.status();
    let details = error_code(facts.kind).map(|error_code| Details { error_code });
    let error = ErrorObject { r#type: error_type(status), message: &facts.message, details };
    (status, written(&ErrorBody { r#type: "error", error, request_id: request.to_string() }))
}

fn error_type(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::REQUEST_TIMEOUT => "timeout_error",
        StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_server_error() => "api_error",
        _ => "invalid_request_error",
    }
}

/// Returns the code by which Anthropic's clients choose a class of error beyond that of the status.
const fn error_code(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::FileExpired | ErrorKind::NotDownloadable | ErrorKind::StorageQuotaExceeded => kind.entry().code,
        ErrorKind::SpendLimitReached => Some("enforced_spend_limit_reached"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn body(kind: ErrorKind) -> (u16, Value) {
        let facts = ErrorFacts { kind, message: "m".into() };
        let (status, body) = error(&facts, RequestId::new([1; 16]));
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn every_kind_has_a_type_that_anthropic_has() {
        const TYPES: [&str; 8] = [
            "api_error",
            "authentication_error",
            "invalid_request_error",
            "not_found_error",
            "permission_error",
            "rate_limit_error",
            "request_too_large",
            "timeout_error",
        ];
        for kind in ErrorKind::ALL {
            let (status, body) = body(kind);
            assert_eq!(status, kind.entry().status);
            assert!(TYPES.contains(&body["error"]["type"].as_str().unwrap()), "{body}");
        }
    }

    #[test]
    fn the_codes_of_classes_are_in_the_details() {
        let request_id = RequestId::new([1; 16]).to_string();
        let error = json!({"type": "not_found_error", "message": "m", "details": {"error_code": "file_expired"}});
        let expired = json!({"type": "error", "error": error, "request_id": request_id});
        assert_eq!(body(ErrorKind::FileExpired), (404, expired));
        assert_eq!(body(ErrorKind::StorageQuotaExceeded).1["error"]["details"]["error_code"], "storage_quota_exceeded");
        assert_eq!(body(ErrorKind::NotFound).1["error"].get("details"), None);
    }
}
