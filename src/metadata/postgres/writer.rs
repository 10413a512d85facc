//! Changes: transactions of few round trips, whose outcome is known even when the answer to COMMIT is lost.
//!
//! BEGIN is sent together with the first statements, and COMMIT together with the last. What is decided in between is decided
//! under a lock that the first statements take. Each transaction knows its number, by which the database tells later whether
//! it is still under way, and what it leaves behind, which tells whether it took place. The number alone does not: a database
//! that crashes gives numbers again that it had not written down.

use super::connections::{Connections, Deadline, Prepared, Session, in_order};
use super::failure::Failure;
use super::fair_gate::{Owner, Permit};
use super::rows;
use super::session_setup::CommitMode;
use super::task::Task;
use crate::failpoint;
use crate::model::idempotency::{AnswerScope, IdempotencyKey};
use crate::model::ids::WorkspaceId;
use futures_util::future::join;
use futures_util::try_join;
use std::ops::Deref;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

/// Between two questions whether a transaction that is still under way took place.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// How long the standbys may take to have what was found to be committed.
const STANDBY_WAIT: Duration = Duration::from_secs(3);
/// What a transaction asks when it begins: its number, the time, how it commits, and whether it may write.
const BEGUN: &str = "SELECT pg_current_xact_id()::text, now_ms(), current_setting('synchronous_commit'),
    current_setting('transaction_read_only') = 'on'";

/// What a change keeps others from until it has committed.
#[derive(Clone, Debug)]
pub(super) enum Lock<'a> {
    /// From giving ids to Files of the workspace, and from counting what it has.
    Workspace(WorkspaceId),
    /// From counting what it has, if somebody does: if it has a quota.
    Quota(WorkspaceId),
    /// From answering under the same key.
    Answer(AnswerScope, &'a IdempotencyKey),
    /// From entering a row of the ledger under the same name.
    Event(&'a str),
    /// From doing what one server at a time does.
    Task(Task),
}

/// What a transaction leaves behind if it took place, and nobody else does.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// An entry of the audit log, by its id.
    Entry(String),
    /// A row of the ledger, by its event.
    Event(String),
    /// An Upload, by workspace and id.
    Upload(String, String),
    /// A part of an Upload, by its id.
    Part(String),
}

/// A transaction.
pub(super) struct Change<'a> {
    connections: &'a Connections,
    session: Session,
    deadline: Deadline,
    begun: OnceLock<Begun>,
    proof: OnceLock<Proof>,
    _place: Permit,
}

/// What is known once it has begun.
#[derive(Debug)]
struct Begun {
    /// Its number.
    xid: String,
    /// What time it is under its locks, in milliseconds.
    now_ms: u64,
}

impl Begun {
    /// Reads a row of [`BEGUN`]. A transaction that may not write, or would not commit durably, goes no further.
    fn from(row: &Row) -> Result<Self, Failure> {
        let begun = Self { xid: row.try_get(0)?, now_ms: rows::number(row, 1)? };
        if row.try_get(3)? {
            return Err(Failure::ReadOnly("default_transaction_read_only is on, or it is a standby".to_owned()));
        }
        let commit: String = row.try_get(2)?;
        let is_durable = [CommitMode::Flushed, CommitMode::Applied].iter().any(|mode| mode.value() == commit);
        is_durable.then_some(begun).ok_or_else(|| Failure::Lost(format!("synchronous_commit was set to {commit}")))
    }
}

impl Deref for Change<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl<'a> Change<'a> {
    /// Takes a connection for a transaction of this workspace, which is not begun.
    pub(super) async fn new(connections: &'a Connections, owner: Owner, deadline: Deadline) -> Result<Self, Failure> {
        let place = connections.place(owner, deadline.request).await?;
        let session = connections.session(deadline.request).await?;
        Ok(Self { connections, session, deadline, begun: OnceLock::new(), proof: OnceLock::new(), _place: place })
    }

