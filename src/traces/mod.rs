//! Traces by OTLP: one span for each request, with a child for each of its steps; and the request that lines of the log
//! name.
//!
//! The variables of OpenTelemetry turn it on ([`start`]). A step is a [`Step`] that is held while it runs:
//! `let _step = Step::begin("commit");`. A task that does work of a request runs in [`carry`]. Only this module knows
//! OpenTelemetry.

mod environment;
mod exporter;
mod limited;
mod logged_request;
mod propagation;
mod receiver;
mod sampling;
mod span;

pub use environment::InvalidVariable;
pub use logged_request::{LoggedRequest, log_for};
pub use span::{Parent, Step, Trace, carry, parent, run};

use exporter::Exporter;
use limited::Limited;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithHttpConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use receiver::Receiver;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// The name of the service, unless a variable names another one.
const SERVICE: &str = "venna";
/// The maximum number of ended spans that wait or are being sent.
const MAX_WAITING_SPANS: usize = 4096;
/// The time that the last spans have at the stop.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
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
    let sampler = sampling::sampler(environment.sampler.as_deref(), environment.ratio);
    span::turn_on(provider.tracer(SERVICE), sampler);
    Ok(Some(Traces(provider)))
}

impl Traces {
    /// Sends what waits and ends the export.
    pub async fn stop(self) {
        let ended = spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH_TIMEOUT)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("traces lost at the stop");
        }
    }
}
