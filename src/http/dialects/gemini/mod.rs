//! Google's Gemini Files API, below `/gemini`, on the paths that its clients alone use, and on `/v1/files` for requests
//! with their headers. Its keys are those of the server, and its Files those of all dialects.
//!
//! Uploads are resumable: [`start`] makes a [`session`], to whose URL the bytes are sent.

mod errors;
mod headers;
mod list;
mod metadata;
mod names;
mod one_shot;
mod session;
mod start;
mod uploading;
mod wire;

pub(super) use errors::error;
pub(super) use session::routes as session_routes;

use crate::files::Files;
use crate::http::caller::{Access, Credentials};
use crate::http::content::{DownloadLimits, Reader, send_negotiated};
use crate::http::error::ApiError;
use crate::http::list_body::ListTurns;
use crate::http::route::{Route, delete, get, upload};
use crate::http::state::ServerUrl;
use crate::http::wire::json;
use crate::model::caller::Caller;
use crate::model::ledger::ReadOp;
use crate::model::scope::Scope;
use crate::usage::ReadCounter;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use list::ListQuery;
use names::Asked;
use start::start_upload;
use std::sync::Arc;
use wire::Presentation;

/// Returns the operations.
pub(super) fn routes() -> Vec<Route> {
    use Access::Scope as Needs;
    use Scope::{FilesRead, FilesWrite};
    vec![
        upload("/upload/v1/files", Needs(FilesWrite), start_upload),
        upload("/upload/v1beta/files", Needs(FilesWrite), start_upload),
        get("/v1/files", Needs(FilesRead), list_files),
        get("/v1beta/files", Needs(FilesRead), list_files),
        get("/v1/files/{id}", Needs(FilesRead), read_file),
        get("/v1beta/files/{id}", Needs(FilesRead), read_file),
        delete("/v1/files/{id}", Needs(FilesWrite), delete_file),
        delete("/v1beta/files/{id}", Needs(FilesWrite), delete_file),
    ]
}

/// `GET /v1/files`.
async fn list_files(
    State(files): State<Arc<Files>>,
    State(reads): State<Arc<ReadCounter>>,
    State(turns): State<Arc<ListTurns>>,
    State(server): State<Arc<ServerUrl>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, ApiError> {
    let query = ListQuery::parse(query.as_deref().unwrap_or_default())?;
    let page = query.run(&files, &turns, caller.workspace).await?;
    reads.count(caller, ReadOp::List, None);
    let presentation = Presentation::of(&server, request.uri(), request.headers());
    Ok(json(StatusCode::OK, &presentation.page(&page)))
}

/// `GET /v1/files/{id}`, and `GET` and `HEAD /v1/files/{id}:download`.
async fn read_file(
    State(files): State<Arc<Files>>,
    State(reads): State<Arc<ReadCounter>>,
    State(limits): State<Arc<DownloadLimits>>,
    State(server): State<Arc<ServerUrl>>,
    (caller, credentials): (Caller, Credentials),
    asked: Asked,
    request: Request,
) -> Result<Response, ApiError> {
    let file = asked.find(&files, caller.workspace).await?.ok_or_else(|| asked.not_found())?;
    if !asked.is_download {
        reads.count(caller, ReadOp::Retrieve, Some(file.purpose));
        let presentation = Presentation::of(&server, request.uri(), request.headers());
        return Ok(json(StatusCode::OK, &presentation.file(&file)));
    }
    let content = files.open(caller.workspace, file.id).await?.ok_or_else(|| asked.not_found())?;
    let (parts, _) = request.into_parts();
    let reader = Reader { files, reads, limits, caller };
    send_negotiated(reader, content, credentials, &parts, || asked.not_found()).await
}

/// `DELETE /v1/files/{id}`. A body, which some clients send, is not read.
async fn delete_file(State(files): State<Arc<Files>>, caller: Caller, asked: Asked) -> Result<Response, ApiError> {
    let file = asked.find(&files, caller.workspace).await?.ok_or_else(|| asked.not_found())?;
    if asked.is_download || !files.delete(caller, file.id).await? {
        return Err(asked.not_found());
    }
    Ok(json(StatusCode::OK, &serde_json::Map::new()))
}
