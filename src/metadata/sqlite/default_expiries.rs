//! Rows of default expiries: what a workspace wants for a purpose, where that is not what holds for everybody.

use super::audit;
use super::rows::named;
use super::store::SqliteStore;
use crate::metadata::default_expiries::DefaultExpiryStore;
use crate::metadata::error::MetadataError;
use crate::metadata::rules;
use crate::metadata::rules::expiry::{expires_after, stored_default};
use crate::model::audit::Origin;
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

#[async_trait]
impl DefaultExpiryStore for SqliteStore {
    async fn default_expiries(&self, workspace: WorkspaceId) -> Result<Vec<(Purpose, DefaultExpiry)>, MetadataError> {
        self.readers.point(|connection| list(connection, workspace))
    }

    async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
    ) -> Result<(), MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer.write(move |change| set(change.connection, workspace, &wanted, origin, now_ms)).await
    }
}

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
    let own = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0).map(stored_default)).optional()?;
    Ok(expires_after(purpose, asked, own))
}

fn list(connection: &Connection, workspace: WorkspaceId) -> Result<Vec<(Purpose, DefaultExpiry)>> {
    let sql = "SELECT purpose, lives_seconds FROM default_expiries WHERE workspace_id = ?1 ORDER BY purpose";
    let row = |row: &Row<'_>| Ok((named(row, 0, Purpose::named)?, stored_default(row.get(1)?)));
    connection.prepare_cached(sql)?.query_map([workspace.to_string()], row)?.collect()
}

fn set(
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
    audit::note(connection, origin, rules::audit::default_expiries(workspace, wanted), now_ms)
}
