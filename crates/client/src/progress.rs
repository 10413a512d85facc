//! The progress of transfers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Receives the progress of one transfer.
pub trait Progress: Send + Sync {
    /// Adds bytes that were transferred.
    fn add(&self, bytes: u64);
    /// Takes bytes back, because they are transferred again.
    fn take_back(&self, bytes: u64);
    /// Notes a step.
    fn note(&self, step: Step);
}

/// A step of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The upload goes on where an earlier run ended.
    Resumed {
        /// The parts that the server has.
        finished_parts: usize,
        /// All parts.
        parts: usize,
    },
    /// The server has one more part.
    PartFinished {
        /// The parts that the server has.
        finished_parts: usize,
        /// All parts.
        parts: usize,
    },
    /// The upload begins anew, because the server no longer knows it or the file changed.
    Restarted,
}

/// Progress that nobody looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn add(&self, _: u64) {}
    fn take_back(&self, _: u64) {}
    fn note(&self, _: Step) {}
}

/// Counts the bytes of a request or of an upload, which begins again when it is repeated.
#[derive(Clone)]
pub(crate) struct Tally {
    progress: Arc<dyn Progress>,
    bytes: Arc<AtomicU64>,
}

impl Tally {
    pub(crate) fn new(progress: &Arc<dyn Progress>) -> Self {
        Self { progress: Arc::clone(progress), bytes: Arc::default() }
    }

    /// Returns a count that nobody looks at.
    pub(crate) fn unwatched() -> Self {
        Self { progress: Arc::new(Unwatched), bytes: Arc::default() }
    }

    /// Takes all bytes back: they are sent again.
    pub(crate) fn restart(&self) {
        self.progress.take_back(self.bytes.swap(0, Ordering::Relaxed));
    }

    /// Returns the bytes since the start or the last restart.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Progress for Tally {
    fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progress.add(bytes);
    }

    fn take_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.progress.take_back(bytes);
    }

    fn note(&self, step: Step) {
        self.progress.note(step);
    }
}
