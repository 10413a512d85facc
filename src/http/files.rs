//! The handlers of Files: create, list, retrieve and delete.

use super::caller::UploadPolicy;
use super::error::ApiError;
use super::form::{FileForm, FormReader, OpenAiForm};
use super::idempotency::{IdempotencyGuard, answer};
use super::list::FileList;
use super::list_body::{self, ListTurns};
use super::path::Named;
use super::wire::{FileDeleted, json, json_body};
use super::{form, list, spend, wire};
use crate::files::Files;
use crate::model::caller::Caller;
use crate::model::file::File;
use crate::model::ids::{FileId, WorkspaceId};
use crate::model::ledger::ReadOp;
use crate::model::page::{NamePosition, Page};
use crate::usage::{ReadCounter, Spending};
use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// `POST /v1/files`.
pub async fn create_file(
    State(files): State<Arc<Files>>,
    State(spending): State<Arc<Spending>>,
    caller: Caller,
    policy: UploadPolicy,
    guard: IdempotencyGuard,
    request: Request,
) -> Result<Response, ApiError> {
    let fields = OpenAiForm::new(policy.purposes);
    create_of_form(&files, &spending, (caller, policy), guard, request, fields, wire::file).await
}

/// Makes a File of a form with these fields, which `write` describes to the client.
///
/// # Errors
/// When a field, a limit or a quota does not allow it, or a store failed. Nothing is stored then.
pub async fn create_of_form(
    files: &Files,
    spending: &Spending,
    (caller, policy): (Caller, UploadPolicy),
    guard: IdempotencyGuard,
    request: Request,
    mut fields: impl FileForm,
    write: impl Fn(&File) -> Vec<u8> + Clone + Send + Sync + 'static,
) -> Result<Response, ApiError> {
    spend::check(spending, caller, &policy, &guard).await?;
    let least_bytes = least_bytes(&request, files.settings.load().max_file_bytes)?;
    if policy.limits.has_quota() && guard.key().is_none() {
        files.check_quota(caller, &policy.limits.workspace, least_bytes).await?;
    }
    let form = FormReader::new(request)?;
    let (receiving, details) = form::receive_file(files, caller, policy.limits, &mut fields, form).await?;
    let guard = guard.with_details(&details).with_mime_type(&details);
    let outcome = files.create(receiving, details, guard.idempotency(write.clone()), None).await?;
    answer(outcome, write)
}

/// `GET /v1/files`.
pub async fn list_files(
    State(files): State<Arc<Files>>,
    State(reads): State<Arc<ReadCounter>>,
    State(turns): State<Arc<ListTurns>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let listed = match list::parse(query.as_deref().unwrap_or_default())? {
        FileList::ById(query) => list_body::answer(files, turns, caller.workspace, query).await?,
        FileList::ByName(mut query, after) => {
            if let Some(id) = after {
                query.after = Some(position(&files, caller.workspace, id).await?);
            }
            list_body::answer(files, turns, caller.workspace, query).await?
        }
        FileList::Nothing => json_body(StatusCode::OK, Body::from(wire::file_list(&Page::empty()))),
    };
    reads.count(caller, ReadOp::List, None);
    Ok(listed)
}

/// Returns the position among names of the File after which a page begins.
async fn position(files: &Files, workspace: WorkspaceId, id: FileId) -> Result<NamePosition, ApiError> {
    let unknown = || ApiError::invalid(format!("No such File object: {id}")).param("after");
    let file = files.retrieve(workspace, id).await?.ok_or_else(unknown)?;
    Ok(NamePosition::of(&file.filename, id))
}

/// `GET /v1/files/{id}`.
pub async fn retrieve_file(
    State(files): State<Arc<Files>>,
    State(reads): State<Arc<ReadCounter>>,
    caller: Caller,
    named: Named<FileId>,
) -> Result<Response, ApiError> {
    let file = files.retrieve(caller.workspace, named.id()?).await?.ok_or_else(|| named.not_found())?;
    reads.count(caller, ReadOp::Retrieve, Some(file.purpose));
    Ok(json_body(StatusCode::OK, Body::from(wire::file(&file))))
}

/// `DELETE /v1/files/{id}`. A body, which some SDKs announce, is not read.
pub async fn delete_file(
    State(files): State<Arc<Files>>,
    caller: Caller,
    named: Named<FileId>,
) -> Result<Response, ApiError> {
    let id = named.id()?;
    if !files.delete(caller, id).await? {
        return Err(named.not_found());
    }
    Ok(json(StatusCode::OK, &FileDeleted::new(id.to_string())))
}

/// Returns the smallest size that the file can have, by the declared length of the request.
fn least_bytes(request: &Request, max_file_bytes: u64) -> Result<u64, ApiError> {
    let least_bytes = form::least_bytes(request);
    if least_bytes > max_file_bytes { Err(ApiError::file_too_large(max_file_bytes)) } else { Ok(least_bytes) }
}
