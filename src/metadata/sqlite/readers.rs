//! Reader connections: each read takes one for as long as its query runs.

use super::{MetadataError, OpenError};
use rusqlite::Connection;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Readers beyond one for each core, for long pages on the blocking pool.
const SPARE_READERS: usize = 2;

#[derive(Debug)]
pub(super) struct Readers(Vec<Mutex<Connection>>);

impl Readers {
    pub(super) fn open(connect: impl Fn() -> Result<Connection, OpenError>) -> Result<Self, OpenError> {
        let count = thread::available_parallelism().map_or(1, usize::from) + SPARE_READERS;
        (0..count).map(|_| connect().map(Mutex::new)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, MetadataError> {
        Ok(query(&self.free())?)
    }

    /// A connection that nobody uses, or the first one once it is free.
    #[expect(clippy::expect_used, reason = "a pool has at least one connection by construction")]
    fn free(&self) -> MutexGuard<'_, Connection> {
        self.0.iter().find_map(|connection| connection.try_lock().ok()).unwrap_or_else(|| {
            self.0.first().expect("there are readers").lock().unwrap_or_else(PoisonError::into_inner)
        })
    }
}
