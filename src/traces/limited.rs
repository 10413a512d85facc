//! The bound of the spans that wait, with a count of those that find no room.

use crate::metrics::METRICS;
use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Passes ended spans on while there is room.
#[derive(Debug)]
pub(super) struct Limited<P> {
    inner: P,
    /// The number of spans that wait or are being sent, which the exporter reduces.
    waiting: Arc<AtomicUsize>,
    max_spans: usize,
}

impl<P> Limited<P> {
    pub(super) fn new(inner: P, waiting: Arc<AtomicUsize>, max_spans: usize) -> Self {
        Self { inner, waiting, max_spans }
    }
}

impl<P: SpanProcessor> SpanProcessor for Limited<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) < self.max_spans {
            self.inner.on_end(span);
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            METRICS.trace_lost_spans.inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
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
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::sync::Mutex;

    /// Keeps the names of spans.
    #[derive(Clone, Debug, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl SpanProcessor for Kept {
        fn on_start(&self, _: &mut Span, _: &Context) {}

        fn on_end(&self, span: SpanData) {
            self.0.lock().unwrap().push(span.name.into_owned());
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    #[test]
    fn spans_without_room_are_dropped_and_room_comes_back() {
        let (kept, waiting) = (Kept::default(), Arc::new(AtomicUsize::new(0)));
        let limited = Limited::new(kept.clone(), Arc::clone(&waiting), 2);
        let provider = SdkTracerProvider::builder().with_span_processor(limited).build();
        let tracer = provider.tracer("test");
        for name in ["one", "two", "three"] {
            drop(tracer.start(name));
        }
        waiting.fetch_sub(2, Ordering::Relaxed);
        drop(tracer.start("four"));
        assert_eq!(*kept.0.lock().unwrap(), ["one", "two", "four"]);
        assert_eq!(waiting.load(Ordering::Relaxed), 1);
    }
}
