//! The handlers that make links. Only their answers show the URLs.

use super::public::LINKS;
use super::wire::{LinkObject, LinkUrl};
use crate::files::{Files, check_name};
use crate::http::caller::UploadPolicy;
use crate::http::error::ApiError;
use crate::http::form;
use crate::http::json::{JsonObject, MAX_ADMIN_BYTES};
use crate::http::list::integer;
use crate::http::path::Named;
use crate::http::query::parameters;
use crate::http::state::ServerUrl;
use crate::http::wire::json;
use crate::links::{CreatedLink, Links};
use crate::model::caller::Caller;
use crate::model::expiry::EXPIRES_AFTER_SECONDS;
use crate::model::ids::FileId;
use crate::model::link::{DEFAULT_LINK_SECONDS, Disposition, Download, LINK_SECONDS, LinkGrant, NewLink, UploadGrant};
use crate::model::mime_type::{HARMLESS_TYPES, harmless};
use crate::model::upload::MAX_UPLOAD_BYTES;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The bounds of `expiry`, in hours.
pub const URL_HOURS: RangeInclusive<u64> = 1..=168;
/// The `expiry` of a URL without one, in hours.
pub const DEFAULT_URL_HOURS: u64 = 24;

/// `POST /v1/files/{id}/links`.
pub async fn create_link(
    State(links): State<Arc<Links>>,
    State(server): State<Arc<ServerUrl>>,
    caller: Caller,
    named: Named<FileId>,
    request: Request,
) -> Result<Response, ApiError> {
    let new = download(JsonObject::read_or_empty(request, MAX_ADMIN_BYTES).await?, named.id()?)?;
    let created = links.create(caller, new).await?.ok_or_else(|| named.not_found())?;
    Ok(answer(&links, &server, &created))
}

/// `GET /v1/files/{id}/url`, as Mistral has it.
pub async fn retrieve_file_url(
    State(links): State<Arc<Links>>,
    State(server): State<Arc<ServerUrl>>,
    caller: Caller,
    named: Named<FileId>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let expiry = parameters(query.as_deref().unwrap_or_default()).filter(|(name, _)| name == "expiry").last();
    let hours = expiry.map(|(_, value)| integer("expiry", &value, URL_HOURS)).transpose()?;
    let plain = Download { file: named.id()?, content_type: None, disposition: None, one_time: false };
    let valid_seconds = hours.unwrap_or(DEFAULT_URL_HOURS) * 3600;
    let new = NewLink { grant: LinkGrant::Download(plain), valid_seconds };
    let created = links.create(caller, new).await?.ok_or_else(|| named.not_found())?;
    Ok(json(StatusCode::OK, &LinkUrl { url: url(&server, &created) }))
}

/// `POST /v1/upload_links`.
pub async fn create_upload_link(
    State(links): State<Arc<Links>>,
    State(files): State<Arc<Files>>,
    State(server): State<Arc<ServerUrl>>,
    caller: Caller,
    policy: UploadPolicy,
    request: Request,
) -> Result<Response, ApiError> {
    let body = JsonObject::read(request, MAX_ADMIN_BYTES).await?;
    let new = upload(body, &policy, files.settings.load().max_file_bytes)?;
    let created = links.create(caller, new).await?.ok_or_else(ApiError::internal)?;
    Ok(answer(&links, &server, &created))
}

fn answer(links: &Links, server: &ServerUrl, created: &CreatedLink) -> Response {
    json(StatusCode::OK, &LinkObject::created(created, url(server, created), links.now_seconds()))
}

fn url(server: &ServerUrl, created: &CreatedLink) -> String {
    format!("{}{LINKS}{}", server.url, created.signed)
}

/// Reads the body of `POST /v1/files/{id}/links`.
fn download(mut body: JsonObject, file: FileId) -> Result<NewLink, ApiError> {
    let valid_seconds = lifetime(&mut body)?;
    let one_time = body.optional_flag("one_time")?.unwrap_or_default();
    let of_type =
        |name: String| harmless(&name).ok_or_else(|| ApiError::unsupported("content_type", &name, &HARMLESS_TYPES));
    let of_disposition = |name: String| {
        let names = Disposition::ALL.map(Disposition::name);
        Disposition::named(&name).ok_or_else(|| ApiError::unsupported("disposition", &name, &names))
    };
    let content_type = body.optional_text("content_type")?.map(of_type).transpose()?;
    let disposition = body.optional_text("disposition")?.map(of_disposition).transpose()?;
    body.refuse_rest()?;
    let grant = LinkGrant::Download(Download { file, content_type, disposition, one_time });
    Ok(NewLink { grant, valid_seconds })
}

/// Reads the body of `POST /v1/upload_links`.
fn upload(mut body: JsonObject, policy: &UploadPolicy, max_file_bytes: u64) -> Result<NewLink, ApiError> {
    let filename = form::filename(&body.text("filename")?, "filename")?;
    let purpose = form::purpose(&body.text("purpose")?, policy.purposes)?;
    let asked_bytes = body.optional_integer("max_bytes", 1..=MAX_UPLOAD_BYTES)?;
    let max_bytes = asked_bytes.map_or(max_file_bytes, |asked| asked.min(max_file_bytes));
    let expires_after =
        body.object("expires_after")?.map(|after| form::expires_after(after, EXPIRES_AFTER_SECONDS)).transpose()?;
    let valid_seconds = lifetime(&mut body)?;
    body.refuse_rest()?;
    check_name(purpose, &filename)?;
    let grant = LinkGrant::Upload(UploadGrant { filename, purpose, max_bytes, expires_after });
    Ok(NewLink { grant, valid_seconds })
}

fn lifetime(body: &mut JsonObject) -> Result<u64, ApiError> {
    Ok(body.optional_integer("expires_in", LINK_SECONDS)?.unwrap_or(DEFAULT_LINK_SECONDS))
}
