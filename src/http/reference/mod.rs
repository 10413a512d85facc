//! The reference: `/docs`, `/openapi.json`, `/llms.txt`.
//!
//! `operations`, `objects` and `errors` describe the API. The crate `venna_reference` writes documents and pages from
//! that description, once, at the first request for the reference. The reference needs no key, is not metered or
//! limited, and calls no service. `app` passes the configuration values that it shows.

mod api;
mod billing;
mod differences;
mod errors;
mod facts;
mod ids;
mod objects;
mod operations;
mod overview;
mod route_doc;
mod sdk_samples;
mod served;

pub use facts::{Facts, PriceLine};

use super::conditions::{Validators, Verdict, evaluate};
use super::headers::{CROSS_ORIGIN_RESOURCE_POLICY, put};
use super::unknown;
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, REFERRER_POLICY,
    VARY,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use served::{Served, ServedAsset};
use std::sync::{Arc, OnceLock};
use venna_reference::Site;

/// The paths of the reference.
const PATHS: [&str; 7] =
    ["/docs", "/docs/", "/docs.md", "/docs/{*page}", "/openapi.json", "/llms.txt", "/llms-full.txt"];

/// The Content-Security-Policy: pages load from and send requests to this server only, and are not embedded.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The reference of a server.
#[derive(Debug)]
pub struct Reference {
    facts: Facts,
    site: OnceLock<Served>,
}

impl Reference {
    /// Creates the reference of a server.
    #[must_use]
    pub const fn new(facts: Facts) -> Self {
        Self { facts, site: OnceLock::new() }
    }

    fn site(&self) -> &Served {
        self.site.get_or_init(|| {
            let (facts, api) = (&self.facts, api::api(&self.facts.origin));
            let last = [errors::page(), billing::page(facts), differences::page(facts, &api)];
            Served::from(Site::new(&api, overview::page(&api), last))
        })
    }
}

/// Writes the `OpenAPI` document of a server at `origin`.
#[must_use]
pub fn openapi(origin: &str) -> Value {
    venna_reference::document(&api::api(origin))
}

/// Writes `docs/errors.md`.
#[must_use]
pub fn errors() -> String {
    venna_reference::markdown(&errors::page())
}

/// Returns the method and path of every described operation, in order.
pub fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    operations::operations().into_iter().map(|doc| (doc.operation.method, doc.operation.path))
}

pub(super) fn routes<S>(reference: Arc<ArcSwap<Reference>>) -> Router<S> {
    let router = PATHS.into_iter().fold(Router::new(), |router, path| router.route(path, get(serve)));
    router.with_state(reference)
}

async fn serve(
    State(reference): State<Arc<ArcSwap<Reference>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let path = if uri.path() == "/docs/" { "/docs" } else { uri.path() };
    let reference = reference.load_full();
    let site = reference.site();
    match site.assets.get(path) {
        Some(asset) => found(asset, &method, &headers),
        None => not_found(&site.not_found, &method, &uri, &headers),
    }
}

fn found(asset: &ServedAsset, method: &Method, headers: &HeaderMap) -> Response {
    let verdict = evaluate(headers, Validators { etag: &asset.etag, modified_at: u64::MAX });
    let (status, body) = match verdict {
        Verdict::NotModified if method != Method::HEAD => (StatusCode::NOT_MODIFIED, Bytes::new()),
        Verdict::NotModified => (StatusCode::NOT_MODIFIED, asset.body.clone()),
        Verdict::Proceed | Verdict::Failed => (StatusCode::OK, asset.body.clone()),
    };
    let mut response = page(status, asset.content_type, body, method);
    put(response.headers_mut(), ETAG, &asset.etag);
    put(response.headers_mut(), CACHE_CONTROL, "no-cache");
    response
}

/// Answers an unknown path: with a page for browsers, else with the error envelope.
fn not_found(body: &Bytes, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let mut response = if accepts.contains("text/html") {
        page(StatusCode::NOT_FOUND, "text/html; charset=utf-8", body.clone(), method)
    } else {
        unknown::url(method, uri.path()).into_response()
    };
    put(response.headers_mut(), VARY, "accept");
    response
}

/// Returns an answer with its length, since `axum` would set the length of an answer to `HEAD` to 0.
fn page(status: StatusCode, content_type: &'static str, body: Bytes, method: &Method) -> Response {
    let length = body.len();
    let mut response = Response::new(if method == Method::HEAD { Body::empty() } else { Body::from(body) });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if status != StatusCode::NOT_MODIFIED || method == Method::HEAD {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    put(headers, CONTENT_TYPE, content_type);
    put(headers, CONTENT_SECURITY_POLICY, POLICY);
    put(headers, REFERRER_POLICY, "no-referrer");
    put(headers, CROSS_ORIGIN_RESOURCE_POLICY, "same-origin");
    response
}
