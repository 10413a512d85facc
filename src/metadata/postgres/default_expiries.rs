//! Rows of default expiries, for purposes in which a workspace differs from the general default.

use super::audit;
use super::rows::{named, optional_number, stored};
use super::store::{PostgresStore, read, transaction};
use crate::metadata::default_expiries::DefaultExpiryStore;
use crate::metadata::error::MetadataError;
use crate::metadata::rules;
use crate::metadata::rules::expiry::stored_default;
use crate::model::audit::Origin;
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
use async_trait::async_trait;

#[async_trait]
impl DefaultExpiryStore for PostgresStore {
    async fn default_expiries(&self, workspace: WorkspaceId) -> Result<Vec<(Purpose, DefaultExpiry)>, MetadataError> {
        read!(self, workspace, |session| {
            let sql = "SELECT purpose, lives_seconds FROM default_expiries WHERE workspace_id = $1 ORDER BY purpose";
            let found = session.rows(sql, &[&workspace.to_string()]).await?;
            found
                .iter()
                .map(|row| Ok((named(row, 0, Purpose::named)?, stored_default(optional_number(row, 1)?))))
                .collect()
        })
    }

    async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
    ) -> Result<(), MetadataError> {
        let wanted = wanted.as_slice();
        transaction!(self, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            let id = workspace.to_string();
            let delete = "DELETE FROM default_expiries WHERE workspace_id = $1 AND purpose = $2";
            let insert = "INSERT INTO default_expiries (workspace_id, purpose, lives_seconds) VALUES ($1, $2, $3)
                          ON CONFLICT (workspace_id, purpose) DO UPDATE SET lives_seconds = excluded.lives_seconds";
            for (purpose, expiry) in wanted {
                match expiry {
                    None => tx.execute(delete, &[&id, &purpose.name()]).await?,
                    Some(expiry) => {
                        let lives_seconds = expiry.expires_after().map(ExpiresAfter::as_seconds).map(stored);
                        tx.execute(insert, &[&id, &purpose.name(), &lives_seconds]).await?
                    }
                };
            }
            audit::note(&tx, origin, rules::audit::default_expiries(workspace, wanted)).await?;
            tx.commit(async { Ok(()) }).await
        })
    }
}
