//! The names of a request for the log, and its server span by OpenTelemetry's conventions for HTTP.
//!
//! Attributes hold nothing that a client can make up, as in the access log. The address of the client is not among
//! them.

use super::logged::{NO_ROUTE, OTHER_METHOD};
use crate::model::ids::RequestId;
use crate::traces::{self, LoggedRequest, Parent, Trace};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, StatusCode, Version};
use http_body::{Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The method of the conventions for one that is not standard.
const CONVENTIONAL_OTHER: &str = "_OTHER";
/// The kind of error of an answer that broke off.
const ABORTED: &str = "aborted";

/// Names a request for the log, and begins its trace if it is traced. Method and route are those of logs.
pub fn begin(
    request: &Request,
    id: RequestId,
    method: &'static str,
    route: &str,
    scheme: &'static str,
) -> (LoggedRequest, Option<Trace>) {
    let traceparent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let Some(parent) = traces::parent(traceparent) else { return (LoggedRequest::new(id.to_string(), None), None) };
    let trace = begin_trace(&parent, request.version(), id, method, route, scheme);
    let trace_id = trace.as_ref().map(Trace::id).or_else(|| parent.trace_id());
    (LoggedRequest::new(id.to_string(), trace_id), trace)
}

fn begin_trace(
    parent: &Parent,
    version: Version,
    id: RequestId,
    method: &'static str,
    route: &str,
    scheme: &'static str,
) -> Option<Trace> {
    let trace = parent.begin()?;
    let (method, name) = if method == OTHER_METHOD { (CONVENTIONAL_OTHER, "HTTP") } else { (method, method) };
    if route == NO_ROUTE {
        trace.rename(name.to_owned());
    } else {
        trace.rename(format!("{name} {route}"));
        trace.set("http.route", route.to_owned());
    }
    trace.set("http.request.method", method);
    trace.set("url.scheme", scheme);
    trace.set("network.protocol.name", "http");
    trace.set("network.protocol.version", version_name(version));
    trace.set("venna.request.id", id.to_string());
    Some(trace)
}

/// Follows an answer to its end, with which the span of its request ends.
pub fn follow(trace: Trace, response: Response) -> Response {
    let status = response.status();
    trace.set("http.response.status_code", i64::from(status.as_u16()));
    if status >= StatusCode::INTERNAL_SERVER_ERROR {
        trace.fail(status.as_str().to_owned());
    }
    response.map(|body| Body::new(TracedBody { body, trace }))
}

/// Returns the version of HTTP as the conventions have it.
const fn version_name(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

/// The body of an answer in the trace of its request.
struct TracedBody {
    body: Body,
    trace: Trace,
}

impl Drop for TracedBody {
    fn drop(&mut self) {
        self.trace.end();
    }
}

impl http_body::Body for TracedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let _entered = this.trace.enter();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Err(_))) = &polled {
            this.trace.fail(ABORTED);
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
