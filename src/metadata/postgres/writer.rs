//! Transactions of two round trips, whose outcome is known even when the answer to COMMIT is lost.
//!
//! BEGIN is sent together with the first statements, and COMMIT together with the last. Decisions in between are made
//! under a lock that the first statements take. After a lost COMMIT, the number of the transaction tells whether it is
//! still under way, and a row that it wrote proves that it took effect. The number proves nothing: a database that
//! crashes assigns numbers again that it had not written to its log.

use super::connections::{Connections, Prepared, Session, in_order};
use super::failure::Failure;
use super::fair_gate::{Owner, Permit};
use super::rows;
use super::session_setup::CommitMode;
use super::task::Task;
use super::timeouts::Deadline;
use crate::failpoint;
use crate::metrics::{METRICS, observe};
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

/// The pause between two checks of a transaction that is still under way.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// The time limit of the standbys to receive a verified commit.
const STANDBY_WAIT: Duration = Duration::from_secs(3);
/// The first query of a transaction: its number, the time, `synchronous_commit`, and whether it is read-only.
const BEGUN: &str = "SELECT pg_current_xact_id()::text, now_ms(), current_setting('synchronous_commit'),
    current_setting('transaction_read_only') = 'on'";

/// A lock that a transaction holds until its end.
#[derive(Clone, Debug)]
pub(super) enum Lock<'a> {
    /// The row of a workspace: its next File id and its totals.
    Workspace(WorkspaceId),
    /// The row of a workspace, if the workspace has a storage quota.
    Quota(WorkspaceId),
    /// An idempotency key.
    Answer(AnswerScope, &'a IdempotencyKey),
    /// The id of a ledger event.
    Event(&'a str),
    /// A task that one server at a time runs.
    Task(Task),
}

/// A row that only this transaction can have written: if it exists, the transaction was committed.
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

/// A read-write transaction on a connection of its own.
pub(super) struct Transaction<'a> {
    connections: &'a Connections,
    session: Session,
    deadline: Deadline,
    begun: OnceLock<Begun>,
    proof: OnceLock<Proof>,
    _permit: Permit,
}

/// The answer to [`BEGUN`].
#[derive(Debug)]
struct Begun {
    /// The number of the transaction.
    xid: String,
    /// The database time under the locks, in milliseconds.
    now_ms: u64,
}

impl Begun {
    /// Reads a row of [`BEGUN`]. Fails for a transaction that is read-only or would not commit durably.
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

impl Deref for Transaction<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl<'a> Transaction<'a> {
    /// Takes a connection for a transaction, without beginning it. `owner` is the workspace whose limits count.
    pub(super) async fn new(connections: &'a Connections, owner: Owner, deadline: Deadline) -> Result<Self, Failure> {
        let place = connections.permit(owner, deadline.request).await?;
        let session = connections.session(deadline.request).await?;
        Ok(Self { connections, session, deadline, begun: OnceLock::new(), proof: OnceLock::new(), _permit: place })
    }

    /// Begins the transaction, takes these locks, then reads, in one round trip. The statements of `reads` must be
    /// prepared.
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

    /// Returns the database time under the locks, in milliseconds; 0 before the transaction has begun.
    pub(super) fn now_ms(&self) -> u64 {
        self.begun.get().map_or(0, |begun| begun.now_ms)
    }

    /// Returns the database time under the locks, in seconds.
    pub(super) fn now_seconds(&self) -> u64 {
        self.now_ms() / 1000
    }

    /// Records how to verify after a lost COMMIT that the transaction took effect. The first proof set wins. A
    /// transaction without a proof is repeated after a lost COMMIT, so it must be idempotent.
    pub(super) fn set_proof(&self, proof: Proof) {
        self.proof.get_or_init(|| proof);
    }

    /// Runs a step until the request deadline.
    pub(super) async fn in_time<T>(&self, step: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        timeout_at(self.deadline.request, step).await.unwrap_or(Err(Failure::Late))
    }

    /// Writes and commits, in one round trip. The statements of `writes` must be prepared, and no decision may depend
    /// on their answers, which may be lost.
    pub(super) async fn commit(&self, writes: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        failpoint::reach("commit.ready").map_err(|error| Failure::Lost(error.to_string()))?;
        let commit = async {
            // After an error of a write, the COMMIT that follows rolls back.
            let (written, committed) = join(writes, self.session.commit()).await;
            written.and(committed)
        };
        let sent_at = Instant::now();
        let outcome = self.in_time(commit).await;
        observe(&METRICS.commit_duration_seconds, sent_at.elapsed());
        let known = match &outcome {
            Ok(()) | Err(Failure::ReadOnly(_)) => true,
            Err(Failure::Refused(..)) => !outcome.as_ref().is_err_and(Failure::is_lost),
            Err(_) => false,
        };
        if known {
            self.session.return_to_pool(&outcome);
            outcome?;
            return failpoint::reach("commit.done").map_err(|_| Failure::Late);
        }
        let Some(begun) = self.begun.get() else { return outcome };
        verify_outcome(self.connections, &begun.xid, self.proof.get(), self.deadline.outcome_deadline).await
    }

    /// Rolls back.
    pub(super) async fn rollback(&self) -> Result<(), Failure> {
        self.in_time(self.session.batch("ROLLBACK")).await?;
        self.session.mark_idle();
        Ok(())
    }

    /// Rolls back and returns `value`.
    pub(super) async fn rollback_with<T>(&self, value: T) -> Result<T, Failure> {
        self.rollback().await.map(|()| value)
    }
}

/// Verifies that a transaction whose connection was lost took effect. Fails with [`Failure::Lost`] when it did not, and
/// with [`Failure::Late`] when that stays unknown.
pub(super) async fn verify_outcome(
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

/// Returns whether the proof exists; none while the transaction is under way. The state and the proof are read by two
/// statements, so that the second sees everything that the first took for committed. A standby cannot decide: the
/// transaction may reach it later.
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
    session.return_to_pool(&found);
    found
}

/// Returns the state of a transaction; none when the database has not assigned its number, or has forgotten it. A
/// promoted standby may never have received it.
async fn state(session: &Session, xid: &str) -> Result<Option<String>, Failure> {
    match session.row("SELECT pg_xact_status($1::text::xid8)", &[&xid]).await {
        Err(Failure::Refused(code, _)) if code == SqlState::INVALID_PARAMETER_VALUE => Ok(None),
        status => Ok(status?.map(|row| row.try_get(0)).transpose()?.flatten()),
    }
}

/// Waits until the synchronous standbys have everything that is committed by now, because a database that restarted
/// shows commits that it had not sent to them. Standbys receive commits in order, so it waits for one more commit.
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
