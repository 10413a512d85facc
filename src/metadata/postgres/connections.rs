//! The connection pool: its size, its limits per workspace, and pipelined statements.
//!
//! A session returns to the pool only when it is known to be idle. A session that is dropped at any other point is
//! closed, and the database rolls back. A prepared statement is sent without waiting for the answers to earlier ones.
//!
//! Sessions are written by hand on top of `deadpool`: BEGIN and COMMIT are pipelined with the statements.

use super::endpoint::{CONNECT_TIMEOUT, Endpoint};
use super::failure::Failure;
use super::fair_gate::{FairGate, Owner, Permit};
use super::open_error::OpenError;
use super::pool_health::PoolHealth;
use super::session_setup::{CommitMode, set_up};
use super::timeouts::{Deadline, Timeouts};
use super::tls;
use crate::clock::Clock;
use crate::metadata::error::MetadataError;
use crate::metrics::{Counted, METRICS};
use crate::random;
use crate::traces::{self, Step};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use futures_util::future::{maybe_done, poll_fn};
use std::fmt;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant as StdInstant};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::CancellationToken;

/// The connections of one process.
const MAX_CONNECTIONS: usize = 16;
/// The connections that writes may use, so that reads always find one.
const MAX_WRITES: usize = 12;
/// The connections that writes of one workspace may use.
const MAX_WRITES_PER_WORKSPACE: usize = 4;
/// Concurrent short reads.
const MAX_READS: usize = 12;
/// Concurrent short reads of one workspace.
const MAX_READS_PER_WORKSPACE: usize = 6;
/// The connections that long reads may use.
const MAX_LONG_READS: usize = 2;
/// The connections that long reads of one workspace may use.
const MAX_LONG_READS_PER_WORKSPACE: usize = 1;
/// Attempts at an operation that ended with a serialization failure, a deadlock, or a connection lost before COMMIT.
const MAX_TRIES: u32 = 5;
/// The longest pause before the next attempt after a conflict.
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// The connection pool of a process, with its limits per workspace.
pub(super) struct Connections {
    pool: Pool,
    health: PoolHealth,
    changes: FairGate,
    reads: FairGate,
    long_reads: FairGate,
    pub(super) timeouts: Timeouts,
    tls: MakeRustlsConnect,
    clock: Clock,
}

impl fmt::Debug for Connections {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connections").field("status", &self.pool.status()).finish_non_exhaustive()
    }
}

/// A connection that is taken from the pool.
pub(super) struct Session {
    client: Option<Object>,
    /// No statement or transaction is under way.
    is_idle: AtomicBool,
    /// The COMMIT was sent. What is sent after it is not in the transaction.
    is_committing: AtomicBool,
    _counted: Counted,
}

/// A prepared statement.
pub(super) struct Prepared<'a> {
    session: &'a Session,
    statement: Statement,
}

