//! The access log: one line for each request, at the end of its answer.
//!
//! A request hands over its entry and goes on: a thread formats and writes it. Entries that find the queue full are
//! counted and dropped. An entry holds nothing that a client can make up, so a line needs no escapes and cannot hold a
//! key, a file's name or its bytes.

mod entry;
mod format;
mod output;
mod queue;

pub use entry::Entry;
pub use format::Format;

use crate::clock::Clock;
use crate::metrics::METRICS;
use output::Output;
use queue::Queue;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The size at which formatted lines are written, in bytes.
const BATCH_BYTES: usize = 64 * 1024;
/// The time that the last lines have at the stop.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// An opened place for a log.
#[derive(Debug)]
pub struct OpenedPlace(Output);

impl OpenedPlace {
    /// Opens the file at `path`, or standard output.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a regular file.
    pub fn open(path: Option<&Path>) -> io::Result<Self> {
        Output::open(path).map(Self)
    }
}

/// A running access log. Clones share it.
#[derive(Clone, Debug)]
pub struct AccessLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Arc<Queue>,
    clock: Clock,
    /// Resolves when the last line is written.
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl AccessLog {
    /// Opens the log at `path`, or on standard output, and starts its thread.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a regular file, or the thread cannot be started.
    pub fn start(format: Format, path: Option<&Path>, clock: Clock) -> io::Result<Self> {
        let (queue, output) = (Arc::<Queue>::default(), Output::open(path)?);
        let (end, ended) = oneshot::channel();
        let taken = Arc::clone(&queue);
        thread::Builder::new().name("access-log".to_owned()).spawn(move || {
            write_entries(&taken, output, format);
            // At the stop somebody waits for the end, else nobody.
            let _waited = end.send(());
        })?;
        Ok(Self(Arc::new(Shared { queue, clock, ended: Mutex::new(Some(ended)) })))
    }

    /// Returns the time for an entry, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.0.clock.now_ms()
    }

    /// Hands over an entry. Does not wait: an entry that finds the queue full is counted and dropped.
    pub fn write(&self, entry: Entry) {
        if !self.0.queue.push(entry) {
            METRICS.access_log_lost_lines.inc();
        }
    }

    /// Continues in a place that was opened. Requests that end from now on are there, so that a rotation can begin.
    pub fn continue_in(&self, place: OpenedPlace) {
        self.0.queue.replace(place.0);
        tracing::info!("access log reopened");
    }

    /// Writes what waits and ends the thread.
    pub async fn close(&self) {
        self.0.queue.close();
        let ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended
            && timeout(FLUSH_TIMEOUT, ended).await.is_err()
        {
            tracing::warn!("access log lines lost at the stop");
        }
    }
}

/// Formats and writes entries until the queue is closed and empty.
fn write_entries(queue: &Queue, mut output: Output, format: Format) {
    let (mut entries, mut lines) = (Vec::new(), Vec::with_capacity(BATCH_BYTES));
    while let Some(replacement) = queue.take(&mut entries) {
        if let Some(replacement) = replacement {
            output = replacement;
        }
        for entry in entries.drain(..) {
            format.write(&entry, &mut lines);
            if lines.len() >= BATCH_BYTES {
                output.write(&lines);
                lines.clear();
            }
        }
        output.write(&lines);
        lines.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_at_the_stop_is_written_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = AccessLog::start(Format::Json, Some(&path), Clock::set_to(7)).unwrap();
        for sent_bytes in 0..1000 {
            log.write(Entry { sent_bytes, ..Entry::example() });
        }
        log.close().await;
        let text = std::fs::read_to_string(path).unwrap();
        let sent =
            text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["sent_bytes"].clone());
        assert!(sent.eq((0..1000).map(serde_json::Value::from)));
    }

    #[tokio::test]
    async fn entries_after_a_reopening_are_in_the_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, rotated) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
        let log = AccessLog::start(Format::Combined, Some(&path), Clock::set_to(7)).unwrap();
        log.write(Entry::example());
        while std::fs::read_to_string(&path).unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        std::fs::rename(&path, &rotated).unwrap();
        log.continue_in(OpenedPlace::open(Some(&path)).unwrap());
        log.write(Entry { method: "DELETE", ..Entry::example() });
        log.close().await;
        let read = |path| std::fs::read_to_string(path).unwrap();
        assert!(read(rotated).contains("GET") && read(path).contains("DELETE"));
    }

    #[tokio::test]
    async fn only_a_regular_file_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let start = |path: &str| AccessLog::start(Format::Json, Some(Path::new(path)), Clock::set_to(7));
        assert!(start("/dev/null").is_err(), "a device may block or lose what it gets");
        assert!(start(folder.path().to_str().unwrap()).is_err());
        assert!(start(folder.path().join("none/access.log").to_str().unwrap()).is_err());
    }
}
