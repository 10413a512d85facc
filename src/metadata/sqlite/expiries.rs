//! Rows of default expiries: what a workspace wants for a purpose, where that is not what holds for everybody.

use super::rows::named;
use super::workspaces;
use crate::model::audit::{Action, Origin};
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde_json::{Value, json};

/// When a File expires that is made now: as its client asks, or as its workspace or purpose has it.
pub(super) fn decide(
    connection: &Connection,
    workspace: WorkspaceId,
    purpose: Purpose,
    asked: Option<ExpiresAfter>,
) -> Result<Option<ExpiresAfter>> {
    if asked.is_some() {
        return Ok(asked);
    }
    let sql = "SELECT lives_seconds FROM default_expiries WHERE workspace_id = ?1 AND purpose = ?2";
    let values = params![workspace.to_string(), purpose.name()];
    let own = connection.prepare_cached(sql)?.query_row(values, |row| default_expiry(row, 0)).optional()?;
    Ok(own.unwrap_or_else(|| DefaultExpiry::of(purpose)).expires_after())
}

pub(super) fn list(connection: &Connection, workspace: WorkspaceId) -> Result<Vec<(Purpose, DefaultExpiry)>> {
    let sql = "SELECT purpose, lives_seconds FROM default_expiries WHERE workspace_id = ?1 ORDER BY purpose";
    let row = |row: &Row<'_>| Ok((named(row, 0, Purpose::named)?, default_expiry(row, 1)?));
    connection.prepare_cached(sql)?.query_map([workspace.to_string()], row)?.collect()
}

pub(super) fn set(
    connection: &Connection,
    workspace: WorkspaceId,
    wanted: &[(Purpose, Option<DefaultExpiry>)],
    origin: Origin,
    now_ms: u64,
) -> Result<()> {
    let delete = "DELETE FROM default_expiries WHERE workspace_id = ?1 AND purpose = ?2";
    let insert = "INSERT INTO default_expiries (workspace_id, purpose, lives_seconds) VALUES (?1, ?2, ?3)";
    for (purpose, expiry) in wanted {
        connection.prepare_cached(delete)?.execute(params![workspace.to_string(), purpose.name()])?;
        if let Some(expiry) = expiry {
            let lives_seconds = expiry.expires_after().map(ExpiresAfter::as_seconds);
            connection.prepare_cached(insert)?.execute(params![
                workspace.to_string(),
                purpose.name(),
                lives_seconds
            ])?;
        }
    }
    let expiry =
        |expiry: &Option<DefaultExpiry>| expiry.map(|expiry| expiry.expires_after().map(ExpiresAfter::as_seconds));
    let details = wanted.iter().map(|(purpose, wanted)| (purpose.name().to_owned(), json!(expiry(wanted)))).collect();
    let details = json!({"default_expiries": Value::Object(details)});
    workspaces::note(connection, origin, Action::WorkspaceUpdated, workspace, Some(details), now_ms)
}

fn default_expiry(row: &Row<'_>, column: usize) -> Result<DefaultExpiry> {
    let lives_seconds: Option<u64> = row.get(column)?;
    Ok(lives_seconds.map_or(DefaultExpiry::Never, |seconds| DefaultExpiry::After(ExpiresAfter::stored(seconds))))
}
