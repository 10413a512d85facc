//! Rows of default expiries: the expiry of Files of a purpose, where a workspace departs from the default of the
//! purpose.

use super::audit;
use super::queries::Queries;
use super::rows::named;
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::default_expiries::{DefaultExpiryStore, OwnExpiries};
use crate::metadata::error::MetadataError;
use crate::metadata::rules;
use crate::metadata::rules::expiry::{expires_after, stored_default};
use crate::model::audit::Origin;
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params};

#[async_trait]
impl DefaultExpiryStore for SqliteStore {
    async fn default_expiries(&self, workspace: WorkspaceId) -> Result<OwnExpiries, MetadataError> {
        self.readers.point(|connection| own(connection, workspace))
    }

    async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
        once: Option<Idempotency<OwnExpiries>>,
    ) -> Result<IdempotentOutcome<OwnExpiries>, MetadataError> {
        let set = move |transaction: &Transaction<'_>| {
            let owner = workspace.to_string();
            for (purpose, expiry) in &wanted {
                let sql = "DELETE FROM default_expiries WHERE workspace_id = ?1 AND purpose = ?2";
                transaction.change(sql, params![owner, purpose.name()])?;
                if let Some(expiry) = expiry {
                    let sql = "INSERT INTO default_expiries (workspace_id, purpose, lives_seconds) VALUES (?1, ?2, ?3)";
                    let lives_seconds = expiry.expires_after().map(ExpiresAfter::as_seconds);
                    transaction.change(sql, params![owner, purpose.name(), lives_seconds])?;
                }
            }
            audit::add(transaction, origin, rules::audit::default_expiries(workspace, &wanted))?;
            own(transaction, workspace)
        };
        self.administer(once, set, |own| Some(own)).await
    }
}

fn own(connection: &Connection, workspace: WorkspaceId) -> Result<OwnExpiries> {
    let sql = "SELECT purpose, lives_seconds FROM default_expiries WHERE workspace_id = ?1 ORDER BY purpose";
    let expiry = |row: &Row<'_>| Ok((named(row, 0, Purpose::named)?, stored_default(row.get(1)?)));
    connection.rows(sql, [workspace], expiry)
}

/// Returns after how long a File expires that is made now: as its client asked, or by the default of its workspace or
/// purpose.
pub(super) fn decide(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    purpose: Purpose,
    asked: Option<ExpiresAfter>,
) -> Result<Option<ExpiresAfter>> {
    if asked.is_some() {
        return Ok(asked);
    }
    let sql = "SELECT lives_seconds FROM default_expiries WHERE workspace_id = ?1 AND purpose = ?2";
    let values = params![workspace, purpose.name()];
    let of_workspace = transaction.row(sql, values, |row| row.get(0).map(stored_default))?;
    Ok(expires_after(purpose, asked, of_workspace))
}