    /// Begins the transaction, takes these locks, then reads, all in one round trip. What reads is prepared already.
    pub(super) async fn begin<T>(
        &self,
        locks: &[Lock<'_>],
        reads: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.in_time(async {
            let mut sent = Vec::with_capacity(locks.len());
            for lock in locks {
                sent.push((self.session.prepare(lock.sql()).await?, lock.value()));
            }
            let number = self.session.prepare(BEGUN).await?;
            let locked = in_order(sent.iter().map(|(statement, value)| value.wait_for(statement)));
            // They are sent in the order in which they stand here.
            let ((), _, begun, found) = try_join!(self.session.batch("BEGIN"), locked, number.row(&[]), reads)?;
            let begun = begun.ok_or_else(|| Failure::Unreadable("a transaction without a number".to_owned()))?;
            let begun = Begun::from(&begun)?;
            self.begun.set(begun).map_err(|_| Failure::Unreadable("a transaction was begun twice".to_owned()))?;
            Ok(found)
        })
        .await
    }

    /// What time it is under the locks, in milliseconds.
    pub(super) fn now_ms(&self) -> u64 {
        self.begun.get().map_or(0, |begun| begun.now_ms)
    }

    /// The same in seconds.
    pub(super) fn now_seconds(&self) -> u64 {
        self.now_ms() / 1000
    }

    /// Says by what it is known that the transaction took place; the first word counts. Of a change that is not proven
    /// nobody needs to know: it is repeated where its outcome is lost, and must do no harm then.
    pub(super) fn proven_by(&self, proof: Proof) {
        self.proof.get_or_init(|| proof);
    }

    /// Does what is left of the time of the request.
    pub(super) async fn in_time<T>(&self, step: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        timeout_at(self.deadline.request, step).await.unwrap_or(Err(Failure::Late))
    }

    /// Writes, and commits, in one round trip. What writes is prepared already, and nothing is decided by it: when the
    /// answer is lost, nobody will know what it was.
    pub(super) async fn commit(&self, writes: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        failpoint::reach("commit.ready").map_err(|error| Failure::Lost(error.to_string()))?;
        let commit = async {
            // An error of what writes makes a ROLLBACK of the COMMIT that follows it.
            let (written, committed) = join(writes, self.session.batch("COMMIT")).await;
            written.and(committed)
        };
        let outcome = self.in_time(commit).await;
        let known = match &outcome {
            Ok(()) | Err(Failure::ReadOnly(_)) => true,
            Err(Failure::Refused(..)) => !outcome.as_ref().is_err_and(Failure::is_lost),
            Err(_) => false,
        };
        if known {
            self.session.settle(&outcome);
            outcome?;
            return failpoint::reach("commit.done").map_err(|_| Failure::Late);
        }
        let Some(begun) = self.begun.get() else { return outcome };
        find_out(self.connections, &begun.xid, self.proof.get(), self.deadline.last_word).await
    }

    /// Gives the transaction up: nothing was done.
    pub(super) async fn abandon(&self) -> Result<(), Failure> {
        self.in_time(self.session.batch("ROLLBACK")).await?;
        self.session.done();
        Ok(())
    }

    /// The same, with what is told instead.
    pub(super) async fn give_up<T>(&self, told: T) -> Result<T, Failure> {
        self.abandon().await.map(|()| told)
    }
}

/// Whether a transaction took place whose connection was lost. An error says that it did not, or that nobody can tell.
pub(super) async fn find_out(
    connections: &Connections,
    xid: &str,
    proof: Option<&Proof>,
    until: Instant,
) -> Result<(), Failure> {
    let asking = async {
        loop {
            match ask(connections, xid, proof, until).await {
                Ok(Some(true)) => return Ok(()),
                Ok(Some(false)) => return Err(Failure::Lost("nothing was committed".to_owned())),
                Ok(None) | Err(_) => sleep(ASK_AGAIN).await,
            }
        }
    };
    timeout_at(until, asking).await.unwrap_or(Err(Failure::Late))
}

/// Whether there is proof, once the transaction is not under way any more. Two statements, so that the second sees
/// everything that the first took for committed. A standby is not asked: it may get to know of the transaction yet.
async fn ask(
    connections: &Connections,
    xid: &str,
    proof: Option<&Proof>,
    until: Instant,
) -> Result<Option<bool>, Failure> {
    let session = connections.session(until).await?;
    let is_standby = session.row("SELECT pg_is_in_recovery()", &[]).await?.map(|row| row.try_get(0)).transpose()?;
    if is_standby != Some(false) {
        return Err(Failure::ReadOnly("a standby cannot tell".to_owned()));
    }
    let found = match proof {
        _ if state(&session, xid).await?.as_deref() == Some("in progress") => Ok(None),
        Some(proof) => proof.is_there(&session).await.map(Some),
        None => Ok(Some(false)),
    };
    if matches!(found, Ok(Some(true))) {
        reach_standbys(&session).await?;
    }
    session.settle(&found);
    found
}

/// Returns the state of a transaction; none when the database has not given its number, or has forgotten it. A promoted standby
/// may never have heard of it.
async fn state(session: &Session, xid: &str) -> Result<Option<String>, Failure> {
    match session.row("SELECT pg_xact_status($1::text::xid8)", &[&xid]).await {
        Err(Failure::Refused(code, _)) if code == SqlState::INVALID_PARAMETER_VALUE => Ok(None),
        status => Ok(status?.map(|row| row.try_get(0)).transpose()?.flatten()),
    }
}

/// Waits until the standbys that commits wait for have everything that is committed by now: a server that was started again
/// shows what it had not sent to them. Standbys get all in its order, so one more commit is enough.
async fn reach_standbys(session: &Session) -> Result<(), Failure> {
    let commit = session.row("SELECT pg_logical_emit_message(true, 'venna', '')", &[]);
    timeout(STANDBY_WAIT, commit).await.unwrap_or(Err(Failure::Late)).map(drop)
}

impl Proof {
    async fn is_there(&self, session: &Session) -> Result<bool, Failure> {
        let found = match self {
            Self::Entry(id) => session.row("SELECT 1 FROM audit_log WHERE id = $1", &[id]).await?,
            Self::Event(id) => session.row("SELECT 1 FROM ledger WHERE event_id = $1", &[id]).await?,
            Self::Upload(workspace, id) => {
                session.row("SELECT 1 FROM uploads WHERE workspace_id = $1 AND id = $2", &[workspace, id]).await?
            }
            Self::Part(id) => session.row("SELECT 1 FROM parts WHERE id = $1", &[id]).await?,
        };
        Ok(found.is_some())
    }
}

enum LockValue {
    Text(String),
    Number(i64),
}

impl LockValue {
    async fn wait_for(&self, lock: &Prepared<'_>) -> Result<(), Failure> {
        match self {
            Self::Text(value) => lock.rows(&[value]).await.map(drop),
            Self::Number(value) => lock.rows(&[value]).await.map(drop),
        }
    }
}

impl Lock<'_> {
    const fn sql(&self) -> &'static str {
        match self {
            Self::Workspace(_) => "SELECT 1 FROM workspaces WHERE id = $1 FOR NO KEY UPDATE",
            Self::Quota(_) => {
                "SELECT 1 FROM workspaces WHERE id = $1 AND EXISTS (SELECT 1 FROM limits
                    WHERE owner_id = $1 AND name IN ('storage_bytes', 'max_files')) FOR NO KEY UPDATE"
            }
            Self::Answer(..) | Self::Event(_) => "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
            Self::Task(_) => "SELECT pg_advisory_xact_lock($1)",
        }
    }

    fn value(&self) -> LockValue {
        match self {
            Self::Workspace(workspace) | Self::Quota(workspace) => LockValue::Text(workspace.to_string()),
            Self::Answer(scope, key) => LockValue::Text(format!("{scope} {}", key.as_str())),
            Self::Event(event_id) => LockValue::Text((*event_id).to_owned()),
            Self::Task(task) => LockValue::Number(task.key()),
        }
    }
}
