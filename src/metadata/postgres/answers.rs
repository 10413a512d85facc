//! Idempotency keys: answers are looked up and stored in the transaction of the request.

use super::admission::{AdmissionFacts, AdmissionQuery};
use super::connections::{Prepared, Values};
use super::failure::Failure;
use super::rows::{count, stored};
use super::store::{PostgresStore, read, write};
use super::writer::{Lock, Transaction};
use crate::metadata::answers::AnswerStore;
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::model::caller::{Caller, Refused};
use crate::model::idempotency::{AnswerScope, Idempotency, IdempotencyKey, IdempotentOutcome, REMEMBERED_SECONDS};
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
use async_trait::async_trait;
use futures_util::try_join;

const FIND: &str =
    "SELECT request, answer FROM answers WHERE workspace_id = $1 AND key = $2 AND made_at > now_ms() / 1000 - $3";
/// Replaces an answer that is too old to be replayed.
const NOTE: &str = "
    INSERT INTO answers (workspace_id, key, request, answer, made_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (workspace_id, key) DO UPDATE
    SET request = excluded.request, answer = excluded.answer, made_at = excluded.made_at";

#[async_trait]
impl AnswerStore for PostgresStore {
    async fn is_answered(&self, workspace: WorkspaceId, key: &IdempotencyKey) -> Result<bool, MetadataError> {
        let scope = AnswerScope::Workspace(workspace);
        read!(self, workspace, |session| Ok(find(&session.prepare(FIND).await?, scope, key).await?.is_some()))
    }

    async fn forget_answers(&self, limit: u32) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        write!(self, |session| {
            let sql = "WITH old AS MATERIALIZED (
                           SELECT workspace_id, key FROM answers WHERE made_at <= now_ms() / 1000 - $2
                           ORDER BY made_at LIMIT $1 FOR UPDATE SKIP LOCKED)
                       DELETE FROM answers a USING old WHERE a.workspace_id = old.workspace_id AND a.key = old.key";
            session.execute(sql, &[&i64::from(limit), &stored(REMEMBERED_SECONDS)]).await
        })
        .map(count)
    }
}

/// The reason why a request is not carried out.
pub(super) enum Rejection {
    /// The request was carried out before, with this answer.
    Replayed(Vec<u8>),
    /// The key was used for another request.
    KeyReused,
    /// The caller may not do it.
    Refused(Refused),
}

impl<T> From<Rejection> for IdempotentOutcome<T> {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Replayed(answer) => Self::Replayed(answer),
            Rejection::KeyReused => Self::KeyReused,
            Rejection::Refused(refused) => Self::Refused(refused),
        }
    }
}

/// The prepared checks at the start of a request: admission and idempotency key.
pub(super) struct RequestGuard<'a, T> {
    admission: AdmissionQuery<'a>,
    find: Prepared<'a>,
    note: Prepared<'a>,
    caller: Caller,
    once: Option<&'a Idempotency<T>>,
}

impl<'a, T> RequestGuard<'a, T> {
    pub(super) async fn prepare(
        tx: &'a Transaction<'_>,
        caller: Caller,
        once: Option<&'a Idempotency<T>>,
    ) -> Result<Self, Failure> {
        let admission = AdmissionQuery::prepare(tx).await?;
        let (find, note) = (tx.prepare(FIND).await?, tx.prepare(NOTE).await?);
        Ok(Self { admission, find, note, caller, once })
    }

    /// Returns the locks of the request: its idempotency key, then `other`.
    pub(super) fn locks(&self, other: Option<Lock<'a>>) -> Vec<Lock<'a>> {
        locks_of_all(std::slice::from_ref(self), other)
    }

    /// Returns the facts of the caller, or the reason to reject the request. Must be awaited under the locks.
    pub(super) async fn ask(&self, purpose: Option<Purpose>) -> Result<Result<AdmissionFacts, Rejection>, Failure> {
        let known = async {
            let Some(once) = self.once else { return Ok(None) };
            find(&self.find, AnswerScope::Workspace(self.caller.workspace), &once.key).await
        };
        let (facts, known) = try_join!(self.admission.ask(self.caller, purpose), known)?;
        let Some(facts) = facts else { return Ok(Err(Rejection::Refused(Refused::KeyEnded))) };
        if let Some(refused) = facts.refuse() {
            return Ok(Err(Rejection::Refused(refused)));
        }
        Ok(rejection(known, self.once).map_or(Ok(facts), Err))
    }

    /// Stores the answer under the idempotency key.
    pub(super) async fn note(&self, made: Option<&T>, now_seconds: u64) -> Result<(), Failure> {
        let (Some(once), Some(made)) = (self.once, made) else { return Ok(()) };
        note(&self.note, AnswerScope::Workspace(self.caller.workspace), once, made, now_seconds).await
    }
}

/// The prepared idempotency check of an administrator's request.
pub(super) struct AdminGuard<'a, T> {
    tx: &'a Transaction<'a>,
    find: Prepared<'a>,
    note: Prepared<'a>,
    once: Option<&'a Idempotency<T>>,
}

