//! The handlers of links under `/v1` that list and revoke them.

use super::wire::{self, LinkObject, LinkRevocation};
use crate::files::Files;
use crate::http::error::ApiError;
use crate::http::json::{JsonObject, MAX_ADMIN_BYTES};
use crate::http::list::{self, id_of};
use crate::http::path::Named;
use crate::http::query::parameters;
use crate::http::wire::json;
use crate::links::Links;
use crate::model::caller::Caller;
use crate::model::ids::{FileId, LinkId};
use crate::model::page::Order;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The bounds of `limit` in lists of links.
pub const PAGE_LINKS: RangeInclusive<u32> = 1..=100;
/// The number of links of a page without a `limit`.
pub const DEFAULT_PAGE_LINKS: u32 = 20;

/// `GET /v1/files/{id}/links`.
pub async fn list_file_links(
    State(links): State<Arc<Links>>,
    State(files): State<Arc<Files>>,
    caller: Caller,
    named: Named<FileId>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    files.retrieve(caller.workspace, named.id()?).await?.ok_or_else(|| named.not_found())?;
    list_page(&links, caller, Some(named.id()?), query.as_deref()).await
}

/// `GET /v1/links`.
pub async fn list_links(
    State(links): State<Arc<Links>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    list_page(&links, caller, None, query.as_deref()).await
}

/// `GET /v1/links/{id}`.
pub async fn retrieve_link(
    State(links): State<Arc<Links>>,
    caller: Caller,
    named: Named<LinkId>,
) -> Result<Response, ApiError> {
    let link = links.find(caller.workspace, named.id()?).await?.ok_or_else(|| named.not_found())?;
    Ok(json(StatusCode::OK, &LinkObject::new(&link, links.now_seconds())))
}

/// `POST /v1/links/{id}/revoke`: revokes the link.
pub async fn revoke_link(
    State(links): State<Arc<Links>>,
    caller: Caller,
    named: Named<LinkId>,
) -> Result<Response, ApiError> {
    let revoked = links.revoke(caller.workspace, named.id()?, caller.into()).await?;
    let revoked = revoked.ok_or_else(|| named.not_found())?;
    Ok(json(StatusCode::OK, &LinkObject::new(&revoked, links.now_seconds())))
}

/// `POST /v1/links/revoke`: revokes the links of a key, or all.
pub async fn revoke_links(
    State(links): State<Arc<Links>>,
    caller: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let mut body = JsonObject::read(request, MAX_ADMIN_BYTES).await?;
    let key = body.optional_text("api_key_id")?.map(|key| id_of("api_key_id", &key, "a key")).transpose()?;
    let all = body.optional_flag("all")?.unwrap_or_default();
    body.refuse_rest()?;
    if key.is_some() == all {
        return Err(ApiError::invalid("Expected either 'api_key_id', or 'all' with the value true.").param("all"));
    }
    let revoked = links.revoke_all(caller.workspace, key, caller.into()).await?;
    Ok(json(StatusCode::OK, &LinkRevocation::new(revoked)))
}

async fn list_page(
    links: &Links,
    caller: Caller,
    file: Option<FileId>,
    query: Option<&str>,
) -> Result<Response, ApiError> {
    let (mut limit, mut order, mut after) = (DEFAULT_PAGE_LINKS, Order::Descending, None);
    for (name, value) in parameters(query.unwrap_or_default()) {
        match &*name {
            "limit" => limit = list::limit(&value, &PAGE_LINKS)?,
            "order" => order = list::order(&value)?,
            "after" => after = Some(id_of("after", &value, "a link")?),
            _ => {}
        }
    }
    let page = links.list(caller.workspace, file, after, order, limit).await?;
    Ok(json(StatusCode::OK, &wire::page(&page, links.now_seconds())))
}
