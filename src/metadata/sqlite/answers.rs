//! Stored answers to requests with an idempotency key: each is written in the transaction of its request.

use super::admission;
use super::queries::Queries;
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::answers::AnswerStore;
use crate::metadata::error::MetadataError;
use crate::metadata::room::with_room;
use crate::model::caller::{Caller, Refused};
use crate::model::idempotency::{AnswerScope, Idempotency, IdempotencyKey, IdempotentOutcome, REMEMBERED_SECONDS};
use crate::model::ids::WorkspaceId;
use crate::model::limits::Limits;
use async_trait::async_trait;
use rusqlite::{Connection, Result, params};

#[async_trait]
impl AnswerStore for SqliteStore {
    async fn is_answered(&self, workspace: WorkspaceId, key: &IdempotencyKey) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let scope = AnswerScope::Workspace(workspace);
        self.readers.point(|connection| Ok(find(connection, scope, key, now_seconds)?.is_some()))
    }

    async fn forget_answers(&self, limit: u32) -> Result<usize, MetadataError> {
        self.expire(move |transaction| {
            let sql = "DELETE FROM answers WHERE (workspace_id, key) IN
                       (SELECT workspace_id, key FROM answers WHERE made_at <= ?1 ORDER BY made_at LIMIT ?2)";
            transaction.change(sql, params![forgotten_at(transaction.now_seconds()), limit])
        })
        .await
    }
}

impl SqliteStore {
    /// Runs a write of a workspace once under its idempotency key, and stores the answer in the same transaction if
    /// `made` returns an object. The write runs only if its caller may write, and runs again when a quota refused it
    /// and expired rows were removed. A write that is refused has written nothing.
    pub(super) async fn write_once<T, R, W>(
        &self,
        caller: Caller,
        once: Option<Idempotency<T>>,
        write: W,
        made: fn(&R) -> Option<&T>,
    ) -> Result<IdempotentOutcome<R>, MetadataError>
    where
        T: Clone + Send + Sync + 'static,
        R: Send + 'static,
        W: Fn(&Transaction<'_>, &Limits) -> Result<std::result::Result<R, Refused>> + Clone + Send + Sync + 'static,
    {
        let attempt = || {
            let (write, once) = (write.clone(), once.clone());
            self.writer.write_for(caller.workspace, move |transaction| {
                let quotas = match admission::admit(transaction, caller)? {
                    Ok(quotas) => quotas,
                    Err(refused) => return Ok(IdempotentOutcome::Refused(refused)),
                };
                once_in(
                    AnswerScope::Workspace(caller.workspace),
                    transaction,
                    once,
                    || write(transaction, &quotas),
                    made,
                )
            })
        };
        with_room(self, caller.workspace, attempt).await
    }

    /// Runs a write of an administrator or of the command line once under its idempotency key, and stores the answer in
    /// the same transaction if `made` returns an object.
    pub(super) async fn administer<T: Send + 'static, R: Send + 'static>(
        &self,
        once: Option<Idempotency<T>>,
        write: impl FnOnce(&Transaction<'_>) -> Result<R> + Send + 'static,
        made: fn(&R) -> Option<&T>,
    ) -> Result<IdempotentOutcome<R>, MetadataError> {
        self.writer
            .write(move |transaction| {
                once_in(AnswerScope::Organization, transaction, once, || write(transaction).map(Ok), made)
            })
            .await
    }
}

/// Returns the object that a write made. None if there is no such object or the write was refused.
#[expect(clippy::ref_option, reason = "`administer` reads outcomes by reference")]
pub(super) fn made<T, E>(outcome: &Option<Result<T, E>>) -> Option<&T> {
    outcome.as_ref()?.as_ref().ok()
}

/// Runs a write unless it has an answer under its key, and stores its answer.
fn once_in<T, R>(
    scope: AnswerScope,
    transaction: &Transaction<'_>,
    once: Option<Idempotency<T>>,
    write: impl FnOnce() -> Result<std::result::Result<R, Refused>>,
    made: impl FnOnce(&R) -> Option<&T>,
) -> Result<IdempotentOutcome<R>> {
    let now_seconds = transaction.now_seconds();
    if let Some(once) = &once
        && let Some((request, answer)) = find(transaction, scope, &once.key, now_seconds)?
    {
        let is_same = request == once.request.clone().finish();
        return Ok(if is_same { IdempotentOutcome::Replayed(answer) } else { IdempotentOutcome::KeyReused });
    }
    let outcome = match write()? {
        Ok(outcome) => outcome,
        Err(refused) => return Ok(IdempotentOutcome::Refused(refused)),
    };
    if let (Some(Idempotency { key, request, answer }), Some(made)) = (once, made(&outcome)) {
        // An answer that is too old to be replayed may still have a row.
        let sql =
            "INSERT OR REPLACE INTO answers (workspace_id, key, request, answer, made_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![scope.to_string(), key.as_str(), request.finish(), answer.write(made), now_seconds];
        transaction.change(sql, values)?;
    }
    Ok(IdempotentOutcome::Made(outcome))
}

/// Returns the digest of the request of a key, and its answer.
fn find(
    connection: &Connection,
    scope: AnswerScope,
    key: &IdempotencyKey,
    now_seconds: u64,
) -> Result<Option<([u8; 32], Vec<u8>)>> {
    let sql = "SELECT request, answer FROM answers WHERE workspace_id = ?1 AND key = ?2 AND made_at > ?3";
    let values = params![scope.to_string(), key.as_str(), forgotten_at(now_seconds)];
    connection.row(sql, values, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Returns the last second whose answers are not replayed any more.
const fn forgotten_at(now_seconds: u64) -> u64 {
    now_seconds.saturating_sub(REMEMBERED_SECONDS)
}
