//! Whether a change may be made at all, decided in its transaction: what was true when its request began may be over.

use crate::model::caller::{Caller, Refused};
use rusqlite::{Connection, OptionalExtension, Result, params};

/// Why the caller may change nothing any more, if that is so.
pub(super) fn refuse(connection: &Connection, caller: Caller, now_seconds: u64) -> Result<Option<Refused>> {
    let sql = "SELECT 1 FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id
               WHERE k.id = ?1 AND k.workspace_id = ?2 AND k.revoked_at IS NULL
                   AND (k.expires_at IS NULL OR k.expires_at > ?3) AND w.archived_at IS NULL";
    let values = params![caller.key.to_string(), caller.workspace.to_string(), now_seconds];
    let opens = connection.prepare_cached(sql)?.query_row(values, |_| Ok(())).optional()?;
    Ok(if opens.is_some() { None } else { Some(Refused::KeyEnded) })
}
