//! `PUT` of a link: the body becomes the File that the link allows, once.
//!
//! A repetition with the same bytes gets the first answer, so that a client whose connection broke may send again.

use crate::files::{FileDetails, Files};
use crate::http::body::BodyError;
use crate::http::caller::UploadPolicy;
use crate::http::content_coding;
use crate::http::error::ApiError;
use crate::http::headers::content_length;
use crate::http::idempotency::answer;
use crate::http::spend;
use crate::http::state::AppState;
use crate::http::wire;
use crate::model::caller::{Caller, Refused};
use crate::model::file::File;
use crate::model::idempotency::{Idempotency, IdempotencyKey, IdempotentOutcome, RequestDigest, WriteAnswer};
use crate::model::link::{Link, UploadGrant};
use crate::model::mime_type::MimeType;
use crate::usage::Spending;
use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts, Request};
use axum::response::Response;
use futures_util::StreamExt;
use http::header::CONTENT_TYPE;
use std::sync::Arc;

/// Receives the body and makes the File.
///
/// # Errors
/// When the body is larger than the link allows, the link or its key has ended meanwhile, a limit refuses, or a store
/// failed. Nothing is stored then.
pub(super) async fn make_file(
    state: &AppState,
    caller: Caller,
    link: &Link,
    grant: &UploadGrant,
    request: Request,
) -> Result<Response, ApiError> {
    content_coding::refuse(&request)?;
    let (mut parts, body) = request.into_parts();
    let policy = UploadPolicy::from_request_parts(&mut parts, state).await?;
    if !policy.purposes.contains(&grant.purpose) {
        return Err(ApiError::link_refused());
    }
    let (files, once) = (Arc::<Files>::from_ref(state), once(link));
    spend::check_key(&Arc::<Spending>::from_ref(state), caller, &policy, Some(&once.key)).await?;
    let least_bytes = content_length(&parts.headers).unwrap_or_default();
    if least_bytes > grant.max_bytes {
        return Err(ApiError::file_too_large(grant.max_bytes));
    }
    if policy.limits.has_quota() && link.first_used_at.is_none() {
        files.check_quota(caller, &policy.limits.workspace, least_bytes).await?;
    }
    let UploadGrant { filename, purpose, max_bytes, expires_after } = grant.clone();
    let mut receiving = files.receive(caller, policy.limits, Some(purpose))?.limit_bytes(max_bytes);
    let mut body = Body::into_data_stream(body);
    while let Some(chunk) = body.next().await {
        receiving.write(chunk.map_err(BodyError::of)?).await?;
    }
    let declared = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // Clients that are told no type of a body declare this one.
    let declared = declared.filter(|declared| !declared.starts_with("application/x-www-form-urlencoded"));
    let mime_type = MimeType::of_file(declared, &filename);
    let details = FileDetails { purpose, filename, mime_type, expires_after };
    match files.create(receiving, details, Some(once), Some(link.id)).await? {
        IdempotentOutcome::KeyReused | IdempotentOutcome::Refused(Refused::KeyEnded) => Err(ApiError::link_refused()),
        outcome => answer(outcome, wire::file),
    }
}

/// Names the File of a link, so that the same bytes make it once.
fn once(link: &Link) -> Idempotency<File> {
    Idempotency {
        key: IdempotencyKey::of_link(link.id),
        request: RequestDigest::of("PUT", "/links").with("link", link.id.as_str()),
        answer: WriteAnswer::new(wire::file),
    }
}
