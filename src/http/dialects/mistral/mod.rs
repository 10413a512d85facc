//! Mistral's Files API, below `/mistral`. Its keys are those of the server, and its Files those of all dialects.

mod errors;
mod form;
mod list;
mod purposes;
mod wire;

pub(super) use errors::error;

use crate::files::Files;
use crate::http::caller::{Access, UploadPolicy};
use crate::http::content;
use crate::http::error::ApiError;
use crate::http::files::{create_of_form, delete_file};
use crate::http::idempotency::IdempotencyGuard;
use crate::http::links;
use crate::http::list_body::ListTurns;
use crate::http::path::Named;
use crate::http::route::{Route, delete, get, upload};
use crate::http::wire::{json, written};
use crate::model::caller::Caller;
use crate::model::dialect::Dialect;
use crate::model::file::File;
use crate::model::ids::FileId;
use crate::model::ledger::ReadOp;
use crate::model::scope::Scope;
use crate::usage::{ReadCounter, Spending};
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use form::MistralForm;
use http::StatusCode;
use list::ListQuery;
use std::sync::Arc;
use wire::{FileList, FileObject};

/// Returns the operations. Deletes, content and URLs are those of OpenAI's dialect.
pub(super) fn routes() -> Vec<Route> {
    use Access::Scope as Needs;
    use Scope::{FilesRead, FilesWrite};
    vec![
        get("/v1/files", Needs(FilesRead), list_files),
        upload("/v1/files", Needs(FilesWrite), create_file),
        get("/v1/files/{id}", Needs(FilesRead), retrieve_file),
        delete("/v1/files/{id}", Needs(FilesWrite), delete_file),
        get("/v1/files/{id}/content", Needs(FilesRead), content::download_file),
        get("/v1/files/{id}/url", Needs(FilesRead), links::retrieve_file_url),
    ]
}

/// `POST /v1/files`.
async fn create_file(
    State(files): State<Arc<Files>>,
    State(spending): State<Arc<Spending>>,
    caller: Caller,
    policy: UploadPolicy,
    guard: IdempotencyGuard,
    request: Request,
) -> Result<Response, ApiError> {
    let fields = MistralForm::new(policy.purposes);
    let guard = guard.with("dialect", Dialect::Mistral.name());
    let write = |file: &File| written(&FileObject::from(file));
    create_of_form(&files, &spending, (caller, policy), guard, request, fields, write).await
}

/// `GET /v1/files`.
async fn list_files(
    State(files): State<Arc<Files>>,
    State(reads): State<Arc<ReadCounter>>,
    State(turns): State<Arc<ListTurns>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = ListQuery::parse(query.as_deref().unwrap_or_default())?;
    let found = query.run(&files, &turns, caller.workspace).await?;
    reads.count(caller, ReadOp::List, None);
    Ok(json(StatusCode::OK, &FileList::new(&found.files, found.total)))
}

/// `GET /v1/files/{id}`.
async fn retrieve_file(
    State(files): State<Arc<Files>>,
    State(reads): State<Arc<ReadCounter>>,
    caller: Caller,
    named: Named<FileId>,
) -> Result<Response, ApiError> {
    let file = files.retrieve(caller.workspace, named.id()?).await?.ok_or_else(|| named.not_found())?;
    reads.count(caller, ReadOp::Retrieve, Some(file.purpose));
    Ok(json(StatusCode::OK, &FileObject::retrieved(&file)))
}