/// The future of a long read on a session.
pub(super) type LongRead<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// The values of the parameters of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Connections {
    /// Creates a pool without connections. `commit` is the `synchronous_commit` of its connections. If `clock` is a set
    /// clock, sessions take their time from it.
    pub(super) fn new(
        endpoint: &Endpoint,
        commit: CommitMode,
        clock: Clock,
        timeouts: Timeouts,
    ) -> Result<Self, OpenError> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let tls = tls::connector(endpoint)?;
        let manager = Manager::from_config(endpoint.config.clone(), tls.clone(), manager);
        let health = PoolHealth::default();
        let pool = Pool::builder(manager).max_size(MAX_CONNECTIONS).runtime(Runtime::Tokio1);
        let pool = pool.post_create(set_up_hook(commit, timeouts)).pre_recycle(health.check());
        let pool = pool.wait_timeout(Some(timeouts.connection)).create_timeout(Some(CONNECT_TIMEOUT)).build();
        let pool = pool.map_err(|error| OpenError::Unusable(error.to_string()))?;
        Ok(Self {
            pool,
            health,
            changes: FairGate::new(MAX_WRITES, MAX_WRITES_PER_WORKSPACE),
            reads: FairGate::new(MAX_READS, MAX_READS_PER_WORKSPACE),
            long_reads: FairGate::new(MAX_LONG_READS, MAX_LONG_READS_PER_WORKSPACE),
            timeouts,
            tls,
            clock,
        })
    }

    /// Runs an operation under the deadlines of a request that begins now, as [`run_until`](Self::run_until).
    pub(super) async fn run<T, F>(&self, attempt: impl Fn(Deadline) -> F) -> Result<T, MetadataError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let _step = Step::begin("transaction");
        self.run_until(self.timeouts.since(Instant::now()), attempt).await
    }

    /// Runs an operation under these deadlines. Repeats it after a conflict, after a connection that was lost before
    /// COMMIT, and once sessions on a read-only server have been closed.
    pub(super) async fn run_until<T, F>(
        &self,
        deadline: Deadline,
        attempt: impl Fn(Deadline) -> F,
    ) -> Result<T, MetadataError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let begun = StdInstant::now();
            let failure = match timeout_at(deadline.outcome_deadline, attempt(deadline)).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::Late,
            };
            if failure.is_lost() || matches!(failure, Failure::Late) {
                // The idle connections may be broken, too.
                self.health.suspect();
            }
            // Nothing was written, and a new connection may reach the new primary.
            let elsewhere = matches!(failure, Failure::ReadOnly(_)) && self.health.end_sessions(begun);
            let again = failure.is_conflict() || failure.is_lost() || elsewhere;
            if !again || tries == MAX_TRIES || Instant::now() >= deadline.request {
                return Err(failure.into());
            }
            METRICS.postgres_retries.inc();
            if failure.is_conflict() {
                sleep(random::jitter(MAX_PAUSE)).await;
            }
        }
    }

    /// Takes a connection from the pool. With a set clock, also sets the time that `now_ms()` of the schema returns.
    pub(super) async fn session(&self, until: Instant) -> Result<Session, Failure> {
        let session = self.take(until).await?;
        if let Some(set_ms) = self.clock.set_ms() {
            let set = format!("SET venna.now_ms = {set_ms}");
            timeout_at(until, session.batch(&set)).await.unwrap_or(Err(Failure::Late))?;
        }
        Ok(session)
    }

    async fn take(&self, until: Instant) -> Result<Session, Failure> {
        let waiting = Counted::on(&METRICS.postgres_waiting_operations);
        let taken = timeout_at(until, self.pool.get()).await;
        drop(waiting);
        match taken {
            Ok(Ok(client)) => Ok(Session {
                client: Some(client),
                is_idle: AtomicBool::new(false),
                is_committing: AtomicBool::new(false),
                _counted: Counted::on(&METRICS.postgres_busy_connections),
            }),
            Ok(Err(PoolError::Backend(error))) => Err(Failure::of_connecting(error)),
            Ok(Err(PoolError::PostCreateHook(HookError::Backend(error)))) => Err(error.into()),
            Err(_) | Ok(Err(PoolError::Timeout(_))) => Err(Failure::Late),
            Ok(Err(other)) => Err(Failure::Lost(other.to_string())),
        }
    }

    /// Runs a read or a write of one statement until the request deadline.
    pub(super) async fn ask<T>(
        &self,
        session: &Session,
        deadline: Deadline,
        query: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let found = timeout_at(deadline.request, query).await.unwrap_or(Err(Failure::Late));
        session.return_to_pool(&found);
        found
    }

    /// Waits for a permit for a write.
    pub(super) async fn permit(&self, owner: Owner, until: Instant) -> Result<Permit, Failure> {
        self.changes.acquire(owner, until).await
    }

    /// Waits for a permit for a short read.
    pub(super) async fn read_permit(&self, owner: Owner, until: Instant) -> Result<Permit, Failure> {
        self.reads.acquire(owner, until).await
    }

    /// Runs a read of many rows in one snapshot. It runs in its own task, which keeps its permit until the database has
    /// ended the statement: a dropped caller cancels the statement, and only then does the next long read begin.
    pub(super) async fn read_long<T: Send + 'static>(
        self: Arc<Self>,
        owner: Owner,
        query: impl for<'a> FnOnce(&'a Session) -> LongRead<'a, T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let place = self.long_reads.acquire(owner, Instant::now() + self.timeouts.outcome).await?;
        let gone = CancellationToken::new();
        let _caller = gone.clone().drop_guard();
        let reading = async move {
            let _permit = place;
            let session = self.snapshot_session().await?;
            let cancel = session.cancel_token();
            let mut reading = pin!(ask_long(&session, self.timeouts.long, query(&session)));
            tokio::select! {
                found = &mut reading => found,
                () = gone.cancelled() => {
                    let cancelled = timeout(CONNECT_TIMEOUT, cancel.cancel_query(self.tls.clone())).await;
                    if !matches!(cancelled, Ok(Ok(()))) {
                        tracing::warn!("query cancellation failed");
                    }
                    timeout(self.timeouts.connection, reading).await.unwrap_or_else(|_| Err(Failure::Late.into()))
                }
            }
        };
        let read = tokio::spawn(traces::carry(reading)).await;
        read.map_err(|unfinished| MetadataError::Broken(Arc::new(unfinished)))?
    }

    /// Returns a session in a read-only REPEATABLE READ transaction with the timeout of long reads. A pooled connection
    /// that does not answer is replaced.
    pub(super) async fn snapshot_session(&self) -> Result<Session, MetadataError> {
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {0};
             SET LOCAL idle_in_transaction_session_timeout = {0}",
            self.timeouts.long.as_millis()
        );
        let begin = begin.as_str();
        self.run(|deadline| async move {
            let session = self.session(deadline.request).await?;
            timeout_at(deadline.request, session.batch(begin)).await.unwrap_or(Err(Failure::Late))?;
            Ok(session)
        })
        .await
    }
}

