//! Answers that are given again: looked up and noted in the transaction of the change itself.

use super::admission;
use super::store::SqliteStore;
use super::writer::Change;
use crate::metadata::answers::AnswerStore;
use crate::metadata::error::MetadataError;
use crate::model::caller::{Caller, Refused};
use crate::model::idempotency::{AnswerScope, Idempotency, IdempotencyKey, IdempotentOutcome, REMEMBERED_SECONDS};
use crate::model::ids::WorkspaceId;
use crate::model::limits::Limits;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, params};

#[async_trait]
impl AnswerStore for SqliteStore {
    async fn is_answered(&self, workspace: WorkspaceId, key: &IdempotencyKey) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let scope = AnswerScope::Workspace(workspace);
        self.readers.point(|connection| is_answered(connection, scope, key, now_seconds))
    }

    async fn forget_answers(&self, limit: u32) -> Result<usize, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.expire(move |connection| forget(connection, limit, now_seconds)).await
    }
}

impl SqliteStore {
    /// Makes a change once under its key, in one transaction with its answer.
    pub(super) async fn administer<T: Send + 'static, R: Send + 'static>(
        &self,
        once: Option<Idempotency<T>>,
        now_ms: u64,
        work: impl FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
        made: fn(&R) -> Option<&T>,
    ) -> Result<IdempotentOutcome<R>, MetadataError> {
        self.writer.write(move |change| once_for_administrators(change, once, now_ms / 1000, work, made)).await
    }
}

/// What was made, unless there is no such thing or it was refused.
#[expect(clippy::ref_option, reason = "`administer` looks at outcomes by reference")]
pub(super) fn made<T, E>(outcome: &Option<Result<T, E>>) -> Option<&T> {
    outcome.as_ref()?.as_ref().ok()
}

/// Makes a change if its caller may make one, unless it was made under its key before, and notes the answer if `made` finds
/// what it was to make. Whatever is refused is refused before anything is written.
pub(super) fn once<T, R>(
    change: &mut Change<'_>,
    caller: Caller,
    once: Option<Idempotency<T>>,
    now_seconds: u64,
    work: impl FnOnce(&mut Change<'_>, &Limits) -> Result<std::result::Result<R, Refused>>,
    made: impl FnOnce(&R) -> Option<&T>,
) -> Result<IdempotentOutcome<R>> {
    let quotas = match admission::admit(change.connection, caller, now_seconds)? {
        Ok(quotas) => quotas,
        Err(refused) => return Ok(IdempotentOutcome::Refused(refused)),
    };
    let scope = AnswerScope::Workspace(caller.workspace);
    if let Some(known) = replay(change.connection, scope, once.as_ref(), now_seconds)? {
        return Ok(known);
    }
    let outcome = match work(change, &quotas)? {
        Ok(outcome) => outcome,
        Err(refused) => return Ok(IdempotentOutcome::Refused(refused)),
    };
    note(change.connection, scope, once, made(&outcome), now_seconds)?;
    Ok(IdempotentOutcome::Made(outcome))
}

/// The same for a change that an administrator asks for, or the command line, which has no key.
fn once_for_administrators<T, R>(
    change: &Change<'_>,
    once: Option<Idempotency<T>>,
    now_seconds: u64,
    work: impl FnOnce(&Connection) -> Result<R>,
    made: impl FnOnce(&R) -> Option<&T>,
) -> Result<IdempotentOutcome<R>> {
    let scope = AnswerScope::Organization;
    if let Some(known) = replay(change.connection, scope, once.as_ref(), now_seconds)? {
        return Ok(known);
    }
    let outcome = work(change.connection)?;
    note(change.connection, scope, once, made(&outcome), now_seconds)?;
    Ok(IdempotentOutcome::Made(outcome))
}

/// What comes of a change whose key was used before; none where it is to be made.
fn replay<T, R>(
    connection: &Connection,
    scope: AnswerScope,
    once: Option<&Idempotency<T>>,
    now_seconds: u64,
) -> Result<Option<IdempotentOutcome<R>>> {
    let Some(once) = once else { return Ok(None) };
    let request = once.request.clone().finish();
    Ok(find(connection, scope, &once.key, now_seconds)?.map(|(known, answer)| {
        if known == request { IdempotentOutcome::Replayed(answer) } else { IdempotentOutcome::KeyReused }
    }))
}

/// Notes the answer to what was made.
fn note<T>(
    connection: &Connection,
    scope: AnswerScope,
    once: Option<Idempotency<T>>,
    made: Option<&T>,
    now_seconds: u64,
) -> Result<()> {
    let (Some(Idempotency { key, request, answer }), Some(made)) = (once, made) else { return Ok(()) };
    // An answer that is too old to be given again may still stand there.
    let sql =
        "INSERT OR REPLACE INTO answers (workspace_id, key, request, answer, made_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![scope.to_string(), key.as_str(), request.finish(), answer.write(made), now_seconds];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

/// The request that was made under this key, and its answer.
fn find(
    connection: &Connection,
    scope: AnswerScope,
    key: &IdempotencyKey,
    now_seconds: u64,
) -> Result<Option<([u8; 32], Vec<u8>)>> {
    let sql = "SELECT request, answer FROM answers WHERE workspace_id = ?1 AND key = ?2 AND made_at > ?3";
    let values = params![scope.to_string(), key.as_str(), too_old(now_seconds)];
    connection.prepare_cached(sql)?.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn is_answered(connection: &Connection, scope: AnswerScope, key: &IdempotencyKey, now_seconds: u64) -> Result<bool> {
    Ok(find(connection, scope, key, now_seconds)?.is_some())
}

fn forget(connection: &Connection, limit: u32, now_seconds: u64) -> Result<usize> {
    let sql = "DELETE FROM answers WHERE (workspace_id, key) IN
               (SELECT workspace_id, key FROM answers WHERE made_at <= ?1 ORDER BY made_at LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![too_old(now_seconds), limit])
}

/// The last second whose answers are not given again.
const fn too_old(now_seconds: u64) -> u64 {
    now_seconds.saturating_sub(REMEMBERED_SECONDS)
}
