//! The buckets of histograms.

use prometheus_client::metrics::histogram::Histogram;

/// The upper bounds of durations, in seconds: from a cached read to a large upload.
const DURATIONS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
/// The upper bounds of the size of a group.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Creates a histogram of durations in seconds.
pub(super) fn durations() -> Histogram {
    Histogram::new(DURATIONS)
}

/// Creates a histogram of the sizes of groups.
pub(super) fn sizes() -> Histogram {
    Histogram::new(SIZES)
}
