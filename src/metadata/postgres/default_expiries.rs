//! Rows of default expiries, for purposes in which a workspace differs from the general default.

use super::answers::AdminGuard;
use super::audit;
use super::connections::Session;
use super::failure::Failure;
use super::rows::{named, optional_number, stored};
use super::store::{PostgresStore, read, transaction};
use super::writer::Transaction;
use crate::metadata::default_expiries::{DefaultExpiryStore, OwnExpiries};
use crate::metadata::error::MetadataError;
use crate::metadata::rules;
use crate::metadata::rules::expiry::stored_default;
use crate::model::audit::Origin;
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
use async_trait::async_trait;

#[async_trait]
impl DefaultExpiryStore for PostgresStore {
    async fn default_expiries(&self, workspace: WorkspaceId) -> Result<OwnExpiries, MetadataError> {
        read!(self, workspace, |session| own(session, workspace).await)
    }

    async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
        once: Option<Idempotency<OwnExpiries>>,
    ) -> Result<IdempotentOutcome<OwnExpiries>, MetadataError> {
        let (wanted, once) = (wanted.as_slice(), once.as_ref());
        transaction!(self, |tx| set(tx, workspace, wanted, origin, once).await)
    }
}

async fn own(session: &Session, workspace: WorkspaceId) -> Result<OwnExpiries, Failure> {
    let sql = "SELECT purpose, lives_seconds FROM default_expiries WHERE workspace_id = $1 ORDER BY purpose";
    let found = session.rows(sql, &[&workspace.to_string()]).await?;
    found.iter().map(|row| Ok((named(row, 0, Purpose::named)?, stored_default(optional_number(row, 1)?)))).collect()
}

async fn set(
    tx: Transaction<'_>,
    workspace: WorkspaceId,
    wanted: &[(Purpose, Option<DefaultExpiry>)],
    origin: Origin,
    once: Option<&Idempotency<OwnExpiries>>,
) -> Result<IdempotentOutcome<OwnExpiries>, Failure> {
    let guard = AdminGuard::prepare(&tx, once).await?;
    if let Some(rejection) = guard.begin(None).await? {
        return tx.rollback_with(rejection.into()).await;
    }
    let (id, delete, insert) = (
        workspace.to_string(),
        "DELETE FROM default_expiries WHERE workspace_id = $1 AND purpose = $2",
        "INSERT INTO default_expiries (workspace_id, purpose, lives_seconds) VALUES ($1, $2, $3)
         ON CONFLICT (workspace_id, purpose) DO UPDATE SET lives_seconds = excluded.lives_seconds",
    );
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
    let expiries = own(&tx, workspace).await?;
    guard.commit(&expiries).await?;
    Ok(IdempotentOutcome::Made(expiries))
}
