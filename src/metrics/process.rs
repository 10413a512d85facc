//! The metrics of the process itself, under the names that all programs use. They are read at each request.

#![allow(clippy::cast_precision_loss, reason = "values of metrics are floating-point numbers")]

use procfs::process::{LimitValue, Process};
use procfs::{ProcResult, boot_time_secs, page_size, ticks_per_second};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;

/// A metric of the process.
pub(super) struct ProcessMetric {
    pub(super) name: &'static str,
    pub(super) kind: MetricType,
    pub(super) help: &'static str,
    value: fn(&Reading) -> f64,
}

/// Figures of the process from `/proc`.
struct Reading {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: i64,
    started_at: f64,
    open_descriptors: usize,
    max_descriptors: u64,
}

/// Every metric of the process.
pub(super) const PROCESS_METRICS: &[ProcessMetric] = &[
    counter("process_cpu_seconds", "The time that the process used processors", |read| read.cpu_seconds),
    gauge("process_resident_memory_bytes", "The resident memory", |read| read.resident_bytes as f64),
    gauge("process_virtual_memory_bytes", "The virtual memory", |read| read.virtual_bytes as f64),
    gauge("process_threads", "The threads", |read| read.threads as f64),
    gauge("process_start_time_seconds", "The Unix time of the start of the process", |read| read.started_at),
    gauge("process_open_fds", "The open file descriptors", |read| read.open_descriptors as f64),
    gauge("process_max_fds", "The maximum of open file descriptors", |read| read.max_descriptors as f64),
];

const fn counter(name: &'static str, help: &'static str, value: fn(&Reading) -> f64) -> ProcessMetric {
    ProcessMetric { name, kind: MetricType::Counter, help, value }
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&Reading) -> f64) -> ProcessMetric {
    ProcessMetric { name, kind: MetricType::Gauge, help, value }
}

/// Reads the metrics of the process.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    /// Writes the metrics, or none when `/proc` cannot be read.
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let reading = match read() {
            Ok(reading) => reading,
            Err(error) => {
                tracing::debug!(%error, "process metrics unavailable");
                return Ok(());
            }
        };
        for metric in PROCESS_METRICS {
            let value = (metric.value)(&reading);
            let descriptor = encoder.encode_descriptor(metric.name, metric.help, None, metric.kind)?;
            match metric.kind {
                MetricType::Counter => ConstCounter::new(value).encode(descriptor)?,
                _ => ConstGauge::new(value).encode(descriptor)?,
            }
        }
        Ok(())
    }
}

fn read() -> ProcResult<Reading> {
    let process = Process::myself()?;
    let (stat, ticks) = (process.stat()?, ticks_per_second());
    Ok(Reading {
        cpu_seconds: (stat.utime + stat.stime) as f64 / ticks as f64,
        resident_bytes: stat.rss.saturating_mul(page_size()),
        virtual_bytes: stat.vsize,
        threads: stat.num_threads,
        started_at: boot_time_secs()? as f64 + stat.starttime as f64 / ticks as f64,
        open_descriptors: process.fd_count()?,
        max_descriptors: match process.limits()?.max_open_files.soft_limit {
            LimitValue::Value(max) => max,
            LimitValue::Unlimited => u64::MAX,
        },
    })
}
