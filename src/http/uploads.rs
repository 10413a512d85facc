//! The handlers of Uploads (docs/contract.md, section 9).

use super::caller::UploadPolicy;
use super::error::ApiError;
use super::form::{self, FormReader};
use super::idempotency::{IdempotencyGuard, answer};
use super::json::{JsonObject, MAX_COMPLETION_BYTES, MAX_CREATION_BYTES};
use super::path::Named;
use super::wire::{List, UploadObject, json};
use super::{list, spend, wire};
use crate::files::FileDetails;
use crate::model::caller::Caller;
use crate::model::expiry::EXPIRES_AFTER_SECONDS;
use crate::model::ids::{PartId, UploadId};
use crate::model::mime_type::{MAX_MIME_TYPE_CHARACTERS, MimeType};
use crate::model::purpose::Purpose;
use crate::model::upload::{MAX_PARTS, MAX_UPLOAD_BYTES};
use crate::uploads::{Md5Digest, PlannedUpload, Uploads};
use crate::usage::Spending;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use std::sync::Arc;

/// `POST /v1/uploads`.
pub async fn create_upload(
    State(uploads): State<Arc<Uploads>>,
    State(spending): State<Arc<Spending>>,
    caller: Caller,
    policy: UploadPolicy,
    guard: IdempotencyGuard,
    request: Request,
) -> Result<Response, ApiError> {
    spend::check(&spending, caller, &policy, &guard).await?;
    let body = JsonObject::read(request, MAX_CREATION_BYTES).await?;
    let (details, size_bytes, mime_type) = creation(body, policy.purposes)?;
    let guard = guard.with_details(&details).with("bytes", size_bytes.to_string()).with("mime_type", mime_type);
    let planned = PlannedUpload { details, size_bytes: Some(size_bytes), chosen_name: None, max_ttl_seconds: u64::MAX };
    let outcome = uploads.create(caller, &policy.limits, planned, guard.idempotency(wire::upload)).await?;
    answer(outcome, wire::upload)
}

/// `GET /v1/uploads/{id}`: an extension, so that a client can resume.
pub async fn retrieve_upload(
    State(uploads): State<Arc<Uploads>>,
    caller: Caller,
    named: Named<UploadId>,
) -> Result<Response, ApiError> {
    let upload = uploads.retrieve(caller.workspace, named.id()?).await.map_err(|error| named.explain(error))?;
    Ok(json(StatusCode::OK, &UploadObject::from(&upload)))
}

/// `POST /v1/uploads/{id}/parts`.
pub async fn add_upload_part(
    State(uploads): State<Arc<Uploads>>,
    State(spending): State<Arc<Spending>>,
    caller: Caller,
    policy: UploadPolicy,
    named: Named<UploadId>,
    guard: IdempotencyGuard,
    request: Request,
) -> Result<Response, ApiError> {
    let id = named.id()?;
    spend::check(&spending, caller, &policy, &guard).await?;
    let least_bytes = form::least_bytes(&request);
    let form = FormReader::new(request)?;
    let receiving = uploads.receive_part(caller, policy.limits, id, guard.key(), least_bytes).await;
    let receiving = form::receive_part(receiving.map_err(|error| named.explain(error))?, form).await?;
    let outcome = uploads.add_part(id, receiving, None, guard.idempotency(wire::part)).await;
    answer(outcome.map_err(|error| named.explain(error))?, wire::part)
}

/// `GET /v1/uploads/{id}/parts`: an extension, so that a client can resume.
pub async fn list_upload_parts(
    State(uploads): State<Arc<Uploads>>,
    caller: Caller,
    named: Named<UploadId>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (after, limit) = list::parse_parts(query.as_deref().unwrap_or_default())?;
    let page = uploads.list_parts(caller.workspace, named.id()?, after, limit).await;
    Ok(json(StatusCode::OK, &List::of_parts(&page.map_err(|error| named.explain(error))?)))
}

