//! `POST /upload/v1/files`: begins a session, or uploads the whole File at once.

use super::headers::{ACTIVE, GRANULARITY, PROTOCOL, SESSION_URL, STATUS};
use super::metadata::{Metadata, content_type};
use super::one_shot::{self, Protocol};
use super::uploading::Services;
use super::wire::Presentation;
use crate::files::Files;
use crate::http::caller::UploadPolicy;
use crate::http::error::{ApiError, echo};
use crate::http::headers::put;
use crate::http::json::{JsonObject, MAX_CREATION_BYTES};
use crate::http::spend;
use crate::http::state::ServerUrl;
use crate::http::wire::json;
use crate::links::Links;
use crate::model::caller::Caller;
use crate::model::upload_session::UploadSession;
use crate::uploads::Uploads;
use crate::usage::Spending;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

/// The granularity that clients are told. Any chunk is taken.
const GRANULARITY_BYTES: &str = "262144";

/// `POST /upload/v1/files`.
pub async fn start_upload(
    State(uploads): State<Arc<Uploads>>,
    State(files): State<Arc<Files>>,
    State(links): State<Arc<Links>>,
    State(spending): State<Arc<Spending>>,
    State(server): State<Arc<ServerUrl>>,
    (caller, policy): (Caller, UploadPolicy),
    request: Request,
) -> Result<Response, ApiError> {
    spend::check_key(&spending, caller, &policy, None).await?;
    let services = Services { uploads: &uploads, files: &files, caller, policy: &policy };
    if let Some(protocol) = one_shot(request.headers())? {
        let presentation = Presentation::of(&server, request.uri(), request.headers());
        let file = Box::pin(one_shot::upload(services, protocol, request)).await?;
        return Ok(json(StatusCode::OK, &presentation.uploaded(&file)));
    }
    let (head, body) = request.into_parts();
    let body = Request::from_parts(head.clone(), body);
    let metadata = Metadata::of_body(JsonObject::read_or_empty(body, MAX_CREATION_BYTES).await?)?;
    let upload = services.begin(metadata.plan(&head.headers, None)?).await?;
    let signed = links.sign_session(UploadSession { upload, key: caller.key })?;
    let mut response = json(StatusCode::OK, &serde_json::Map::new());
    let headers = response.headers_mut();
    put(headers, SESSION_URL, &Presentation::of(&server, &head.uri, &head.headers).session_url(&signed));
    put(headers, STATUS, ACTIVE);
    put(headers, GRANULARITY, GRANULARITY_BYTES);
    Ok(response)
}

/// Returns the protocol of a request that brings the bytes; none for one that begins a session.
fn one_shot(headers: &HeaderMap) -> Result<Option<Protocol>, ApiError> {
    let named = headers.get(PROTOCOL).map(|value| value.to_str().unwrap_or_default());
    match named.map(str::to_ascii_lowercase).as_deref() {
        Some("raw") => Ok(Some(Protocol::Raw)),
        Some("multipart") => Ok(Some(Protocol::Multipart)),
        None if content_type(headers).is_some_and(|text| text.starts_with("multipart/")) => {
            Ok(Some(Protocol::Multipart))
        }
        None | Some("resumable") => Ok(None),
        Some(other) => Err(ApiError::unsupported(PROTOCOL.as_str(), &echo(other), &["resumable", "multipart", "raw"])),
    }
}
