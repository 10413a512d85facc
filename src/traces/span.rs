//! The spans of a request that is traced: its own, and one for each step.
//!
//! They are made of OpenTelemetry's API. A request that is not traced has none, and a step of it costs one look at the
//! context of its thread.

use super::logged_request::{LoggedRequest, scope};
use super::propagation;
use super::sampling;
use futures_util::future::Either;
use opentelemetry::trace::{FutureExt, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, ContextGuard, KeyValue, Value};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, Span};
use std::sync::OnceLock;

/// The name of the span of a request that has no better one.
const REQUEST: &str = "request";

/// The maker of spans, and the decision which requests have them; none when traces are off.
static TRACER: OnceLock<(SdkTracer, Sampler)> = OnceLock::new();

/// Turns traces on.
pub(super) fn turn_on(tracer: SdkTracer, sampler: Sampler) {
    TRACER.get_or_init(|| (tracer, sampler));
}

/// The trace that a request belongs to by its header; without one it begins a trace.
#[derive(Debug)]
pub struct Parent(Context);

/// Reads the header `traceparent`; none when traces are off. `tracestate` is not read: it is a text of the client, and
/// would be sent on.
#[must_use]
pub fn parent(traceparent: Option<&str>) -> Option<Parent> {
    TRACER.get()?;
    Some(Parent(traceparent.map(propagation::read).unwrap_or_default()))
}

impl Parent {
    /// Returns the id of the trace; none without a header.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        let span = self.0.span();
        span.span_context().is_valid().then(|| span.span_context().trace_id().to_string())
    }

    /// Begins the span of a request, if the request is traced.
    #[must_use]
    pub fn begin(&self) -> Option<Trace> {
        let (tracer, sampler) = TRACER.get()?;
        if !sampling::is_sampled(sampler, &self.0) {
            return None;
        }
        let span = SpanBuilder::from_name(REQUEST).with_kind(SpanKind::Server);
        Some(Trace(self.0.with_span(tracer.build_with_context(span, &self.0))))
    }
}

/// The span of a request that is traced. Clones share it.
#[derive(Clone, Debug)]
pub struct Trace(Context);

impl Trace {
    /// Returns the id of the trace.
    #[must_use]
    pub fn id(&self) -> String {
        self.0.span().span_context().trace_id().to_string()
    }

    /// Names the span.
    pub fn rename(&self, name: String) {
        self.0.span().update_name(name);
    }

    /// Sets an attribute.
    pub fn set(&self, name: &'static str, value: impl Into<Value>) {
        self.0.span().set_attribute(KeyValue::new(name, value));
    }

    /// Marks the request as failed, with the kind of its error.
    pub fn fail(&self, kind: impl Into<Value>) {
        self.set("error.type", kind);
        self.0.span().set_status(Status::error(""));
    }

    /// Makes it that of this thread, until the guard is dropped.
    #[must_use]
    pub fn enter(&self) -> ContextGuard {
        self.0.clone().attach()
    }

    /// Ends the span. What follows of the request is not in it.
    pub fn end(&self) {
        self.0.span().end();
    }
}

/// Runs a future for a request, and in its trace if there is one.
pub fn run<F: Future>(
    future: F,
    request: Option<LoggedRequest>,
    trace: Option<&Trace>,
) -> impl Future<Output = F::Output> + use<F> {
    let traced = match trace {
        Some(Trace(context)) => Either::Left(future.with_context(context.clone())),
        None => Either::Right(future),
    };
    scope(request, traced)
}

/// Makes a future that another task runs part of the current request: of its trace and of its lines of the log.
pub fn carry<F: Future>(future: F) -> impl Future<Output = F::Output> + use<F> {
    let trace = is_traced().then(|| Trace(Context::current()));
    run(future, LoggedRequest::current(), trace.as_ref())
}

/// A step of a request, which ends when it is dropped.
#[must_use]
#[derive(Debug, Default)]
pub struct Step {
    /// Ends with its drop.
    _span: Option<Span>,
}

impl Step {
    /// Begins a step, if this thread runs a request that is traced.
    pub fn begin(name: &'static str) -> Self {
        Self::of_kind(name, SpanKind::Internal)
    }

    /// Begins a step that waits for another server.
    pub fn call(name: &'static str) -> Self {
        Self::of_kind(name, SpanKind::Client)
    }

    fn of_kind(name: &'static str, kind: SpanKind) -> Self {
        let tracer = TRACER.get().filter(|_| is_traced());
        Self { _span: tracer.map(|(tracer, _)| tracer.build(SpanBuilder::from_name(name).with_kind(kind))) }
    }
}

/// Returns whether this thread runs a request that is traced.
fn is_traced() -> bool {
    Context::map_current(TraceContextExt::has_active_span)
}
