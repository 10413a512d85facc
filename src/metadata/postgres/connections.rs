//! Connections to the database: how many there are, who may have one, and what may be asked of one at once.
//!
//! A connection goes back to the others only when it is known to be at rest; dropped at any other point, it is closed, and
//! the database rolls back. What is prepared can be sent without waiting for what was sent before.
//!
//! Sessions are written by hand on top of `deadpool`: BEGIN and COMMIT are pipelined with the statements, and only a session
//! that is known to be idle is used again.

use super::endpoint::{CONNECT_TIMEOUT, Endpoint};
use super::failure::Failure;
use super::fair_gate::{FairGate, Owner, Permit};
use super::open_error::OpenError;
use super::pool_health::PoolHealth;
use super::session_setup::{CommitMode, set_up};
use super::tls;
use crate::clock::Clock;
use crate::metadata::error::MetadataError;
use crate::random;
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
use tracing::Instrument;

/// Connections of one process.
const MAX_CONNECTIONS: usize = 16;
/// Those of them that changes may have, so that reads always find one.
const MAX_CHANGES: usize = 12;
/// Those of them that changes of one workspace may have.
const MAX_CHANGES_PER_WORKSPACE: usize = 4;
/// Short reads that may be under way at once.
const MAX_READS: usize = 12;
/// Short reads of one workspace that may be under way at once.
const MAX_READS_PER_WORKSPACE: usize = 6;
/// Connections that long reads may have.
const MAX_LONG_READS: usize = 2;
/// Connections that long reads of one workspace may have.
const MAX_LONG_READS_PER_WORKSPACE: usize = 1;
/// How long anything may wait for a connection.
const WAIT: Duration = Duration::from_secs(2);
/// How long a request may take until its change is sent to be committed, or its read is answered.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one may take in all, finding out included whether a commit took place whose answer was lost.
const LAST_WORD: Duration = Duration::from_millis(4500);
/// How long a read over many rows may take, each of its statements included.
const LONG_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a transaction is tried that the database gave up for the sake of another, or whose connection was lost before
/// it was sent to be committed.
const MAX_TRIES: u32 = 5;
/// The longest pause before it is tried again.
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// Until when something is worth doing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    /// Until when it must be sent to be committed, or answered.
    pub(super) request: Instant,
    /// Until when it can be found out what became of it.
    pub(super) last_word: Instant,
}

impl Deadline {
    /// That of a request that is under way since then.
    pub(super) fn of_request_since(since: Instant) -> Self {
        Self { request: since + REQUEST_TIMEOUT, last_word: since + LAST_WORD }
    }
}

/// The connections of a process to its database.
pub(super) struct Connections {
    pool: Pool,
    health: PoolHealth,
    changes: FairGate,
    reads: FairGate,
    long_reads: FairGate,
    /// How long one of them may take, each of its statements included.
    pub(super) long_timeout: Duration,
    tls: MakeRustlsConnect,
    clock: Clock,
}

impl fmt::Debug for Connections {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connections").field("status", &self.pool.status()).finish_non_exhaustive()
    }
}

/// A connection, taken from the others.
pub(super) struct Session {
    client: Option<Object>,
    /// Nothing is under way on it.
    at_rest: AtomicBool,
}

/// A statement that can be sent at once.
pub(super) struct Prepared<'a> {
    session: &'a Session,
    statement: Statement,
}

