//! Traces by OTLP: one span for each request, with a child for each of its steps.
//!
//! The variables of OpenTelemetry turn it on ([`start`]). A step of a request is a span of `tracing` of level `TRACE`,
//! held while the step runs: `let _step = tracing::trace_span!("commit");`. The log has no such level, so a step is
//! disabled without traces. Steps are not entered: the current span stays that of the request, whose id log lines have.
//! Only this module knows OpenTelemetry.

mod environment;
mod exporter;
mod limited;
mod receiver;
mod sampling;

pub use environment::InvalidVariable;

use exporter::Exporter;
use limited::Limited;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Status, TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_otlp::WithHttpConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use receiver::Receiver;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// The name of the service, unless a variable names another one.
const SERVICE: &str = "venna";
/// The maximum number of ended spans that wait or are being sent.
const MAX_WAITING_SPANS: usize = 4096;
/// The time that the last spans have at the stop.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// The name of the span of a request, which is both in the log and in traces.
const REQUEST: &str = "request";
/// The header of the trace that a request belongs to (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";

/// The field that the span of a traced request has, and others have not.
const KIND: &str = "otel.kind";

/// Decides which requests are traced; none when traces are off.
static SAMPLER: OnceLock<Sampler> = OnceLock::new();

/// The trace that a request belongs to by its header; without one it begins a trace.
#[derive(Debug)]
pub struct Parent(Context);

/// Reads the header `traceparent`; none when traces are off. `tracestate` is not read: it is a text of the client, and
/// would be sent on.
#[must_use]
pub fn parent(traceparent: Option<&str>) -> Option<Parent> {
    SAMPLER.get()?;
    let context = traceparent.map(|traceparent| TraceContextPropagator::new().extract(&Header(traceparent)));
    Some(Parent(context.unwrap_or_default()))
}

impl Parent {
    /// Returns whether a request of this parent is traced.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        SAMPLER.get().is_some_and(|sampler| sampling::is_sampled(sampler, &self.0))
    }

    /// Returns the id of the trace; none without a header.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        let span = self.0.span();
        span.span_context().is_valid().then(|| span.span_context().trace_id().to_string())
    }
}

/// The reason why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable is invalid.
    #[error(transparent)]
    Variable(#[from] InvalidVariable),
    /// The exporter refuses what variables say.
    #[error("the variables of OpenTelemetry cannot be used")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The HTTP client cannot be built.
    #[error("cannot build the HTTP client")]
    Client(#[from] reqwest::Error),
}

/// The running export of traces.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

/// Starts the export of traces by the variables of OpenTelemetry; none without an endpoint. Call it on the runtime that
/// is to send them.
///
/// # Errors
/// When a variable is invalid.
pub fn start() -> Result<Option<Traces>, StartError> {
    let Some(environment) = environment::read(|name| std::env::var(name).ok())? else { return Ok(None) };
    let receiver = Receiver::new(Handle::current())?;
    let exporter =
        opentelemetry_otlp::SpanExporter::builder().with_http().with_http_client(receiver.clone()).build()?;
    let waiting = Arc::new(AtomicUsize::new(0));
    let exporter = Exporter::new(exporter, receiver, Arc::clone(&waiting));
    let batches = BatchConfigBuilder::default().with_max_queue_size(MAX_WAITING_SPANS).build();
    let batches = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    let mut resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if !environment.names_service {
        resource = resource.with_service_name(SERVICE);
    }
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Limited::new(batches, waiting, MAX_WAITING_SPANS))
        .with_resource(resource.build())
        .with_sampler(Sampler::AlwaysOn)
        .build();
    SAMPLER.get_or_init(|| sampling::sampler(environment.sampler.as_deref(), environment.ratio));
    Ok(Some(Traces(provider)))
}

impl Traces {
    /// Returns the layer that makes traces of spans.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer = self.0.tracer(SERVICE);
        let spans = tracing_opentelemetry::layer().with_tracer(tracer);
        let spans = spans.with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false);
        // A step of background work, or of a request that is not traced, belongs to no trace.
        let belongs = |metadata: &Metadata<'_>| metadata.name() == REQUEST || Context::current().has_active_span();
        let filter = dynamic_filter_fn(move |metadata, _| is_traced(metadata) && belongs(metadata));
        let known = |metadata: &'static Metadata<'static>| {
            if is_traced(metadata) { Interest::sometimes() } else { Interest::never() }
        };
        spans.with_filter(filter.with_callsite_filter(known).with_max_level_hint(LevelFilter::TRACE))
    }

    /// Sends what waits and ends the export.
    pub async fn stop(self) {
        let ended = spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH_TIMEOUT)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("traces lost at the stop");
        }
    }
}

/// Returns whether a span of `tracing` is in traces. Events are not: their fields are made for the log.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let is_own = metadata.is_span() && metadata.target().starts_with(SERVICE);
    is_own && (*metadata.level() == Level::TRACE || metadata.fields().field(KIND).is_some())
}

/// Makes the span of a traced request, which is not yet entered, the child of its parent, if there is one. Returns the
/// id of the trace.
pub fn begin(span: &Span, parent: Parent) -> String {
    if parent.0.has_active_span() {
        // Fails where the subscriber makes no traces, as in tests.
        let _without_traces = span.set_parent(parent.0);
    }
    span.context().span().span_context().trace_id().to_string()
}

/// Returns whether this is the span of a traced request.
#[must_use]
pub fn is_traced_request(span: &Span) -> bool {
    span.has_field(KIND)
}

/// Names the span of a request.
pub fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// Sets an attribute of a span.
pub fn set(span: &Span, name: &'static str, value: impl Into<Value>) {
    span.set_attribute(name, value);
}

/// Marks a span as failed, with the kind of its error.
pub fn fail(span: &Span, kind: impl Into<Value>) {
    span.set_attribute("error.type", kind);
    span.set_status(Status::error(""));
}

/// The only header of a propagation.
struct Header<'a>(&'a str);

impl Extractor for Header<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        name.eq_ignore_ascii_case(TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}
