//! The handlers of the members of a project, in OpenAI's shape of project users.

use super::api_keys::refuse_archived;
use super::path::{NamedMember, NamedPerson, NamedProject};
use super::post::AdminPost;
use super::query;
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::idempotency::answer;
use crate::http::json::JsonObject;
use crate::http::wire::{List, json, written};
use crate::model::person::{MAX_MEMBERSHIPS, Membership, Person, Role};
use crate::people::People;
use crate::workspaces::Workspaces;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// OpenAI's role of those who are no owners, which is a writer here.
const MEMBER: &str = "member";

/// OpenAI's project user object.
#[derive(Debug, Serialize)]
struct ProjectUserObject {
    object: &'static str,
    id: String,
    name: Option<String>,
    email: Option<String>,
    role: &'static str,
    added_at: u64,
    /// The origin of the role: an extension.
    granted_by: &'static str,
}

/// The answer to the removal of a member.
#[derive(Debug, Serialize)]
struct ProjectUserDeleted {
    object: &'static str,
    id: String,
    deleted: bool,
}

impl ProjectUserObject {
    fn of(person: &Person, membership: &Membership) -> Self {
        Self {
            object: "organization.project.user",
            id: person.id.to_string(),
            name: person.identity.name.clone(),
            email: person.identity.email.clone(),
            role: membership.role.name(),
            added_at: membership.key.created_at(),
            granted_by: membership.granted_by.name(),
        }
    }
}

impl From<&(Person, Membership)> for ProjectUserObject {
    fn from((person, membership): &(Person, Membership)) -> Self {
        Self::of(person, membership)
    }
}

fn member((person, membership): &(Person, Option<Membership>)) -> Vec<u8> {
    membership.map(|membership| written(&ProjectUserObject::of(person, &membership))).unwrap_or_default()
}

/// `GET /v1/organization/projects/{project_id}/users`.
pub async fn list_project_users(
    State(workspaces): State<Arc<Workspaces>>,
    State(people): State<Arc<People>>,
    project: NamedProject,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let parsed = query::page(query.as_deref().unwrap_or_default())?;
    let page = people.members(workspace, parsed.after, parsed.limit).await?;
    let id = |(person, _): &(Person, Membership)| person.id.to_string();
    Ok(json(StatusCode::OK, &List::<ProjectUserObject>::of(&page, id)))
}

/// `POST /v1/organization/projects/{project_id}/users`: makes a person a member.
pub async fn create_project_user(
    State(workspaces): State<Arc<Workspaces>>,
    State(people): State<Arc<People>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?;
    let mut post = AdminPost::read(request).await?;
    let (named, role) = (NamedPerson::of(post.body.text("user_id")?), role(&mut post.body)?);
    post.body.refuse_rest()?;
    refuse_archived(&workspace)?;
    let person = named.find(&people).await?.id;
    let once = post.idempotency(member);
    let outcome = people.set_member(person, Some(workspace.id), Some(role), origin, once).await?;
    answer(outcome.and_then(|set| set.ok_or_else(too_many))?, member)
}

/// `GET /v1/organization/projects/{project_id}/users/{user_id}`.
pub async fn retrieve_project_user(
    State(workspaces): State<Arc<Workspaces>>,
    State(people): State<Arc<People>>,
    project: NamedProject,
    named: NamedMember,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let (person, membership) = named.find(&people, workspace).await?;
    Ok(json(StatusCode::OK, &ProjectUserObject::of(&person, &membership)))
}

/// `POST /v1/organization/projects/{project_id}/users/{user_id}`: changes the role of a member.
pub async fn update_project_user(
    State(workspaces): State<Arc<Workspaces>>,
    State(people): State<Arc<People>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    named: NamedMember,
    request: Request,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let mut post = AdminPost::read(request).await?;
    let role = role(&mut post.body)?;
    post.body.refuse_rest()?;
    let (person, _) = named.find(&people, workspace).await?;
    let outcome = people.set_member(person.id, Some(workspace), Some(role), origin, post.idempotency(member)).await?;
    answer(outcome.and_then(|set| set.ok_or_else(too_many))?, member)
}

/// `DELETE /v1/organization/projects/{project_id}/users/{user_id}`: ends a membership.
pub async fn delete_project_user(
    State(workspaces): State<Arc<Workspaces>>,
    State(people): State<Arc<People>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    named: NamedMember,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let (person, _) = named.find(&people, workspace).await?;
    people.set_member(person.id, Some(workspace), None, origin, None).await?;
    let object = "organization.project.user.deleted";
    Ok(json(StatusCode::OK, &ProjectUserDeleted { object, id: person.id.to_string(), deleted: true }))
}

fn role(body: &mut JsonObject) -> Result<Role, ApiError> {
    let text = body.text("role")?;
    let named = if text == MEMBER { Some(Role::Writer) } else { Role::named(&text) };
    let known = Role::OF_MEMBERS.map(Role::name);
    named.filter(|role| Role::OF_MEMBERS.contains(role)).ok_or_else(|| ApiError::unsupported("role", &text, &known))
}

fn too_many() -> ApiError {
    let message = format!("The user is a member of {MAX_MEMBERSHIPS} projects, the most that there may be.");
    ApiError::invalid(message).param("user_id")
}
