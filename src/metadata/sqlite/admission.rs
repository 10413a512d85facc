//! Whether a caller may still write, decided in the transaction: its key may have ended since the request began.

use super::queries::Queries;
use super::transaction::Transaction;
use crate::model::caller::{Caller, Refused};
use crate::model::limits::{Limit, Limits};
use rusqlite::{Result, Row, params};

/// Returns the quotas of the caller's workspace, if the caller may still write.
pub(super) fn admit(transaction: &Transaction<'_>, caller: Caller) -> Result<std::result::Result<Limits, Refused>> {
    let sql = "SELECT (SELECT value FROM limits WHERE owner_id = w.id AND name = 'storage_bytes'),
                      (SELECT value FROM limits WHERE owner_id = w.id AND name = 'max_files')
               FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id
               WHERE k.id = ?1 AND k.workspace_id = ?2 AND k.revoked_at IS NULL
                   AND (k.expires_at IS NULL OR k.expires_at > ?3) AND w.archived_at IS NULL";
    let values = params![caller.key, caller.workspace, transaction.now_seconds()];
    let quotas = |row: &Row<'_>| {
        let limit =
            |limit, column| Ok::<_, rusqlite::Error>(row.get::<_, Option<u64>>(column)?.map(|value| (limit, value)));
        let set = [limit(Limit::StorageBytes, 0)?, limit(Limit::MaxFiles, 1)?];
        Ok(Limits::new(set.into_iter().flatten().collect()))
    };
    Ok(transaction.row(sql, values, quotas)?.ok_or(Refused::KeyEnded))
}
