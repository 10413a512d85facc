//! The handlers of the default expiries of a project, which are extensions: the expiry of Files whose clients ask for
//! none, by purpose.

use super::path::{NamedProject, NamedPurpose};
use super::post::AdminPost;
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::form::expires_after;
use crate::http::idempotency::answer;
use crate::http::wire::{ExpiresAfterObject, json, written};
use crate::metadata::OwnExpiries;
use crate::model::expiry::{DEFAULT_EXPIRY_SECONDS, DefaultExpiry};
use crate::model::purpose::Purpose;
use crate::workspaces::{ExpiryInForce, Workspaces};
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// The default expiries of all purposes.
#[derive(Debug, Serialize)]
struct DefaultExpiryList {
    object: &'static str,
    data: Vec<DefaultExpiryObject>,
}

/// The default expiry of a purpose.
#[derive(Debug, Serialize)]
struct DefaultExpiryObject {
    object: &'static str,
    purpose: &'static str,
    expires_after: Option<ExpiresAfterObject>,
    set_by_project: bool,
}

impl From<ExpiryInForce> for DefaultExpiryObject {
    fn from(of: ExpiryInForce) -> Self {
        Self {
            object: "organization.project.default_expiry",
            purpose: of.purpose.name(),
            expires_after: of.expiry.expires_after().map(ExpiresAfterObject::from),
            set_by_project: of.set_by_workspace,
        }
    }
}

fn writer(purpose: Purpose) -> impl Fn(&OwnExpiries) -> Vec<u8> + Copy + Send + Sync + 'static {
    move |own| written(&DefaultExpiryObject::from(ExpiryInForce::of(purpose, own)))
}

/// `GET /v1/organization/projects/{project_id}/default_expiries`.
pub async fn list_default_expiries(
    State(workspaces): State<Arc<Workspaces>>,
    project: NamedProject,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let data = workspaces.default_expiries(workspace).await?.into_iter().map(DefaultExpiryObject::from).collect();
    Ok(json(StatusCode::OK, &DefaultExpiryList { object: "list", data }))
}

/// `POST /v1/organization/projects/{project_id}/default_expiries/{purpose}`: `null` stands for no expiry.
pub async fn update_default_expiry(
    State(workspaces): State<Arc<Workspaces>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    purpose: NamedPurpose,
    request: Request,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let purpose = purpose.find()?;
    let mut post = AdminPost::read(request).await?;
    let after = post.body.required_object_or_null("expires_after")?;
    post.body.refuse_rest()?;
    let after = after.map(|after| expires_after(after, DEFAULT_EXPIRY_SECONDS)).transpose()?;
    let wanted = vec![(purpose, Some(after.map_or(DefaultExpiry::Never, DefaultExpiry::After)))];
    let write = writer(purpose);
    let outcome = workspaces.set_default_expiries_once(workspace, wanted, origin, post.idempotency(write)).await?;
    answer(outcome, write)
}

/// `DELETE /v1/organization/projects/{project_id}/default_expiries/{purpose}`: the built-in default holds again.
pub async fn delete_default_expiry(
    State(workspaces): State<Arc<Workspaces>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    purpose: NamedPurpose,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let purpose = purpose.find()?;
    workspaces.set_default_expiries(workspace, vec![(purpose, None)], origin).await?;
    let built_in = ExpiryInForce::of(purpose, &Vec::new());
    Ok(json(StatusCode::OK, &DefaultExpiryObject::from(built_in)))
}
