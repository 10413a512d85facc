//! The edge of the server: what every request and every answer goes through.
//!
//! A request gets its id, a paced body and protection from panics; an answer gets the headers that all have. Causes of
//! errors are logged here, once, with the request id, and never with a key, a file's name or its bytes.

use super::SharedHall;
use super::body::{Consumed, PacedBody};
use super::error::{ApiError, Cause};
use crate::model::ids::RequestId;
use crate::random;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{CONNECTION, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http_body::Body as _;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");

/// Runs a request and finishes its answer.
pub async fn attend(State(hall): State<SharedHall>, request: Request, next: Next) -> Response {
    let (id, begun) = (RequestId::new(random::bytes()), Instant::now());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (request, body) = pace(&hall, request);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_| {
        tracing::error!(request = %id, "a handler panicked");
        ApiError::panicked().into_response()
    });
    if let Some(Cause(cause)) = response.extensions_mut().remove() {
        log(id, &response, &*cause);
    }
    tracing::debug!(request = %id, %method, path, status = response.status().as_u16(), "answered");
    complete(&mut response, id, begun);
    if body.is_some_and(|body| !body.is_whole()) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Holds the body, if there is one, to the pace.
fn pace(hall: &SharedHall, request: Request) -> (Request, Option<Consumed>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let consumed = Consumed::default();
    let paced = request.map(|body| Body::new(PacedBody::new(body, hall.body_pace, consumed.clone())));
    (paced, Some(consumed))
}

fn complete(response: &mut Response, id: RequestId, begun: Instant) {
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(PROCESSING_MS, HeaderValue::from(elapsed_ms));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn log(id: RequestId, response: &Response, cause: &(dyn Error + 'static)) {
    let status = response.status().as_u16();
    if status == 503 {
        tracing::warn!(request = %id, status, error = cause, "a store failed");
    } else {
        tracing::error!(request = %id, status, error = cause, "a request failed");
    }
}
