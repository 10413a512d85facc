//! Sends spans, counts those that are lost, and logs the first failure.

use super::receiver::Receiver;
use crate::metrics::METRICS;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The exporter of OTLP.
#[derive(Debug)]
pub(super) struct Exporter<E = opentelemetry_otlp::SpanExporter> {
    inner: E,
    receiver: Receiver,
    /// The number of spans that wait or are being sent.
    waiting: Arc<AtomicUsize>,
    is_failing: AtomicBool,
}

impl<E> Exporter<E> {
    pub(super) fn new(inner: E, receiver: Receiver, waiting: Arc<AtomicUsize>) -> Self {
        Self { inner, receiver, waiting, is_failing: AtomicBool::new(false) }
    }
}

impl<E: SpanExporter> SpanExporter for Exporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.inner.export(batch).await;
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        if sent.is_err() {
            METRICS.trace_lost_spans.inc_by(spans as u64);
        }
        let was_failing = self.is_failing.swap(sent.is_err(), Ordering::Relaxed);
        match (&sent, was_failing) {
            // The error of the exporter shows the address, which may hold a password.
            (Err(_), false) => tracing::warn!(error = %self.receiver.last_failure(), "trace export failed"),
            (Ok(()), true) => tracing::info!("trace export resumed"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tokio::runtime::Handle;

    /// A receiver that is down.
    #[derive(Debug)]
    struct Down;

    impl SpanExporter for Down {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            Err(OTelSdkError::InternalFailure("http://user:password@collector".to_owned()))
        }
    }

    #[tokio::test]
    async fn spans_that_are_not_taken_are_counted_and_make_room() {
        let (waiting, before) = (Arc::new(AtomicUsize::new(3)), METRICS.trace_lost_spans.get());
        let exporter = Exporter::new(Down, Receiver::new(Handle::current()).unwrap(), Arc::clone(&waiting));
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
        drop(provider.tracer("test").start("lost"));
        assert_eq!(waiting.load(Ordering::Relaxed), 2);
        // Other tests may lose spans at the same time.
        assert!(METRICS.trace_lost_spans.get() > before);
    }
}
