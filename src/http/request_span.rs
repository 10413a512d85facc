//! The span of a request: its id for the log, and with traces the server span of OpenTelemetry's conventions for HTTP.
//!
//! Attributes hold nothing that a client can make up, as in the access log. The address of the client is not among
//! them.

use super::logged::{NO_ROUTE, OTHER_METHOD};
use crate::model::ids::RequestId;
use crate::traces;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, StatusCode, Version};
use http_body::{Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use tracing::Span;
use tracing::field::Empty;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The method of the conventions for one that is not standard.
const CONVENTIONAL_OTHER: &str = "_OTHER";
/// The kind of error of an answer that broke off.
const ABORTED: &str = "aborted";

/// Creates the span of a request, which ends with its answer. Method and route are those of logs.
pub fn begin(request: &Request, id: RequestId, method: &'static str, route: &str, scheme: &'static str) -> Span {
    let traceparent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let Some(parent) = traces::parent(traceparent) else { return tracing::error_span!("request", %id) };
    if !parent.is_sampled() {
        let span = tracing::error_span!("request", %id, trace_id = Empty);
        if let Some(trace_id) = parent.trace_id() {
            span.record("trace_id", trace_id);
        }
        return span;
    }
    let span = tracing::error_span!("request", %id, trace_id = Empty, otel.kind = "server");
    span.record("trace_id", traces::begin(&span, parent));
    let method = if method == OTHER_METHOD { CONVENTIONAL_OTHER } else { method };
    let name = if method == CONVENTIONAL_OTHER { "HTTP" } else { method };
    if route == NO_ROUTE {
        traces::rename(&span, name.to_owned());
    } else {
        traces::rename(&span, format!("{name} {route}"));
        traces::set(&span, "http.route", route.to_owned());
    }
    traces::set(&span, "http.request.method", method);
    traces::set(&span, "url.scheme", scheme);
    traces::set(&span, "network.protocol.name", "http");
    traces::set(&span, "network.protocol.version", version(request.version()));
    traces::set(&span, "venna.request.id", id.to_string());
    span
}

/// Follows an answer to its end, with which the span ends.
pub fn follow(span: Span, response: Response) -> Response {
    let status = response.status();
    traces::set(&span, "http.response.status_code", i64::from(status.as_u16()));
    if status >= StatusCode::INTERNAL_SERVER_ERROR {
        traces::fail(&span, status.as_str().to_owned());
    }
    response.map(|body| Body::new(SpannedBody { body, span }))
}

/// Returns the version of HTTP as the conventions have it.
const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

/// The body of an answer in the span of its request.
struct SpannedBody {
    body: Body,
    span: Span,
}

impl http_body::Body for SpannedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let _entered = this.span.enter();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Err(_))) = &polled {
            traces::fail(&this.span, ABORTED);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
