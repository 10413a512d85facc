//! The metrics of the process, which `/metrics` of the administrative listener shows.
//!
//! One list declares them all; `docs/metrics.md` is generated from it. Each is recorded where it happens, through
//! [`METRICS`]. A metric that tells what waits in the stores is set by the task that works on it.

mod histogram;
mod labels;
mod page;
mod process;

pub use labels::{
    LimitLabels, ListenerLabels, OutcomeLabels, RequestLabels, RouteLabels, SinkLabels, SubjectLabels, WorkspaceLabels,
    WorkspaceStatusLabels,
};
pub use page::reference;
pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::histogram::Histogram;

use histogram::{durations, sizes};
use labels::BuildLabels;
use process::ProcessCollector;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

/// The metrics of this process.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// The prefix of every name, but for those of the process, which are the same in all programs.
const PREFIX: &str = "venna";

/// A declared metric.
#[derive(Debug)]
struct Declared {
    name: &'static str,
    kind: MetricType,
    labels: &'static [&'static str],
    help: &'static str,
}

/// Declares the metrics: their help, type, initial value and labels. The name is that of the field.
macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $name:ident: $kind:ty = $initial:expr, [$($label:literal),*];)*) => {
        /// The metrics of a process.
        pub struct Metrics {
            registry: Registry,
            $($(#[doc = $help])+ pub $name: $kind,)*
        }

        const DECLARED: &[Declared] = &[$(Declared {
            name: stringify!($name),
            kind: <$kind as TypedMetric>::TYPE,
            labels: &[$($label),*],
            help: concat!($($help),+),
        }),*];

        impl Metrics {
            fn new() -> Self {
                let mut registry = Registry::default();
                registry.register_collector(Box::new(ProcessCollector));
                let own = registry.sub_registry_with_prefix(PREFIX);
                own.register("build", "The build of the program", Info::new(BuildLabels { version: VERSION }));
                $(
                    let $name: $kind = $initial;
                    own.register(stringify!($name), help(concat!($($help),+)), $name.clone());
                )*
                Self { registry, $($name),* }
            }
        }
    };
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

metrics! {
    /// The answered requests, by the template of their route and the class of their status.
    http_requests: Family<RequestLabels, Counter> = Family::default(), ["method", "route", "status"];
    /// The time from the head of a request to the head of its response.
    http_request_duration_seconds: Family<RouteLabels, Histogram> = Family::new_with_constructor(durations), ["method", "route"];
    /// The received bytes of request bodies.
    http_request_body_bytes: Counter = Counter::default(), [];
    /// The sent bytes of response bodies.
    http_response_body_bytes: Counter = Counter::default(), [];
    /// The answered requests with a key of the workspace, by the class of their status; with `--metrics-per-workspace`.
    workspace_requests: Family<WorkspaceStatusLabels, Counter> = Family::default(), ["workspace", "status"];
    /// The received bytes of their bodies; with `--metrics-per-workspace`.
    workspace_request_body_bytes: Family<WorkspaceLabels, Counter> = Family::default(), ["workspace"];
    /// The sent bytes of the bodies of their responses; with `--metrics-per-workspace`.
    workspace_response_body_bytes: Family<WorkspaceLabels, Counter> = Family::default(), ["workspace"];
    /// The bytes of the Files of the workspace, read every 15 seconds; with `--metrics-per-workspace`.
    workspace_stored_bytes: Family<WorkspaceLabels, Gauge> = Family::default(), ["workspace"];
    /// The Files of the workspace, read every 15 seconds; with `--metrics-per-workspace`.
    workspace_stored_files: Family<WorkspaceLabels, Gauge> = Family::default(), ["workspace"];
    /// The lines of the access log that are lost, since their queue was full or their file could not be written.
    access_log_lost_lines: Counter = Counter::default(), [];
    /// The spans of traces that are lost, since their queue was full or the receiver did not take them.
    trace_lost_spans: Counter = Counter::default(), [];
    /// The open connections of all listeners.
    http_connections: Gauge = Gauge::default(), [];
    /// The end of the certificate of a listener with TLS, `api` or `admin`, as Unix time.
    certificate_expiry_timestamp_seconds: Family<ListenerLabels, Gauge> = Family::default(), ["listener"];
    /// The reloads that were refused since the new `settings`, `certificate` or `admin_certificate` cannot be used.
    reload_refusals: Family<SubjectLabels, Counter> = Family::default(), ["subject"];
    /// The TLS handshakes that failed.
    tls_failed_handshakes: Counter = Counter::default(), [];
    /// The HTTP/2 connections that the server ended since the client flooded them or broke a limit of the protocol.
    http_2_floods: Counter = Counter::default(), [];
    /// The requests and connections that a limit answered with 429.
    http_limited_requests: Family<LimitLabels, Counter> = Family::default(), ["limit"];
    /// The requests with an invalid key.
    failed_logins: Counter = Counter::default(), [];
    /// The keys in the cache of look-ups.
    cached_keys: Gauge = Gauge::default(), [];
    /// The Files and parts that are being received.
    uploads_in_flight: Gauge = Gauge::default(), [];
    /// The time of a commit of the metadata store; on PostgreSQL with the statements that are sent beside it.
    commit_duration_seconds: Histogram = durations(), [];
    /// The writes that shared a commit of SQLite.
    sqlite_commit_writes: Histogram = sizes(), [];
    /// The writes that wait for the writer of SQLite.
    sqlite_waiting_writes: Gauge = Gauge::default(), [];
    /// The size of the write-ahead log of SQLite as of the last commit.
    sqlite_wal_bytes: Gauge = Gauge::default(), [];
    /// The connections to PostgreSQL that are in use.
    postgres_busy_connections: Gauge = Gauge::default(), [];
    /// The operations that wait for a connection to PostgreSQL.
    postgres_waiting_operations: Gauge = Gauge::default(), [];
    /// The operations on PostgreSQL that were repeated after a conflict or a lost connection.
    postgres_retries: Counter = Counter::default(), [];
    /// The time of an fsync of a blob or of its folder.
    blob_fsync_duration_seconds: Histogram = durations(), [];
    /// The requests to the bucket, by outcome: `ok`, `refused` (the bucket answered with an error that stays) or
    /// `failed`.
    bucket_requests: Family<OutcomeLabels, Counter> = Family::default(), ["outcome"];
    /// The requests to the bucket that were repeated.
    bucket_retries: Counter = Counter::default(), [];
    /// 1 while the circuit breaker of the bucket is open, else 0.
    bucket_circuit_open: Gauge = Gauge::default(), [];
    /// The Files that expired.
    expired_files: Counter = Counter::default(), [];
    /// The Uploads that expired.
    expired_uploads: Counter = Counter::default(), [];
    /// The age of the oldest expired File or Upload that is not deleted yet; 0 for none.
    expiry_lag_seconds: Gauge = Gauge::default(), [];
    /// The deleted blobs whose bytes were removed.
    swept_blobs: Counter = Counter::default(), [];
    /// The deleted blobs whose bytes are not removed yet, at most 10,000.
    sweep_waiting_blobs: Gauge = Gauge::default(), [];
    /// The time since the deletion of the oldest blob whose bytes are not removed yet; 0 for none.
    sweep_lag_seconds: Gauge = Gauge::default(), [];
    /// The blobs without a row that were moved to the quarantine.
    quarantined_blobs: Counter = Counter::default(), [];
    /// The bytes that the scrub has read.
    scrubbed_bytes: Counter = Counter::default(), [];
    /// The damaged blobs that the scrub has found.
    damaged_blobs: Counter = Counter::default(), [];
    /// The Unix time of the end of the last pass of the scrub on this server; 0 before.
    scrub_finished_timestamp_seconds: Gauge = Gauge::default(), [];
    /// The rows of the ledger that are not in the cache of usage yet, at most 10,000.
    usage_waiting_rows: Gauge = Gauge::default(), [];
    /// The messages that wait for their delivery to a sink.
    outbox_waiting_messages: Family<SinkLabels, Gauge> = Family::default(), ["sink"];
    /// The age of the oldest message that waits for its delivery to a sink; 0 for none.
    outbox_lag_seconds: Family<SinkLabels, Gauge> = Family::default(), ["sink"];
    /// The messages that a sink refused and that were set aside.
    outbox_refused_messages: Family<SinkLabels, Gauge> = Family::default(), ["sink"];
}

/// Returns the help of a doc comment. The encoder writes the full stop.
fn help(doc: &str) -> &str {
    doc.trim().trim_end_matches('.')
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Writes all metrics in `OpenMetrics` 1.0.
    ///
    /// # Errors
    /// Never for memory; the writer's error otherwise.
    pub fn write_openmetrics(&self, out: &mut String) -> fmt::Result {
        text::encode(out, &self.registry)
    }

    /// Writes all metrics in the text format 0.0.4 of Prometheus.
    ///
    /// # Errors
    /// As [`Self::write_openmetrics`].
    pub fn write_text(&self, out: &mut String) -> fmt::Result {
        prometheus_text::encode(out, &self.registry)
    }
}

/// Counts itself in a gauge until its drop.
#[derive(Debug)]
pub struct Counted(&'static Gauge);

impl Counted {
    /// Counts itself.
    #[must_use]
    pub fn on(gauge: &'static Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Returns a number for a gauge.
#[must_use]
pub fn gauge(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Records the size of a group.
pub fn observe_size(histogram: &Histogram, size: usize) {
    histogram.observe(f64::from(u32::try_from(size).unwrap_or(u32::MAX)));
}

/// Records a duration in a histogram of seconds.
pub fn observe(histogram: &Histogram, duration: Duration) {
    histogram.observe(duration.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_say_their_unit_and_helps_are_sentences() {
        let mut names = BTreeSet::new();
        for Declared { name, help, .. } in DECLARED {
            assert!(names.insert(name), "{name} is declared once");
            assert!(help.ends_with('.') && help.len() > 20, "{name}: {help}");
            for unit in ["milliseconds", "ms", "kib", "minutes"] {
                assert!(!name.ends_with(unit), "{name} has a base unit");
            }
        }
    }

    #[test]
    fn both_formats_have_every_metric() {
        let metrics = Metrics::new();
        for (write, end) in
            [(Metrics::write_openmetrics as fn(&_, &mut _) -> _, "# EOF\n"), (Metrics::write_text, "\n")]
        {
            let mut page = String::new();
            write(&metrics, &mut page).unwrap();
            assert!(page.ends_with(end));
            for declared in DECLARED.iter().filter(|declared| declared.labels.is_empty()) {
                assert!(page.contains(&format!("# TYPE venna_{}", declared.name)), "{}", declared.name);
            }
            assert!(page.contains("process_resident_memory_bytes "), "{page}");
        }
    }
}
