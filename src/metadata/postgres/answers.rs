//! Answers that are given again: looked up and noted in the transaction of the change itself.

use super::admission::{Question, Standing};
use super::connections::{Prepared, Values};
use super::failure::Failure;
use super::rows::{count, stored};
use super::store::{PostgresStore, read, write};
use super::writer::{Change, Lock};
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
/// An answer that is too old to be given again may still stand there.
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

/// Why nothing is made.
pub(super) enum Stop {
    /// It was made before, and this was answered.
    Replayed(Vec<u8>),
    /// Something else was asked for under the key.
    KeyReused,
    /// It may not be made.
    Refused(Refused),
}

impl<T> From<Stop> for IdempotentOutcome<T> {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Replayed(answer) => Self::Replayed(answer),
            Stop::KeyReused => Self::KeyReused,
            Stop::Refused(refused) => Self::Refused(refused),
        }
    }
}

/// What every change of a caller begins with, ready to be asked.
pub(super) struct Opening<'a, T> {
    question: Question<'a>,
    find: Prepared<'a>,
    note: Prepared<'a>,
    caller: Caller,
    once: Option<&'a Idempotency<T>>,
}

impl<'a, T> Opening<'a, T> {
    pub(super) async fn prepare(
        change: &'a Change<'_>,
        caller: Caller,
        once: Option<&'a Idempotency<T>>,
    ) -> Result<Self, Failure> {
        let question = Question::prepare(change).await?;
        let (find, note) = (change.prepare(FIND).await?, change.prepare(NOTE).await?);
        Ok(Self { question, find, note, caller, once })
    }

    /// The locks of a change: of the key under which it is made first.
    pub(super) fn locks(&self, other: Option<Lock<'a>>) -> Vec<Lock<'a>> {
        locks_of_all(std::slice::from_ref(self), other)
    }

    /// Where the caller stands, or why nothing is to be made. To be awaited under the locks.
    pub(super) async fn ask(&self, purpose: Option<Purpose>) -> Result<Result<Standing, Stop>, Failure> {
        let known = async {
            let Some(once) = self.once else { return Ok(None) };
            find(&self.find, AnswerScope::Workspace(self.caller.workspace), &once.key).await
        };
        let (standing, known) = try_join!(self.question.ask(self.caller, purpose), known)?;
        let Some(standing) = standing else { return Ok(Err(Stop::Refused(Refused::KeyEnded))) };
        if let Some(refused) = standing.refuse() {
            return Ok(Err(Stop::Refused(refused)));
        }
        Ok(stop(known, self.once).map_or(Ok(standing), Err))
    }

    /// Notes the answer to what was made.
    pub(super) async fn note(&self, made: Option<&T>, now_seconds: u64) -> Result<(), Failure> {
        let (Some(once), Some(made)) = (self.once, made) else { return Ok(()) };
        note(&self.note, AnswerScope::Workspace(self.caller.workspace), once, made, now_seconds).await
    }
}

/// What a change that an administrator asks for begins and ends with.
pub(super) struct AdminOpening<'a, T> {
    change: &'a Change<'a>,
    find: Prepared<'a>,
    note: Prepared<'a>,
    once: Option<&'a Idempotency<T>>,
}

impl<'a, T> AdminOpening<'a, T> {
    pub(super) async fn prepare(change: &'a Change<'a>, once: Option<&'a Idempotency<T>>) -> Result<Self, Failure> {
        let (find, note) = (change.prepare(FIND).await?, change.prepare(NOTE).await?);
        Ok(Self { change, find, note, once })
    }

    /// Begins the transaction under the lock of its key and this one; returns why nothing is to be made, if so.
    pub(super) async fn begin(&self, other: Option<Lock<'_>>) -> Result<Option<Stop>, Failure> {
        let answer = self.once.map(|once| Lock::Answer(AnswerScope::Organization, &once.key));
        let locks: Vec<_> = answer.into_iter().chain(other).collect();
        let known = async {
            let Some(once) = self.once else { return Ok(None) };
            find(&self.find, AnswerScope::Organization, &once.key).await
        };
        Ok(stop(self.change.begin(&locks, known).await?, self.once))
    }

    /// Notes the answer to what was made, and commits.
    pub(super) async fn commit(&self, made: &T) -> Result<(), Failure> {
        let now_seconds = self.change.now_seconds();
        let noted = async {
            let Some(once) = self.once else { return Ok(()) };
            note(&self.note, AnswerScope::Organization, once, made, now_seconds).await
        };
        self.change.commit(noted).await
    }
}

/// Why a change is not made, by what is known of its key.
fn stop<T>(known: Option<([u8; 32], Vec<u8>)>, once: Option<&Idempotency<T>>) -> Option<Stop> {
    let ((known, answer), once) = (known?, once?);
    Some(if known == once.request.clone().finish() { Stop::Replayed(answer) } else { Stop::KeyReused })
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

/// The locks of several changes of one workspace: of their keys first, in one order for everybody, so that no two groups wait
/// for each other.
pub(super) fn locks_of_all<'a, T>(openings: &[Opening<'a, T>], other: Option<Lock<'a>>) -> Vec<Lock<'a>> {
    let mut keys: Vec<_> =
        openings.iter().filter_map(|opening| Some((opening.caller.workspace, opening.once?))).collect();
    keys.sort_unstable_by_key(|(_, once)| once.key.as_str());
    let answers = keys.into_iter().map(|(workspace, once)| Lock::Answer(AnswerScope::Workspace(workspace), &once.key));
    answers.chain(other).collect()
}

/// The request that was made under this key, and its answer.
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
