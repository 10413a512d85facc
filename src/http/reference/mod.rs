//! The reference: `/docs`, `/openapi.json`, `/llms.txt`.
//!
//! `operations`, `objects` and `errors` describe the API. The crate `venna_reference` writes documents and pages from
//! that description, once, at the first request for the reference; `pages` sends them. The reference needs no key, is
//! not metered or limited, and calls no service. `app` passes the configuration values that it shows.

mod api;
mod billing;
mod changes;
mod differences;
mod errors;
mod facts;
mod guides;
mod ids;
mod objects;
mod operations;
mod overview;
mod route_doc;
mod sdk_samples;

pub use facts::{Facts, PriceLine};

use super::pages::{Served, found, moved, not_found};
use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, Method, Uri};
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use venna_reference::Site;

/// The paths of the reference.
const PATHS: [&str; 7] =
    ["/docs", "/docs/", "/docs.md", "/docs/{*page}", "/openapi.json", "/llms.txt", "/llms-full.txt"];

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

    /// Returns the address that clients use, without a slash at the end.
    pub fn origin(&self) -> &str {
        &self.facts.origin
    }

    fn site(&self) -> &Served {
        self.site.get_or_init(|| {
            let (facts, api) = (&self.facts, api::api(&self.facts.origin));
            let mut pages = vec![overview::page(&api)];
            pages.extend(guides::pages(&facts.origin));
            pages.extend([errors::page(), billing::page(facts), differences::page(facts, &api), changes::page()]);
            Served::new(Site::new(&api, pages).assets)
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
    // Links of the overview are relative to the path without the slash.
    if uri.path() == "/docs/" {
        return moved("../docs");
    }
    let reference = reference.load_full();
    match reference.site().get(uri.path()) {
        Some(file) => found(file, &method, &headers),
        None => not_found(&method, &uri, &headers),
    }
}
