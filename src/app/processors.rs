//! The number of processors.

use std::thread;

/// Returns the number of processors that the process may use; one if it is unknown.
pub(super) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
