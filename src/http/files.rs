//! Create, list, retrieve and delete: each handler says what happens, in order.

use super::caller::Allowance;
use super::error::ApiError;
use super::form::FormReader;
use super::idempotency::{Attempt, answer};
use super::path::Named;
use super::wire::{FileDeleted, FileObject, List, json};
use super::{SharedHall, form, list, list_body, spend, wire};
use crate::model::caller::Caller;
use crate::model::ids::FileId;
use crate::model::ledger::ReadOp;
use crate::model::page::Page;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// `POST /v1/files`.
pub async fn create_file(
    State(hall): State<SharedHall>,
    caller: Caller,
    allowance: Allowance,
    attempt: Attempt,
    request: Request,
) -> Result<Response, ApiError> {
    spend::check(&hall, caller, &allowance, &attempt).await?;
    let least_bytes = least_bytes(&request, hall.files.max_file_bytes)?;
    if allowance.limits.has_quota() && attempt.key().is_none() {
        hall.files.check_room(caller, &allowance.limits.workspace, least_bytes).await?;
    }
    let form = FormReader::new(request)?;
    let (receiving, details) = form::receive_file(&hall.files, caller, allowance, form).await?;
    let attempt = attempt.with_details(&details);
    let effect = hall.files.create(receiving, details, attempt.once(wire::file)).await?;
    answer(effect, wire::file)
}

/// `GET /v1/files`.
pub async fn list_files(
    State(hall): State<SharedHall>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let listed = match list::parse(query.as_deref().unwrap_or_default())? {
        Some(query) => list_body::answer(Arc::clone(&hall), caller.workspace, query).await?,
        None => json(StatusCode::OK, &List::of_files(&Page::empty())),
    };
    hall.reads.count(caller, ReadOp::List, None);
    Ok(listed)
}

/// `GET /v1/files/{id}`.
pub async fn retrieve_file(
    State(hall): State<SharedHall>,
    caller: Caller,
    named: Named<FileId>,
) -> Result<Response, ApiError> {
    let file = hall.files.retrieve(caller.workspace, named.id()?).await?.ok_or_else(|| named.not_found())?;
    hall.reads.count(caller, ReadOp::Retrieve, Some(file.purpose));
    Ok(json(StatusCode::OK, &FileObject::from(&file)))
}

/// `DELETE /v1/files/{id}`. A body, which some SDKs announce, is not read.
pub async fn delete_file(
    State(hall): State<SharedHall>,
    caller: Caller,
    named: Named<FileId>,
) -> Result<Response, ApiError> {
    let id = named.id()?;
    if !hall.files.delete(caller, id).await? {
        return Err(named.not_found());
    }
    Ok(json(StatusCode::OK, &FileDeleted::new(id.to_string())))
}

/// The smallest size that the file can have, as far as the request declares it.
fn least_bytes(request: &Request, max_file_bytes: u64) -> Result<u64, ApiError> {
    let least_bytes = form::least_bytes(request);
    if least_bytes > max_file_bytes { Err(ApiError::file_too_large(max_file_bytes)) } else { Ok(least_bytes) }
}
