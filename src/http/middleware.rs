//! The request middleware, which every request and every answer passes.
//!
//! A request gets its id, a paced body and protection from panics. An answer gets the headers that all answers have.
//! Causes of errors are logged here, once, with the request id, and never with a key, a file's name or its bytes.

use super::access::{AccessRecorder, KeyPlace, Recording, RequestContext};
use super::body::{BodyPace, Consumed, PacedBody};
use super::connection::ClientConnection;
use super::cors::Cors;
use super::error::{ApiError, Cause};
use super::headers::{KEEP_ALIVE, PROCESSING_MS, REQUEST_ID, put};
use super::limited::Limited;
use super::logged::{NO_ROUTE, logged_method};
use super::workspace_metrics::WorkspaceMetrics;
use super::{dialect, metrics, request_span};
use crate::error_chain::ErrorChain;
use crate::model::ids::RequestId;
use crate::random;
use crate::traces::{self, LoggedRequest, log_for};
use arc_swap::ArcSwap;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS};
use http::{StatusCode, Version};
use http_body::Body as _;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The settings of the request middleware.
#[derive(Clone, Debug)]
pub struct RequestPolicy {
    /// The origins whose pages may read answers.
    pub cors: Cors,
    /// The minimum rate of a request body, which a reload may change.
    pub body_pace: Arc<ArcSwap<BodyPace>>,
    /// The access log; none when off.
    pub access: Option<AccessRecorder>,
    /// The metrics of workspaces; none when off.
    pub workspaces: Option<Arc<WorkspaceMetrics>>,
    /// The scheme of URLs of the listener, for traces.
    pub scheme: &'static str,
}

/// Runs a request by `handle` and completes its answer, whose errors `translate` writes in the dialect of the request.
pub async fn request_middleware<F>(
    policy: Arc<RequestPolicy>,
    request: Request,
    handle: impl FnOnce(Request) -> F,
    translate: impl FnOnce(Response, RequestId) -> Response,
) -> Response
where
    F: Future<Output = Response>,
{
    let (id, begun) = (RequestId::new(random::bytes()), Instant::now());
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let (permission, keep_alive) = (policy.cors.permit(&request), keep_alive(&request));
    let (method, route) = (logged_method(&method), route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str));
    let (logged, trace) = request_span::begin(&request, id, method, route, policy.scheme);
    let mut recording = policy.access.as_ref().map(|access| access.begin(&request, id, method, route));
    let mut response = if let Some(response) = permission.preflight(&request) {
        response
    } else {
        let answer = answer(&policy, request, id, recording.as_deref_mut(), handle);
        translate(traces::run(answer, Some(logged.clone()), trace.as_ref()).await, id)
    };
    log_for(Some(logged.clone()), || log(&mut response, method, route));
    if let Some(limit) = response.extensions_mut().remove::<Limited>() {
        limit.count();
    }
    let elapsed = begun.elapsed();
    metrics::record(method, route, response.status(), elapsed);
    complete(&mut response, &logged, elapsed);
    permission.put_into(response.headers_mut());
    if let Some(keep_alive) = keep_alive
        && !response.headers().contains_key(CONNECTION)
    {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        response.headers_mut().insert(KEEP_ALIVE, keep_alive);
    }
    if let Some(recording) = recording {
        response = recording.follow(response);
    }
    if let Some(trace) = trace {
        response = request_span::follow(trace, response);
    }
    response
}

/// Returns how long the connection waits for another request; none if the client cannot reuse it.
fn keep_alive(request: &Request) -> Option<HeaderValue> {
    let closes = |value: &HeaderValue| {
        let mut options = value.as_bytes().split(|byte| *byte == b',');
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
    };
    let is_kept = request.version() == Version::HTTP_11 && !request.headers().get_all(CONNECTION).iter().any(closes);
    let connection: &ClientConnection = request.extensions().get().filter(|_| is_kept)?;
    Some(connection.keep_alive())
}

