//! The public path of links: `GET` and `HEAD` of the content of a File, or one `PUT` that makes a File, without a key.
//!
//! A request acts as the key that made its link: limits, fairness and the bill are those of the key. Every refusal is
//! the same answer.

use super::{download, upload};
use crate::http::cors::LINKS_PATH;
use crate::http::error::ApiError;
use crate::http::keyless;
use crate::http::rates::RateLimitState;
use crate::http::state::AppState;
use crate::links::{LinkUse, Links};
use crate::model::caller::Caller;
use crate::model::limits::Limit;
use crate::model::link::{Link, LinkGrant};
use axum::Router;
use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::Method;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use http::request::Parts;
use std::sync::Arc;

/// The path below which links stand.
pub(super) const LINKS: &str = LINKS_PATH;

/// The rate limits of a `GET`.
const OF_DOWNLOADS: [Limit; 1] = [Limit::RequestsPerMinute];
/// The rate limits of a `PUT`.
const OF_UPLOADS: [Limit; 2] = [Limit::RequestsPerMinute, Limit::UploadsPerMinute];

/// Builds the public routes of links.
pub fn routes() -> Router<AppState> {
    Router::new().route("/links/{link}", get(open_link).put(open_link))
}

/// `GET`, `HEAD` and `PUT /links/{link}`. No answer is stored by a cache, tells the URL to another site, or runs in a
/// browser.
async fn open_link(State(state): State<AppState>, request: Request) -> Response {
    let mut response = Box::pin(answer(&state, request)).await.unwrap_or_else(|refused| refused);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    response
}

async fn answer(state: &AppState, request: Request) -> Result<Response, Response> {
    let wanted = if request.method() == Method::PUT { LinkUse::Upload } else { LinkUse::Download };
    let (mut parts, body) = request.into_parts();
    let (link, rate) = admit(state, &mut parts, wanted).await?;
    let caller = Caller::from_request_parts(&mut parts, state).await.map_err(IntoResponse::into_response)?;
    let answered = match &link.grant {
        LinkGrant::Download(grant) => download::send_content(state, caller, &link, grant, &parts).await,
        LinkGrant::Upload(grant) => {
            upload::make_file(state, caller, &link, grant, Request::from_parts(parts, body)).await
        }
    };
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    if let Some(rate) = rate {
        rate.put_into(response.headers_mut());
    }
    Ok(response)
}

/// Opens the link of a request, verifies its key, and makes the key the principal of the request, within its limits.
async fn admit(
    state: &AppState,
    parts: &mut Parts,
    wanted: LinkUse,
) -> Result<(Link, Option<RateLimitState>), Response> {
    let signed = parts.uri.path().strip_prefix(LINKS).unwrap_or_default();
    let opened = Arc::<Links>::from_ref(state).open(signed, wanted).await;
    let opened = opened.map_err(|refused| keyless::refuse(state, parts, refused, ApiError::link_refused()))?;
    let measures: &[Limit] = if wanted == LinkUse::Upload { &OF_UPLOADS } else { &OF_DOWNLOADS };
    let rate = keyless::act_as(state, parts, opened.credential, measures, ApiError::link_refused())
        .map_err(|answer| *answer)?;
    Ok((opened.link, rate))
}