/// `POST /v1/uploads/{id}/complete`.
pub async fn complete_upload(
    State(uploads): State<Arc<Uploads>>,
    State(spending): State<Arc<Spending>>,
    caller: Caller,
    policy: UploadPolicy,
    named: Named<UploadId>,
    guard: IdempotencyGuard,
    request: Request,
) -> Result<Response, ApiError> {
    let id = named.id()?;
    spend::check(&spending, caller, &policy, &guard).await?;
    let (parts, md5) = completion(JsonObject::read(request, MAX_COMPLETION_BYTES).await?)?;
    let guard = parts.iter().fold(guard, |guard, part| guard.with("part_id", part.to_string()));
    let guard = guard.with("md5", md5.map(|digest| digest.0.to_vec()).unwrap_or_default());
    let outcome = uploads.complete(caller, id, parts, md5, guard.idempotency(wire::upload)).await;
    answer(outcome.map_err(|error| named.explain(error))?, wire::upload)
}

/// `POST /v1/uploads/{id}/cancel`. A body, which some SDKs announce, is not read.
pub async fn cancel_upload(
    State(uploads): State<Arc<Uploads>>,
    caller: Caller,
    named: Named<UploadId>,
    guard: IdempotencyGuard,
) -> Result<Response, ApiError> {
    let outcome = uploads.cancel(caller, named.id()?, guard.idempotency(wire::upload)).await;
    answer(outcome.map_err(|error| named.explain(error))?, wire::upload)
}

/// Reads the body of `POST /v1/uploads`: the File to be, its length and its `mime_type` as sent.
fn creation(mut body: JsonObject, purposes: &'static [Purpose]) -> Result<(FileDetails, u64, String), ApiError> {
    let size_bytes = body.integer("bytes", 0..=MAX_UPLOAD_BYTES)?;
    let filename = form::filename(&body.text("filename")?, "filename")?;
    let mime_type = body.text("mime_type")?;
    if mime_type.is_empty() || mime_type.chars().count() > MAX_MIME_TYPE_CHARACTERS {
        let message = format!("Invalid 'mime_type': expected a text of 1 to {MAX_MIME_TYPE_CHARACTERS} characters.");
        return Err(ApiError::invalid(message).param("mime_type"));
    }
    let purpose = form::purpose(&body.text("purpose")?, purposes)?;
    let expires_after =
        body.object("expires_after")?.map(|after| form::expires_after(after, EXPIRES_AFTER_SECONDS)).transpose()?;
    body.refuse_rest()?;
    let details =
        FileDetails { purpose, mime_type: MimeType::of_file(Some(&mime_type), &filename), filename, expires_after };
    Ok((details, size_bytes, mime_type))
}

/// Reads the body of `POST /v1/uploads/{id}/complete`: the parts in order, and the MD5 of the whole if there is one.
fn completion(mut body: JsonObject) -> Result<(Vec<PartId>, Option<Md5Digest>), ApiError> {
    let ids = body.texts("part_ids", MAX_PARTS as usize)?;
    let md5 = body.optional_text("md5")?.map(|text| md5(&text)).transpose()?;
    body.refuse_rest()?;
    let unknown = |id: &str| ApiError::invalid(format!("No such Part object: {id}")).param("part_ids");
    let parts = ids.iter().map(|id| id.parse().map_err(|_| unknown(id))).collect::<Result<_, _>>()?;
    Ok((parts, md5))
}

/// Parses 32 hex digits in any case, or Base64 of 16 bytes.
fn md5(text: &str) -> Result<Md5Digest, ApiError> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hex = digits.then(|| u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes));
    let digest = hex.flatten().or_else(|| STANDARD.decode(text).ok()?.try_into().ok());
    let wrong = || ApiError::invalid("Invalid 'md5': expected 32 hex digits, or Base64 of 16 bytes.").param("md5");
    digest.map(Md5Digest).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_md5_is_hex_or_base64() {
        let digest =
            Md5Digest([0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e]);
        let forms =
            ["d41d8cd98f00b204e9800998ecf8427e", "D41D8CD98F00B204E9800998ECF8427E", "1B2M2Y8AsgTpgAmY7PhCfg=="];
        for text in forms {
            assert_eq!(md5(text).ok(), Some(digest), "{text}");
        }
        for text in ["", "d41d8cd98f00b204e9800998ecf8427", "+41d8cd98f00b204e9800998ecf8427e", "1B2M2Y8AsgTpgAmY7PhC"]
        {
            assert!(md5(text).is_err(), "{text}");
        }
    }
}
