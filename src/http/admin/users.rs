//! The handlers of people in OpenAI's shape of users. An `owner` is an administrator of this server.

use super::path::NamedPerson;
use super::post::AdminPost;
use super::query::{self, PageQuery};
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::idempotency::answer;
use crate::http::wire::{List, json, written};
use crate::model::page::Page;
use crate::model::person::{Membership, Person, PersonQuery, Role};
use crate::people::People;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// The role of an administrator.
const OWNER: &str = "owner";
/// The role of everybody else.
const READER: &str = "reader";

/// OpenAI's user object.
#[derive(Debug, Serialize)]
struct UserObject {
    object: &'static str,
    id: String,
    name: Option<String>,
    email: Option<String>,
    role: &'static str,
    added_at: u64,
    /// The time of the last sign-in: an extension.
    last_signed_in_at: u64,
}

/// The answer to the deletion of a user.
#[derive(Debug, Serialize)]
struct UserDeleted {
    object: &'static str,
    id: String,
    deleted: bool,
}

impl UserObject {
    fn of(person: &Person, is_administrator: bool) -> Self {
        Self {
            object: "organization.user",
            id: person.id.to_string(),
            name: person.identity.name.clone(),
            email: person.identity.email.clone(),
            role: if is_administrator { OWNER } else { READER },
            added_at: person.id.created_at(),
            last_signed_in_at: person.last_signed_in_at,
        }
    }
}

impl From<&(Person, bool)> for UserObject {
    fn from((person, is_administrator): &(Person, bool)) -> Self {
        Self::of(person, *is_administrator)
    }
}

fn user((person, membership): &(Person, Option<Membership>)) -> Vec<u8> {
    written(&UserObject::of(person, membership.is_some()))
}

/// `GET /v1/organization/users`.
pub async fn list_users(State(people): State<Arc<People>>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = query.as_deref().unwrap_or_default();
    let PageQuery { after, limit, .. } = query::page(query)?;
    let page = people.list(PersonQuery { emails: query::emails(query)?, after, limit }).await?;
    let mut rows = Vec::with_capacity(page.rows.len());
    for person in page.rows {
        let is_administrator = people.credential(person.id, None).await?.is_some();
        rows.push((person, is_administrator));
    }
    let page = Page { rows, has_more: page.has_more };
    Ok(json(StatusCode::OK, &List::<UserObject>::of(&page, |(person, _): &(Person, bool)| person.id.to_string())))
}

/// `GET /v1/organization/users/{user_id}`.
pub async fn retrieve_user(State(people): State<Arc<People>>, named: NamedPerson) -> Result<Response, ApiError> {
    let person = named.find(&people).await?;
    let is_administrator = people.credential(person.id, None).await?.is_some();
    Ok(json(StatusCode::OK, &UserObject::of(&person, is_administrator)))
}

/// `POST /v1/organization/users/{user_id}`: makes a person an administrator, or ends that.
pub async fn update_user(
    State(people): State<Arc<People>>,
    Administrator(origin): Administrator,
    named: NamedPerson,
    request: Request,
) -> Result<Response, ApiError> {
    let mut post = AdminPost::read(request).await?;
    let role = match post.body.text("role")?.as_str() {
        OWNER => Some(Role::Administrator),
        READER => None,
        other => return Err(ApiError::unsupported("role", other, &[OWNER, READER])),
    };
    post.body.refuse_rest()?;
    let person = named.find(&people).await?.id;
    let outcome = people.set_member(person, None, role, origin, post.idempotency(user)).await?;
    answer(outcome.and_then(|set| set.ok_or_else(|| named.not_found()))?, user)
}

/// `DELETE /v1/organization/users/{user_id}`: also revokes all memberships, and ends all sessions.
pub async fn delete_user(
    State(people): State<Arc<People>>,
    Administrator(origin): Administrator,
    named: NamedPerson,
) -> Result<Response, ApiError> {
    let person = named.find(&people).await?.id;
    if !people.delete(person, origin).await? {
        return Err(named.not_found());
    }
    let deleted = UserDeleted { object: "organization.user.deleted", id: person.to_string(), deleted: true };
    Ok(json(StatusCode::OK, &deleted))
}