/// Runs a request with a paced body. An answer before the end of the body closes a connection of HTTP/1. HTTP/2 keeps
/// the connection and discards the rest of the body (`http_2/request_body.rs`).
async fn answer<F>(
    policy: &RequestPolicy,
    request: Request,
    id: RequestId,
    recording: Option<&mut Recording>,
    handle: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let is_http_1 = request.version() < Version::HTTP_2;
    let (mut request, body) = limit_pace(**policy.body_pace.load(), request);
    let key = recording.map(|recording| recording.observe(body.clone()));
    let key = key.or_else(|| policy.workspaces.as_ref().map(|_| KeyPlace::default()));
    let dialect = dialect::of_path(request.uri().path());
    request.extensions_mut().insert(RequestContext { id, dialect, key: key.clone() });
    let mut response = run(request, handle).await;
    if let (Some(metrics), Some(key)) = (&policy.workspaces, key) {
        count_for_workspace(metrics, &key, body.as_ref(), &mut response);
    }
    if is_http_1 && body.is_some_and(|body| !body.is_whole()) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Counts an answered request in the series of its workspace, which goes on to count the bytes of the answer.
fn count_for_workspace(metrics: &WorkspaceMetrics, key: &KeyPlace, body: Option<&Consumed>, response: &mut Response) {
    if let Some(workspace) = key.get().and_then(|key| key.opens.workspace()) {
        let series = metrics.of(workspace);
        series.answered(response.status(), body.map_or(0, Consumed::bytes));
        response.extensions_mut().insert(series);
    }
}

/// Rejects requests with ambiguous framing or without a Host header, and runs the handler otherwise.
async fn run<F: Future<Output = Response>>(request: Request, handle: impl FnOnce(Request) -> F) -> Response {
    if let Err(error) = check_framing(&request) {
        return error.into_response();
    }
    AssertUnwindSafe(handle(request)).catch_unwind().await.unwrap_or_else(|panic| {
        let message =
            panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = message.unwrap_or("without a message"), "handler panicked");
        ApiError::internal().into_response()
    })
}

/// Checks that a proxy before this server cannot frame the request differently (RFC 9112, sections 3.2 and 6.1; RFC
/// 9113, section 8.3.1). hyper rejects two lengths, and closes the connection after a request with a length and chunks.
fn check_framing(request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    match headers.get_all(HOST).iter().count() {
        0 if request.version() == Version::HTTP_11 => {
            return Err(ApiError::invalid("The request has no Host header."));
        }
        0 | 1 => {}
        _ => return Err(ApiError::invalid("The request has more than one Host header.")),
    }
    let is_authority = |host: &HeaderValue, authority: &str| host.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
    if let (Some(host), Some(authority)) = (headers.get(HOST), request.uri().authority())
        && request.version() == Version::HTTP_2
        && !is_authority(host, authority.as_str())
    {
        return Err(ApiError::invalid("The Host header and the :authority of the request differ."));
    }
    let chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    let encodings = headers.get_all(TRANSFER_ENCODING);
    if encodings.iter().count() > 1 || !encodings.iter().all(chunked) {
        return Err(ApiError::invalid("The Transfer-Encoding of the request must be chunked, or absent."));
    }
    Ok(())
}

/// Wraps the body, if there is one, so that it fails when it is slower than `pace`.
fn limit_pace(pace: BodyPace, request: Request) -> (Request, Option<Consumed>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let consumed = Consumed::default();
    let paced = request.map(|body| Body::new(PacedBody::new(body, pace, consumed.clone())));
    (paced, Some(consumed))
}

fn complete(response: &mut Response, request: &LoggedRequest, elapsed: Duration) {
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let headers = response.headers_mut();
    put(headers, REQUEST_ID, request.id());
    headers.insert(PROCESSING_MS, HeaderValue::from(elapsed_ms));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn log(response: &mut Response, method: &str, route: &str) {
    let status = response.status();
    if let Some(Cause(cause)) = response.extensions_mut().remove() {
        log_cause(status, &*cause);
    }
    tracing::debug!(method, route, status = status.as_u16(), "request finished");
}

fn log_cause(status: StatusCode, cause: &(dyn Error + 'static)) {
    let error = ErrorChain(cause);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(status = status.as_u16(), %error, "store request failed");
    } else {
        tracing::error!(status = status.as_u16(), %error, "request failed");
    }
}
