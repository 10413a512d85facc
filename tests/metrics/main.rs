//! Metrics: the page, the program, the dashboard and the rules agree, and a real Prometheus reads them.
//!
//! The metrics are those of the process, so these tests have a process of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod names;
mod prometheus;
