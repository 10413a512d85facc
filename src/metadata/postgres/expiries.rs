//! Rows of default expiries: what a workspace wants for a purpose, where that is not what holds for everybody.

use super::admission::Standing;
use super::connections::Session;
use super::failure::Failure;
use super::rows::{named, optional_number, stored};
use super::workspaces;
use super::writer::Change;
use crate::model::audit::{Action, Origin};
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
use serde_json::{Value, json};

/// When a File expires that is made now: as its client asks, or as its workspace or purpose has it.
pub(super) fn decide(standing: &Standing, purpose: Purpose, asked: Option<ExpiresAfter>) -> Option<ExpiresAfter> {
    asked.or_else(|| standing.own_expiry.unwrap_or_else(|| DefaultExpiry::of(purpose)).expires_after())
}

/// A default expiry as it is kept.
pub(super) fn of(lives_seconds: Option<u64>) -> DefaultExpiry {
    lives_seconds.map_or(DefaultExpiry::Never, |seconds| DefaultExpiry::After(ExpiresAfter::stored(seconds)))
}

pub(super) async fn list(session: &Session, workspace: WorkspaceId) -> Result<Vec<(Purpose, DefaultExpiry)>, Failure> {
    let sql = "SELECT purpose, lives_seconds FROM default_expiries WHERE workspace_id = $1 ORDER BY purpose";
    let found = session.rows(sql, &[&workspace.to_string()]).await?;
    found.iter().map(|row| Ok((named(row, 0, Purpose::named)?, of(optional_number(row, 1)?)))).collect()
}

pub(super) async fn set(
    change: Change<'_>,
    workspace: WorkspaceId,
    wanted: &[(Purpose, Option<DefaultExpiry>)],
    origin: Origin,
) -> Result<(), Failure> {
    change.begin(&[], async { Ok(()) }).await?;
    let id = workspace.to_string();
    let delete = "DELETE FROM default_expiries WHERE workspace_id = $1 AND purpose = $2";
    let insert = "INSERT INTO default_expiries (workspace_id, purpose, lives_seconds) VALUES ($1, $2, $3)
                  ON CONFLICT (workspace_id, purpose) DO UPDATE SET lives_seconds = excluded.lives_seconds";
    for (purpose, expiry) in wanted {
        match expiry {
            None => change.execute(delete, &[&id, &purpose.name()]).await?,
            Some(expiry) => {
                let lives_seconds = expiry.expires_after().map(ExpiresAfter::as_seconds).map(stored);
                change.execute(insert, &[&id, &purpose.name(), &lives_seconds]).await?
            }
        };
    }
    let expiry =
        |expiry: &Option<DefaultExpiry>| expiry.map(|expiry| expiry.expires_after().map(ExpiresAfter::as_seconds));
    let details = wanted.iter().map(|(purpose, wanted)| (purpose.name().to_owned(), json!(expiry(wanted)))).collect();
    let details = json!({"default_expiries": Value::Object(details)});
    workspaces::note(&change, origin, Action::WorkspaceUpdated, workspace, Some(details)).await?;
    change.commit(async { Ok(()) }).await
}