/// Returns the hook that sets the settings of a new connection. A connection that does not keep them is closed.
fn set_up_hook(commit: CommitMode, timeouts: Timeouts) -> Hook {
    Hook::async_fn(move |client, _| {
        Box::pin(async move {
            set_up(client, commit, timeouts).await.map_err(|failure| {
                tracing::warn!(%failure, "connection setup failed");
                HookError::message("its settings cannot be set")
            })
        })
    })
}

/// Runs a read in the open transaction of a session, and commits it.
async fn ask_long<T>(
    session: &Session,
    limit: Duration,
    query: impl Future<Output = Result<T, Failure>>,
) -> Result<T, MetadataError> {
    let whole = async {
        let found = query.await?;
        session.commit().await?;
        Ok(found)
    };
    let begun = Instant::now();
    let found = timeout(limit, whole).await.unwrap_or(Err(Failure::Late));
    match found {
        Ok(found) => {
            session.mark_idle();
            Ok(found)
        }
        Err(failure) if failure.is_late() && begun.elapsed() >= limit => {
            Err(MetadataError::TookTooLong(Arc::new(failure)))
        }
        Err(failure) => Err(failure.into()),
    }
}

impl Session {
    #[expect(clippy::expect_used, reason = "the connection is taken out by what consumes the session alone")]
    fn client(&self) -> &Object {
        self.client.as_ref().expect("the session has its connection")
    }

    /// Prepares a statement, once for each connection. Must be called before a pipeline of statements begins.
    pub(super) async fn prepare(&self, sql: &str) -> Result<Prepared<'_>, Failure> {
        #[cfg(test)]
        super::statements::record(sql);
        Ok(Prepared { session: self, statement: self.open_client().prepare_cached(sql).await? })
    }

    pub(super) async fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        self.prepare(sql).await?.rows(values).await
    }

    /// Returns the rows of a statement that is not kept prepared, because its text differs each time.
    pub(super) async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        #[cfg(test)]
        super::statements::record(sql);
        Ok(self.client().query(sql, values).await?)
    }

    pub(super) async fn row(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, Failure> {
        self.prepare(sql).await?.row(values).await
    }

    pub(super) async fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64, Failure> {
        self.prepare(sql).await?.execute(values).await
    }

    /// Sends COMMIT when first polled. The statements of the transaction must have been sent by then.
    pub(super) async fn commit(&self) -> Result<(), Failure> {
        self.is_committing.store(true, Ordering::Relaxed);
        self.batch("COMMIT").await
    }

    /// Returns the connection for a statement of an open transaction.
    fn open_client(&self) -> &Object {
        debug_assert!(!self.is_committing.load(Ordering::Relaxed), "a statement would be sent after its COMMIT");
        self.client()
    }

    /// Runs statements without parameters. They are sent when first polled.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.client().batch_execute(sql).await?)
    }

    /// Marks the session idle: it returns to the pool when it is dropped.
    pub(super) fn mark_idle(&self) {
        self.is_idle.store(true, Ordering::Release);
    }

    /// Marks the session idle if the database has answered a statement outside of a transaction.
    pub(super) fn return_to_pool<T>(&self, outcome: &Result<T, Failure>) {
        let answered = match outcome {
            Ok(_) => true,
            Err(failure) => matches!(failure, Failure::Refused(..)) && !failure.is_lost(),
        };
        if answered {
            self.mark_idle();
        }
    }
}

impl Deref for Session {
    type Target = tokio_postgres::Client;

    fn deref(&self) -> &tokio_postgres::Client {
        self.client()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let is_idle = *self.is_idle.get_mut();
        if let Some(client) = self.client.take().filter(|_| !is_idle) {
            drop(Object::take(client));
        }
    }
}

/// Joins futures and polls each in order, so that statements are sent in order and before what is polled afterwards,
/// such as a COMMIT. The combinators of `futures` do not promise that order for many futures.
pub(super) async fn in_order<T>(
    all: impl IntoIterator<Item = impl Future<Output = Result<T, Failure>>>,
) -> Result<Vec<T>, Failure> {
    let mut all: Vec<_> = all.into_iter().map(|one| Box::pin(maybe_done(one))).collect();
    poll_fn(|context| {
        let waiting = all.iter_mut().filter_map(|one| one.as_mut().poll(context).is_pending().then_some(())).count();
        if waiting == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.iter_mut().filter_map(|one| one.as_mut().take_output()).collect()
}

/// Boxed, to keep the futures that join many of them small.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

impl Prepared<'_> {
    /// Returns the rows of the statement, which is sent when first polled.
    pub(super) fn rows<'b>(&'b self, values: Values<'b>) -> Answer<'b, Vec<Row>> {
        Box::pin(async move { Ok(self.session.open_client().query(&self.statement, values).await?) })
    }

    pub(super) fn row<'b>(&'b self, values: Values<'b>) -> Answer<'b, Option<Row>> {
        Box::pin(async move { Ok(self.session.open_client().query_opt(&self.statement, values).await?) })
    }

    pub(super) fn execute<'b>(&'b self, values: Values<'b>) -> Answer<'b, u64> {
        Box::pin(async move { Ok(self.session.open_client().execute(&self.statement, values).await?) })
    }
}
