//! Reader connections: each read takes one for as long as its query runs.

use super::snapshots::Snapshots;
use super::{MetadataError, OpenError};
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::Semaphore;

/// Long reads that run at once; further ones wait without keeping a thread.
const LONG_READS: usize = 2;

/// Connections for point reads, which run where they are asked for, and others for long reads, which go to the blocking
/// pool: no long read ever stands in the way of a point read.
#[derive(Debug)]
pub(super) struct Readers {
    point: Pool,
    current: Arc<Snapshots>,
    long: Arc<Pool>,
    long_places: Semaphore,
}

impl Readers {
    pub(super) fn open(connect: impl Fn() -> Result<Connection, OpenError>) -> Result<Self, OpenError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            point: Pool::open(cores + 1, &connect)?,
            current: Arc::new(Snapshots::open(cores + 1, &connect)?),
            long: Arc::new(Pool::open(LONG_READS, &connect)?),
            long_places: Semaphore::new(LONG_READS),
        })
    }

    /// A read of a few rows, on the calling thread.
    pub(super) fn point<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, MetadataError> {
        Ok(self.point.run(query)?)
    }

    /// A read of a few rows of Files, which this process alone writes, on the calling thread.
    pub(super) fn current<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, MetadataError> {
        self.current.read(query)
    }

    /// Has to hear of every commit.
    pub(super) fn snapshots(&self) -> Arc<Snapshots> {
        Arc::clone(&self.current)
    }

    /// A read that may take long enough to keep a runtime worker from its work.
    pub(super) async fn long<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let _place = self.long_places.acquire().await;
        let long = Arc::clone(&self.long);
        let rows = tokio::task::spawn_blocking(move || long.run(query)).await;
        Ok(rows.map_err(|unfinished| MetadataError::Broken(Arc::new(unfinished)))??)
    }
}

#[derive(Debug)]
struct Pool(Vec<Mutex<Connection>>);

impl Pool {
    fn open(count: usize, connect: impl Fn() -> Result<Connection, OpenError>) -> Result<Self, OpenError> {
        (0..count).map(|_| connect().map(Mutex::new)).collect::<Result<_, _>>().map(Self)
    }

    /// On a connection that nobody uses, or the first one once it is free.
    #[expect(clippy::expect_used, reason = "a pool has at least one connection by construction")]
    fn run<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let connection = self.0.iter().find_map(|connection| connection.try_lock().ok()).unwrap_or_else(|| {
            self.0.first().expect("there are connections").lock().unwrap_or_else(PoisonError::into_inner)
        });
        query(&connection)
    }
}
