//! `POST /v1/organization/usage/adjustments`: corrections of the bill. An extension.

use super::wire::AdjustmentObject;
use crate::http::caller::Administrator;
use crate::http::error::{ApiError, echo};
use crate::http::idempotency;
use crate::http::json::{JsonObject, MAX_ADMIN_BYTES};
use crate::http::wire::json;
use crate::keys::Keys;
use crate::model::adjustment::{Adjusted, MAX_REASON_CHARS, NewAdjustment, Reason};
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::ledger::LedgerRow;
use crate::model::prices::LineItem;
use crate::usage::Usage;
use crate::workspaces::Workspaces;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// Enters a correction into the ledger. Repetitions with the same `Idempotency-Key` count once.
pub async fn create_adjustment(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    State(usage): State<Arc<Usage>>,
    Administrator(origin): Administrator,
    request: Request,
) -> Result<Response, ApiError> {
    let name = idempotency::key(request.headers())?.map(|key| key.as_str().to_owned());
    // Without an `Idempotency-Key`, the unique id of the request names the adjustment.
    let name = name.or_else(|| origin.request.map(|id| id.to_string())).ok_or_else(ApiError::internal)?;
    let new = read(JsonObject::read(request, MAX_ADMIN_BYTES).await?, name)?;
    check_owner(&workspaces, &keys, &new).await?;
    match usage.adjust(new, origin).await? {
        Adjusted::Entered(row) => show(row),
        Adjusted::Known(row) => show(row).map(idempotency::replayed),
        Adjusted::NameTaken => Err(ApiError::idempotency_key_reused()),
        Adjusted::NoSuchEvent => {
            let message = "The project's ledger has no such event. Name the `event_id` of a line; of an `op:` line, that of \
                           the `st+:` line of its file.";
            Err(ApiError::invalid(message).param("reverses"))
        }
    }
}

fn read(mut body: JsonObject, name: String) -> Result<NewAdjustment, ApiError> {
    let (project, key) = (body.text("project_id")?, body.optional_text("api_key_id")?);
    let workspace: WorkspaceId = project.parse().map_err(|_| ApiError::project_not_found(&echo(&project)))?;
    let key: Option<KeyId> =
        key.map(|key| key.parse().map_err(|_| ApiError::key_not_found(&echo(&key)))).transpose()?;
    let item = body.text("line_item")?;
    let known = LineItem::ALL.map(LineItem::name);
    let item = LineItem::named(&item).ok_or_else(|| ApiError::unsupported("line_item", &item, &known))?;
    let quantity = body.signed_integer("quantity")?;
    if quantity == 0 {
        return Err(ApiError::invalid("Invalid 'quantity': expected an integer other than 0.").param("quantity"));
    }
    let reason = Reason::parse(&body.text("reason")?).ok_or_else(|| {
        let message =
            format!("Invalid 'reason': expected 1 to {MAX_REASON_CHARS} characters without control characters.");
        ApiError::invalid(message).param("reason")
    })?;
    let reverses = body.optional_text("reverses")?;
    body.refuse_rest()?;
    Ok(NewAdjustment { name, workspace, key, item, quantity, reason, reverses })
}

/// Checks that the workspace and its key exist. The workspace may be archived and the key revoked: bills can be wrong
/// later.
async fn check_owner(workspaces: &Workspaces, keys: &Keys, new: &NewAdjustment) -> Result<(), ApiError> {
    let workspace = workspaces.get(new.workspace).await?;
    workspace.ok_or_else(|| ApiError::project_not_found(&new.workspace.to_string()))?;
    if let Some(id) = new.key {
        let key = keys.find(id).await?.filter(|key| key.opens.workspace() == Some(new.workspace));
        key.ok_or_else(|| ApiError::key_not_found(&id.to_string()))?;
    }
    Ok(())
}

fn show(row: LedgerRow) -> Result<Response, ApiError> {
    let (item, quantity) = row.adjusted().ok_or_else(ApiError::internal)?;
    Ok(json(StatusCode::OK, &AdjustmentObject::new(row, item, quantity)))
}
