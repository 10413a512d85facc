//! The page `docs/metrics.md`, generated from the list of metrics.

use super::process::PROCESS_METRICS;
use super::{DECLARED, PREFIX, help};
use prometheus_client::metrics::MetricType;

/// Returns the page `docs/metrics.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Metrics\n\n`GET /metrics` of the administrative listener (`--admin-listen`) answers in OpenMetrics, or in the text \
         format of Prometheus to a client that does not ask for OpenMetrics. It needs no key. No label names a key or a \
         file. Only with `--metrics-per-workspace` are workspaces labels, by their ids: at most 1,000 since the start or \
         the end of another one; further ones share the label `other`. The series of an archived workspace end.\n\nThe metrics are those of one process. Gauges of what waits in the stores are read every 15 seconds; \
         with several servers each shows the same. [operations.md](operations.md#metrics-and-alerts) says what to watch.\n\n\
         | metric | type | labels | meaning |\n|---|---|---|---|\n",
    );
    row(&mut page, "venna_build_info", "info", &["version"], "The build of the program.");
    for declared in DECLARED {
        let total = if matches!(declared.kind, MetricType::Counter) { "_total" } else { "" };
        let name = format!("{PREFIX}_{}{total}", declared.name);
        row(&mut page, &name, word(declared.kind), declared.labels, &format!("{}.", help(declared.help)));
    }
    for metric in PROCESS_METRICS {
        let total = if matches!(metric.kind, MetricType::Counter) { "_total" } else { "" };
        row(&mut page, &format!("{}{total}", metric.name), word(metric.kind), &[], &format!("{}.", metric.help));
    }
    page
}

fn row(page: &mut String, name: &str, kind: &str, labels: &[&str], meaning: &str) {
    let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    let labels = if labels.is_empty() { "-".to_owned() } else { labels.join(", ") };
    page.push_str(&format!("| `{name}` | {kind} | {labels} | {meaning} |\n"));
}

const fn word(kind: MetricType) -> &'static str {
    match kind {
        MetricType::Counter => "counter",
        MetricType::Gauge => "gauge",
        MetricType::Histogram => "histogram",
        MetricType::Info => "info",
        MetricType::Unknown => "unknown",
    }
}
