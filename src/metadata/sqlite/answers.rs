//! Answers that are given again: looked up and noted in the transaction of the change itself.

use super::admission;
use super::writer::Change;
use crate::model::caller::{Caller, Refused};
use crate::model::idempotency::{Effect, IdempotencyKey, Once, REMEMBERED_SECONDS};
use crate::model::ids::WorkspaceId;
use crate::model::limits::Limits;
use rusqlite::{Connection, OptionalExtension, Result, params};

/// Makes a change if its caller may make one, unless it was made under its key before, and notes the answer if `made` finds
/// what it was to make. Whatever is refused is refused before anything is written.
pub(super) fn once<T, R>(
    change: &mut Change<'_>,
    caller: Caller,
    once: Option<Once<T>>,
    now_seconds: u64,
    work: impl FnOnce(&mut Change<'_>, &Limits) -> Result<std::result::Result<R, Refused>>,
    made: impl FnOnce(&R) -> Option<&T>,
) -> Result<Effect<R>> {
    let quotas = match admission::admit(change.connection, caller, now_seconds)? {
        Ok(quotas) => quotas,
        Err(refused) => return Ok(Effect::Refused(refused)),
    };
    let Some(Once { key, request, answer }) = once else {
        return Ok(work(change, &quotas)?.map_or_else(Effect::Refused, Effect::Made));
    };
    let (request, workspace) = (request.finish(), caller.workspace);
    match find(change.connection, workspace, &key, now_seconds)? {
        Some((known, answer)) if known == request => return Ok(Effect::Replayed(answer)),
        Some(_) => return Ok(Effect::KeyReused),
        None => {}
    }
    let outcome = match work(change, &quotas)? {
        Ok(outcome) => outcome,
        Err(refused) => return Ok(Effect::Refused(refused)),
    };
    if let Some(made) = made(&outcome) {
        // An answer that is too old to be given again may still stand there.
        let sql =
            "INSERT OR REPLACE INTO answers (workspace_id, key, request, answer, made_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![workspace.to_string(), key.as_str(), request, answer(made), now_seconds];
        change.connection.prepare_cached(sql)?.execute(values)?;
    }
    Ok(Effect::Made(outcome))
}

/// The request that was made under this key, and its answer.
fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    key: &IdempotencyKey,
    now_seconds: u64,
) -> Result<Option<([u8; 32], Vec<u8>)>> {
    let sql = "SELECT request, answer FROM answers WHERE workspace_id = ?1 AND key = ?2 AND made_at > ?3";
    let values = params![workspace.to_string(), key.as_str(), too_old(now_seconds)];
    connection.prepare_cached(sql)?.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

pub(super) fn is_answered(
    connection: &Connection,
    workspace: WorkspaceId,
    key: &IdempotencyKey,
    now_seconds: u64,
) -> Result<bool> {
    Ok(find(connection, workspace, key, now_seconds)?.is_some())
}

pub(super) fn forget(connection: &Connection, limit: u32, now_seconds: u64) -> Result<usize> {
    let sql = "DELETE FROM answers WHERE (workspace_id, key) IN
               (SELECT workspace_id, key FROM answers WHERE made_at <= ?1 ORDER BY made_at LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![too_old(now_seconds), limit])
}

/// The last second whose answers are not given again.
const fn too_old(now_seconds: u64) -> u64 {
    now_seconds.saturating_sub(REMEMBERED_SECONDS)
}