impl<'a, T> AdminGuard<'a, T> {
    pub(super) async fn prepare(tx: &'a Transaction<'a>, once: Option<&'a Idempotency<T>>) -> Result<Self, Failure> {
        let (find, note) = (tx.prepare(FIND).await?, tx.prepare(NOTE).await?);
        Ok(Self { tx, find, note, once })
    }

    /// Begins the transaction under the lock of its key and `other`. Returns the reason to reject the request, if any.
    pub(super) async fn begin(&self, other: Option<Lock<'_>>) -> Result<Option<Rejection>, Failure> {
        let answer = self.once.map(|once| Lock::Answer(AnswerScope::Organization, &once.key));
        let locks: Vec<_> = answer.into_iter().chain(other).collect();
        let known = async {
            let Some(once) = self.once else { return Ok(None) };
            find(&self.find, AnswerScope::Organization, &once.key).await
        };
        Ok(rejection(self.tx.begin(&locks, known).await?, self.once))
    }

    /// Stores the answer under the idempotency key, and commits.
    pub(super) async fn commit(&self, made: &T) -> Result<(), Failure> {
        let now_seconds = self.tx.now_seconds();
        let noted = async {
            let Some(once) = self.once else { return Ok(()) };
            note(&self.note, AnswerScope::Organization, once, made, now_seconds).await
        };
        self.tx.commit(noted).await
    }
}

/// Returns the reason to reject a request, given the stored request and answer of its key.
fn rejection<T>(known: Option<([u8; 32], Vec<u8>)>, once: Option<&Idempotency<T>>) -> Option<Rejection> {
    let ((known, answer), once) = (known?, once?);
    Some(if known == once.request.clone().finish() { Rejection::Replayed(answer) } else { Rejection::KeyReused })
}

async fn note<T>(
    statement: &Prepared<'_>,
    scope: AnswerScope,
    once: &Idempotency<T>,
    made: &T,
    now_seconds: u64,
) -> Result<(), Failure> {
    let (scope, request, answer) = (scope.to_string(), once.request.clone().finish(), once.answer.write(made));
    let values: Values<'_> = &[&scope, &once.key.as_str(), &request.as_slice(), &answer, &stored(now_seconds)];
    statement.execute(values).await.map(drop)
}

/// Returns the locks of several requests of one workspace: their keys first, sorted, so that no two groups deadlock.
pub(super) fn locks_of_all<'a, T>(guards: &[RequestGuard<'a, T>], other: Option<Lock<'a>>) -> Vec<Lock<'a>> {
    let mut keys: Vec<_> = guards.iter().filter_map(|guard| Some((guard.caller.workspace, guard.once?))).collect();
    keys.sort_unstable_by_key(|(_, once)| once.key.as_str());
    let answers = keys.into_iter().map(|(workspace, once)| Lock::Answer(AnswerScope::Workspace(workspace), &once.key));
    answers.chain(other).collect()
}

/// Returns the digest of the request under this key, and its answer.
async fn find(
    statement: &Prepared<'_>,
    scope: AnswerScope,
    key: &IdempotencyKey,
) -> Result<Option<([u8; 32], Vec<u8>)>, Failure> {
    let (scope, kept_seconds) = (scope.to_string(), stored(REMEMBERED_SECONDS));
    let Some(row) = statement.row(&[&scope, &key.as_str(), &kept_seconds]).await? else { return Ok(None) };
    let request: &[u8] = row.try_get(0)?;
    let request = request.try_into().map_err(|_| Failure::Unreadable("a request is no SHA-256".to_owned()))?;
    Ok(Some((request, row.try_get(1)?)))
}
