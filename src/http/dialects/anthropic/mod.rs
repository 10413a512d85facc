//! Anthropic's Files API, below `/anthropic`, and on `/v1/files` for requests with `anthropic-version` or
//! `anthropic-beta`. Its keys are those of the server, and its Files those of all dialects.

mod caller;
mod errors;
mod form;
mod list;
mod wire;

pub(super) use errors::{error, name_request};

use crate::files::Files;
use crate::http::caller::{Access, Credentials, UploadPolicy};
use crate::http::catalogue::ErrorKind;
use crate::http::content::{self, DownloadLimits};
use crate::http::error::ApiError;
use crate::http::files::create_of_form;
use crate::http::idempotency::IdempotencyGuard;
use crate::http::list_body::ListTurns;
use crate::http::path::Named;
use crate::http::route::{Route, delete, get, upload};
use crate::http::wire::{json, written};
use crate::model::dialect::Dialect;
use crate::model::file::File;
use crate::model::ids::{FileId, WorkspaceId};
use crate::model::ledger::ReadOp;
use crate::model::purpose::Purpose;
use crate::model::scope::Scope;
use crate::usage::{ReadCounter, Spending};
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use caller::AnthropicCaller;
use form::AnthropicForm;
use http::StatusCode;
use list::ListQuery;
use std::sync::Arc;
use wire::{FileDeleted, Presentation};

/// Returns the operations.
pub(super) fn routes() -> Vec<Route> {
    use Access::Scope as Needs;
    use Scope::{FilesRead, FilesWrite};
    vec![
        get("/v1/files", Needs(FilesRead), list_files),
        upload("/v1/files", Needs(FilesWrite), create_file),
        get("/v1/files/{id}", Needs(FilesRead), retrieve_file),
        delete("/v1/files/{id}", Needs(FilesWrite), delete_file),
        get("/v1/files/{id}/content", Needs(FilesRead), download_file),
    ]
}

/// `POST /v1/files`.
async fn create_file(
    State(files): State<Arc<Files>>,
    State(spending): State<Arc<Spending>>,
    AnthropicCaller { caller, shape }: AnthropicCaller,
    policy: UploadPolicy,
    guard: IdempotencyGuard,
    request: Request,
) -> Result<Response, ApiError> {
    let guard = guard.with("dialect", Dialect::Anthropic.name());
    let presentation = Presentation { shape, serves_uploads: serves_uploads(&files) };
    let write = move |file: &File| written(&presentation.file(file));
    create_of_form(&files, &spending, (caller, policy), guard, request, AnthropicForm::default(), write).await
}

/// `GET /v1/files`.
async fn list_files(
    State(files): State<Arc<Files>>,
    State(reads): State<Arc<ReadCounter>>,
    State(turns): State<Arc<ListTurns>>,
    AnthropicCaller { caller, shape }: AnthropicCaller,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = ListQuery::parse(query.as_deref().unwrap_or_default(), shape)?;
    let page = query.run(&files, &turns, caller.workspace).await?;
    reads.count(caller, ReadOp::List, None);
    let presentation = Presentation { shape, serves_uploads: serves_uploads(&files) };
    Ok(json(StatusCode::OK, &presentation.page(&page)))
}

/// `GET /v1/files/{id}`.
async fn retrieve_file(
    State(files): State<Arc<Files>>,
    State(reads): State<Arc<ReadCounter>>,
    AnthropicCaller { caller, shape }: AnthropicCaller,
    named: Named<FileId>,
) -> Result<Response, ApiError> {
    let id = named.id()?;
    let Some(file) = files.retrieve(caller.workspace, id).await? else {
        return Err(missing(&files, caller.workspace, id, named.not_found()).await);
    };
    reads.count(caller, ReadOp::Retrieve, Some(file.purpose));
    let presentation = Presentation { shape, serves_uploads: serves_uploads(&files) };
    Ok(json(StatusCode::OK, &presentation.file(&file)))
}

/// `DELETE /v1/files/{id}`.
async fn delete_file(
    State(files): State<Arc<Files>>,
    AnthropicCaller { caller, .. }: AnthropicCaller,
    named: Named<FileId>,
) -> Result<Response, ApiError> {
    let id = named.id()?;
    if !files.delete(caller, id).await? {
        return Err(missing(&files, caller.workspace, id, named.not_found()).await);
    }
    Ok(json(StatusCode::OK, &FileDeleted::new(id)))
}

/// `GET` and `HEAD /v1/files/{id}/content`.
async fn download_file(
    State(files): State<Arc<Files>>,
    reads: State<Arc<ReadCounter>>,
    limits: State<Arc<DownloadLimits>>,
    AnthropicCaller { caller, .. }: AnthropicCaller,
    named: Named<FileId>,
    request: Request,
) -> Result<Response, ApiError> {
    let id = named.id()?;
    if !serves_uploads(&files) {
        let file = files.retrieve(caller.workspace, id).await?;
        if file.is_some_and(|file| Purpose::UPLOADABLE.contains(&file.purpose)) {
            return Err(ApiError::not_downloadable());
        }
    }
    let caller_and_key = (caller, Credentials::Key);
    let answered = content::download_file(State(Arc::clone(&files)), reads, limits, caller_and_key, named, request);
    match answered.await {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing(&files, caller.workspace, id, error).await),
        answered => answered,
    }
}

fn serves_uploads(files: &Files) -> bool {
    files.settings.load().anthropic_downloadable
}

/// Returns the error of a File that is not there: that it has expired, or `not_found`.
async fn missing(files: &Files, workspace: WorkspaceId, id: FileId, not_found: ApiError) -> ApiError {
    match files.has_expired(workspace, id).await {
        Ok(true) => ApiError::file_expired(&id.underscored()),
        Ok(false) => not_found,
        Err(error) => error.into(),
    }
}
