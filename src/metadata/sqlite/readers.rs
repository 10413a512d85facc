//! Reader connections. Each read uses one while its query runs.

use super::connection::OpenError;
use super::health::Health;
use super::snapshots::Snapshots;
use crate::metadata::error::MetadataError;
use rusqlite::{Connection, ErrorCode};
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The number of concurrent long reads, each on a connection.
const LONG_READS: usize = 2;
/// The number of long reads that wait for a connection. Further ones are refused.
const WAITING_LONG_READS: usize = 64;
/// The time that a long read waits for a connection.
const LONG_READ_WAIT: Duration = Duration::from_secs(10);
/// The time limit of a long read. While one runs, the write-ahead log cannot be reset.
const LONG_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of virtual machine instructions between two checks of whether a long read is to end: less than a
/// millisecond.
const INSTRUCTIONS_BETWEEN_CHECKS: c_int = 10_000;

/// Connections for point reads, which run on the calling thread, and others for long reads, which run on the blocking
/// pool. A point read never waits for a long read.
#[derive(Debug)]
pub(super) struct Readers {
    point: Pool,
    current: Arc<Snapshots>,
    long: Arc<Long>,
    /// The connection for copies of the whole database, which have no time limit.
    copies: Arc<Long>,
    health: Health,
}

/// Connections of reads that run on the blocking pool.
#[derive(Debug)]
struct Long {
    pool: Pool,
    places: Arc<Semaphore>,
    waiting: Semaphore,
    /// The time limit of a read, if it has one.
    limit: Option<Duration>,
}

/// The reason why a long read has no result.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("more than {WAITING_LONG_READS} long reads wait, or one waited longer than {} s", LONG_READ_WAIT.as_secs())]
    Busy,
    #[error("a read took longer than {} s", LONG_READ_TIMEOUT.as_secs())]
    TookTooLong,
}

/// Ends a read when it is dropped with the future of its caller.
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Readers {
    pub(super) fn open(health: Health, connect: impl Fn() -> Result<Connection, OpenError>) -> Result<Self, OpenError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            point: Pool::open(cores + 1, &connect)?,
            current: Arc::new(Snapshots::open(cores + 1, &connect)?),
            long: Arc::new(Long::open(LONG_READS, Some(LONG_READ_TIMEOUT), &connect)?),
            copies: Arc::new(Long::open(1, None, &connect)?),
            health,
        })
    }

    /// Reads a few rows on the calling thread.
    pub(super) fn point<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, MetadataError> {
        self.health.see(self.point.run(|connection| query(connection)).map_err(MetadataError::from))
    }

    /// Reads a few rows of Files, which only this process writes, on the calling thread.
    pub(super) fn current<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, MetadataError> {
        self.health.see(self.current.read(query).map_err(MetadataError::from))
    }

    /// Reads rows of Files that are nearly always few. Runs on the calling thread, and again as a long read when it
    /// turns out to be long.
    pub(super) async fn current_or_long<T: Send + 'static>(
        &self,
        query: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        match self.current.read_shortly(&query) {
            Err(error) if is_interrupted(&error) => {
                let in_one_snapshot = move |connection: &Connection| query(&*connection.unchecked_transaction()?);
                self.long(in_one_snapshot).await
            }
            read => self.health.see(read.map_err(MetadataError::from)),
        }
    }

    /// Returns the snapshots, which must be told of every commit.
    pub(super) fn snapshots(&self) -> Arc<Snapshots> {
        Arc::clone(&self.current)
    }

    /// Reads on the blocking pool. When the caller goes away, the query is interrupted, and only then another read gets
    /// its connection.
    pub(super) async fn long<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        self.health.see(Arc::clone(&self.long).read(query).await)
    }

    /// Reads the whole database on the blocking pool, without a time limit.
    pub(super) async fn copy<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        self.health.see(Arc::clone(&self.copies).read(query).await)
    }
}

impl Long {
    fn open(
        places: usize,
        limit: Option<Duration>,
        connect: impl Fn() -> Result<Connection, OpenError>,
    ) -> Result<Self, OpenError> {
        let waiting = Semaphore::new(WAITING_LONG_READS);
        Ok(Self { pool: Pool::open(places, connect)?, places: Arc::new(Semaphore::new(places)), waiting, limit })
    }

