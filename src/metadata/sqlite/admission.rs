//! Whether a change may be made at all, decided in its transaction: what was true when its request began may be over.

use crate::model::caller::{Caller, Refused};
use crate::model::limits::{Limit, Limits};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// The quotas of the caller's workspace, if the caller may change anything yet.
pub(super) fn admit(
    connection: &Connection,
    caller: Caller,
    now_seconds: u64,
) -> Result<std::result::Result<Limits, Refused>> {
    let sql = "SELECT (SELECT value FROM limits WHERE owner_id = w.id AND name = 'storage_bytes'),
                      (SELECT value FROM limits WHERE owner_id = w.id AND name = 'max_files')
               FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id
               WHERE k.id = ?1 AND k.workspace_id = ?2 AND k.revoked_at IS NULL
                   AND (k.expires_at IS NULL OR k.expires_at > ?3) AND w.archived_at IS NULL";
    let values = params![caller.key.to_string(), caller.workspace.to_string(), now_seconds];
    let quotas = |row: &Row<'_>| {
        let limit =
            |limit, column| Ok::<_, rusqlite::Error>(row.get::<_, Option<u64>>(column)?.map(|value| (limit, value)));
        let set = [limit(Limit::StorageBytes, 0)?, limit(Limit::MaxFiles, 1)?];
        Ok(Limits::new(set.into_iter().flatten().collect()))
    };
    let admitted = connection.prepare_cached(sql)?.query_row(values, quotas).optional()?;
    Ok(admitted.ok_or(Refused::KeyEnded))
}