/// The work of a long read on a session.
pub(super) type LongRead<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// What a statement is given.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Connections {
    /// Makes a pool that has connected nothing yet. Each connection commits as `commit` says, and each session takes the time
    /// of `clock` where that is a set one.
    pub(super) fn new(endpoint: &Endpoint, commit: CommitMode, clock: Clock) -> Result<Self, OpenError> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let tls = tls::connector(endpoint)?;
        let manager = Manager::from_config(endpoint.config.clone(), tls.clone(), manager);
        let health = PoolHealth::default();
        let pool = Pool::builder(manager).max_size(MAX_CONNECTIONS).runtime(Runtime::Tokio1);
        let pool = pool.post_create(set_up_hook(commit)).pre_recycle(health.check());
        let pool = pool.wait_timeout(Some(WAIT)).create_timeout(Some(CONNECT_TIMEOUT)).build();
        let pool = pool.map_err(|error| OpenError::Unusable(error.to_string()))?;
        Ok(Self {
            pool,
            health,
            changes: FairGate::new(MAX_CHANGES, MAX_CHANGES_PER_WORKSPACE),
            reads: FairGate::new(MAX_READS, MAX_READS_PER_WORKSPACE),
            long_reads: FairGate::new(MAX_LONG_READS, MAX_LONG_READS_PER_WORKSPACE),
            long_timeout: LONG_TIMEOUT,
            tls,
            clock,
        })
    }

    /// Does something within the time that a request has, and again where nothing has come of it.
    pub(super) async fn run<T, F>(&self, attempt: impl Fn(Deadline) -> F) -> Result<T, MetadataError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        self.run_until(Deadline::of_request_since(Instant::now()), attempt).await
    }

    /// The same within the time that is left.
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
            let failure = match timeout_at(deadline.last_word, attempt(deadline)).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::Late,
            };
            if failure.is_lost() || matches!(failure, Failure::Late) {
                // What happened to one connection may have happened to those at rest, too.
                self.health.suspect();
            }
            // Nothing was written: a new connection may find a server that takes writes.
            let elsewhere = matches!(failure, Failure::ReadOnly(_)) && self.health.end_sessions(begun);
            let again = failure.is_conflict() || failure.is_lost() || elsewhere;
            if !again || tries == MAX_TRIES || Instant::now() >= deadline.request {
                return Err(failure.into());
            }
            if failure.is_conflict() {
                sleep(random::jitter(MAX_PAUSE)).await;
            }
        }
    }

    /// Takes a connection from the pool. Its session is told the time of a set clock, for `now_ms()` of the schema.
    pub(super) async fn session(&self, until: Instant) -> Result<Session, Failure> {
        let session = self.take(until).await?;
        if let Some(set_ms) = self.clock.set_ms() {
            let set = format!("SET venna.now_ms = {set_ms}");
            timeout_at(until, session.batch(&set)).await.unwrap_or(Err(Failure::Late))?;
        }
        Ok(session)
    }

    async fn take(&self, until: Instant) -> Result<Session, Failure> {
        match timeout_at(until, self.pool.get()).await {
            Ok(Ok(client)) => Ok(Session { client: Some(client), at_rest: AtomicBool::new(false) }),
            Ok(Err(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)))) => {
                Err(error.into())
            }
            Err(_) | Ok(Err(PoolError::Timeout(_))) => Err(Failure::Late),
            Ok(Err(other)) => Err(Failure::Lost(other.to_string())),
        }
    }

    /// A read, or a change of one statement, that takes no more time than the request has.
    pub(super) async fn ask<T>(
        &self,
        session: &Session,
        deadline: Deadline,
        query: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let found = timeout_at(deadline.request, query).await.unwrap_or(Err(Failure::Late));
        session.settle(&found);
        found
    }

    /// Waits for the right to have a connection for a change.
    pub(super) async fn place(&self, owner: Owner, until: Instant) -> Result<Permit, Failure> {
        self.changes.acquire(owner, until).await
    }

    /// Waits for the right to have a connection for a short read.
    pub(super) async fn read_place(&self, owner: Owner, until: Instant) -> Result<Permit, Failure> {
        self.reads.acquire(owner, until).await
    }

    /// A read of many rows, whose statements all see the same moment. It runs in a task of its own, which keeps its place until
    /// the database has ended the work: when the caller goes, the statement is cancelled, and only then does the next begin.
    pub(super) async fn read_long<T: Send + 'static>(
        self: Arc<Self>,
        owner: Owner,
        query: impl for<'a> FnOnce(&'a Session) -> LongRead<'a, T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let place = self.long_reads.acquire(owner, Instant::now() + LAST_WORD).await?;
        let gone = CancellationToken::new();
        let _caller = gone.clone().drop_guard();
        let reading = async move {
            let _place = place;
            let session = self.snapshot_session().await?;
            let cancel = session.cancel_token();
            let mut reading = pin!(ask_long(&session, self.long_timeout, query(&session)));
            tokio::select! {
                found = &mut reading => found,
                () = gone.cancelled() => {
                    let cancelled = timeout(CONNECT_TIMEOUT, cancel.cancel_query(self.tls.clone())).await;
                    if !matches!(cancelled, Ok(Ok(()))) {
                        tracing::warn!("query cancellation failed");
                    }
                    timeout(WAIT, reading).await.unwrap_or_else(|_| Err(Failure::Late.into()))
                }
            }
        };
        let read = tokio::spawn(reading.in_current_span()).await;
        read.map_err(|unfinished| MetadataError::Broken(Arc::new(unfinished)))?
    }

    /// A connection in a transaction that only reads and sees one moment, whose statements may take so long. It is known to
    /// answer: one that was at rest and does not is replaced.
    pub(super) async fn snapshot_session(&self) -> Result<Session, MetadataError> {
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {0};
             SET LOCAL idle_in_transaction_session_timeout = {0}",
            self.long_timeout.as_millis()
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

/// Returns the hook that sets the settings of a new connection; one on which they do not last is closed.
fn set_up_hook(commit: CommitMode) -> Hook {
    Hook::async_fn(move |client, _| {
        Box::pin(async move {
            set_up(client, commit).await.map_err(|failure| {
                tracing::warn!(%failure, "connection setup failed");
                HookError::message("its settings cannot be set")
            })
        })
    })
}

/// A read of many rows in a transaction of its own, which ends with it.
async fn ask_long<T>(
    session: &Session,
    limit: Duration,
    query: impl Future<Output = Result<T, Failure>>,
) -> Result<T, MetadataError> {
    let whole = async {
        let found = query.await?;
        session.batch("COMMIT").await?;
        Ok(found)
    };
    let begun = Instant::now();
    let found = timeout(limit, whole).await.unwrap_or(Err(Failure::Late));
    match found {
        Ok(found) => {
            session.done();
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

    /// A statement that is known to this connection from now on. To be called before anything is sent that is not to be
    /// waited for.
    pub(super) async fn prepare(&self, sql: &str) -> Result<Prepared<'_>, Failure> {
        #[cfg(test)]
        super::statements::record(sql);
        Ok(Prepared { session: self, statement: self.client().prepare_cached(sql).await? })
    }

    pub(super) async fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        self.prepare(sql).await?.rows(values).await
    }

    /// Rows of a statement that is not kept on the connection, because its text differs each time.
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

    /// Statements without values; sent when first polled.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.client().batch_execute(sql).await?)
    }

    /// The connection is at rest: others may have it.
    pub(super) fn done(&self) {
        self.at_rest.store(true, Ordering::Release);
    }

    /// The same if the database has answered, outside of a transaction.
    pub(super) fn settle<T>(&self, outcome: &Result<T, Failure>) {
        let answered = match outcome {
            Ok(_) => true,
            Err(failure) => matches!(failure, Failure::Refused(..)) && !failure.is_lost(),
        };
        if answered {
            self.done();
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
        let at_rest = *self.at_rest.get_mut();
        if let Some(client) = self.client.take().filter(|_| !at_rest) {
            drop(Object::take(client));
        }
    }
}

/// What all of them come to. Each is polled in its turn, however many they are, so that what they send is sent in their order
/// and before what is polled afterwards, such as a COMMIT: the combinators of `futures` do not promise that of many.
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

/// Kept apart from those who wait for many of them at once.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

impl Prepared<'_> {
    /// Sent when first polled, as the others are.
    pub(super) fn rows<'b>(&'b self, values: Values<'b>) -> Answer<'b, Vec<Row>> {
        Box::pin(async move { Ok(self.session.client().query(&self.statement, values).await?) })
    }

    pub(super) fn row<'b>(&'b self, values: Values<'b>) -> Answer<'b, Option<Row>> {
        Box::pin(async move { Ok(self.session.client().query_opt(&self.statement, values).await?) })
    }

    pub(super) fn execute<'b>(&'b self, values: Values<'b>) -> Answer<'b, u64> {
        Box::pin(async move { Ok(self.session.client().execute(&self.statement, values).await?) })
    }
}