    async fn read<T: Send + 'static>(
        self: Arc<Self>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let place = self.place().await?;
        let caller = Caller(Arc::new(AtomicBool::new(false)));
        let gone = Arc::clone(&caller.0);
        let read = tokio::task::spawn_blocking(move || {
            let _place = place;
            self.run(gone, query)
        });
        let outcome = read.await.map_err(|unfinished| MetadataError::Broken(Arc::new(unfinished)))?;
        drop(caller);
        match outcome {
            Err(error) if is_interrupted(&error) => Err(MetadataError::TookTooLong(Arc::new(Refused::TookTooLong))),
            outcome => Ok(outcome?),
        }
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, MetadataError> {
        let busy = || MetadataError::Unavailable(Arc::new(Refused::Busy));
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| busy())?;
        let place = timeout(LONG_READ_WAIT, Arc::clone(&self.places).acquire_owned()).await;
        place.map_err(|_| busy())?.map_err(|_| busy())
    }

    /// Runs a query until it ends, exceeds its time limit or its caller is gone.
    fn run<T>(
        &self,
        gone: Arc<AtomicBool>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let deadline = self.limit.map(|limit| Instant::now() + limit);
        self.pool.run(|connection| {
            let is_over =
                move || gone.load(Ordering::Acquire) || deadline.is_some_and(|deadline| Instant::now() >= deadline);
            connection.progress_handler(INSTRUCTIONS_BETWEEN_CHECKS, Some(is_over))?;
            let found = query(connection);
            connection.progress_handler(0, None::<fn() -> bool>)?;
            found
        })
    }
}

fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

#[derive(Debug)]
struct Pool(Vec<Mutex<Connection>>);

impl Pool {
    fn open(count: usize, connect: impl Fn() -> Result<Connection, OpenError>) -> Result<Self, OpenError> {
        (0..count).map(|_| connect().map(Mutex::new)).collect::<Result<_, _>>().map(Self)
    }

    /// Runs a query on an unused connection, or waits for the first one.
    #[expect(clippy::expect_used, reason = "a pool has at least one connection by construction")]
    fn run<T>(&self, query: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut connection = self.0.iter().find_map(|connection| connection.try_lock().ok()).unwrap_or_else(|| {
            self.0.first().expect("there are connections").lock().unwrap_or_else(PoisonError::into_inner)
        });
        query(&mut connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    const ENDLESS: &str =
        "WITH RECURSIVE numbers (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM numbers) SELECT count(*) FROM numbers";

    fn readers(folder: &tempfile::TempDir) -> Readers {
        let path = folder.path().join("x.db");
        Readers::open(Health::default(), || super::super::connection::connect(&path)).unwrap()
    }

    fn endless(connection: &Connection) -> rusqlite::Result<i64> {
        connection.query_row(ENDLESS, [], |row| row.get(0))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_read_whose_caller_has_gone_ends_and_gives_its_place_back() {
        let folder = tempfile::tempdir().unwrap();
        let readers = readers(&folder);
        for _ in 0..LONG_READS * 2 {
            let read = readers.long(endless);
            assert!(timeout(Duration::from_millis(50), read).await.is_err(), "it runs");
        }
        let wait = Instant::now();
        let one = readers.long(|connection| connection.query_row("SELECT 1", [], |row| row.get::<_, i64>(0)));
        assert_eq!(one.await.unwrap(), 1);
        assert!(wait.elapsed() < LONG_READ_WAIT / 2, "{:?}", wait.elapsed());
        while readers.long.places.available_permits() < LONG_READS {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(wait.elapsed() < LONG_READ_WAIT, "a place is still taken");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_place_stays_with_the_work_until_that_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let readers = readers(&folder);
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (end, may_end) = std::sync::mpsc::channel::<()>();
        let mut read = Box::pin(readers.long(move |_| {
            begun.send(()).unwrap();
            may_end.recv().unwrap_or_default();
            Ok(())
        }));
        assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        has_begun.recv().unwrap();
        drop(read);
        assert_eq!(readers.long.places.available_permits(), LONG_READS - 1);
        drop(end);
        while readers.long.places.available_permits() < LONG_READS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_read_that_takes_too_long_or_finds_too_many_before_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let brief = Some(Duration::from_millis(20));
        let long = Arc::new(Long::open(1, brief, || super::super::connection::connect(&path)).unwrap());
        let refused = Arc::clone(&long).read(endless).await;
        assert!(matches!(refused, Err(MetadataError::TookTooLong(_))), "{refused:?}");
        let _all = long.waiting.acquire_many(u32::try_from(WAITING_LONG_READS).unwrap()).await.unwrap();
        let _place = Arc::clone(&long.places).acquire_owned().await.unwrap();
        let refused = pin!(Arc::clone(&long).read(endless)).await;
        assert!(matches!(refused, Err(MetadataError::Unavailable(_))), "{refused:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_turns_out_to_be_long_leaves_the_worker() {
        let folder = tempfile::tempdir().unwrap();
        let readers = readers(&folder);
        let here = std::thread::current().id();
        let thread = move |connection: &Connection, count: i64| {
            let sql = "WITH RECURSIVE numbers (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM numbers WHERE x < ?1)
                SELECT count(*) FROM numbers";
            connection.query_row(sql, [count], |row| row.get::<_, i64>(0))?;
            Ok(std::thread::current().id())
        };
        let on = |count| readers.current_or_long(move |connection| thread(connection, count));
        let (short, long) = (on(10).await.unwrap(), on(1_000_000).await.unwrap());
        assert!(short == here || short != long, "{short:?} {long:?}");
        assert_eq!(readers.long.places.available_permits(), LONG_READS);
    }
}
