//! `/`, and the files of the design below `/assets`.

use super::frame::{SITE, page_at, wants_page};
use super::not_found::not_found;
use super::served::{HTML, Served, ServedFile, found};
use crate::http::headers::put;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::header::VARY;
use http::{HeaderMap, Method, Uri};
use maud::{Markup, html};
use serde_json::json;
use std::sync::Arc;
use venna_design::Bundle;

const JSON: &str = "application/json";

/// The answers of `/`, and the files of its page.
#[derive(Debug)]
struct Landing {
    page: ServedFile,
    summary: ServedFile,
    files: Served,
}

/// Serves `/` and the files of these bundles for a server at `origin`.
pub fn routes<S>(origin: &str, bundles: &[Bundle]) -> Router<S> {
    let landing = Landing {
        page: ServedFile::new(HTML, page_at("/", SITE, ABOUT, main(origin))),
        summary: ServedFile::new(JSON, summary(origin)),
        files: Served::bundles(bundles),
    };
    let router = Router::new().route("/", get(start)).route("/assets/{*file}", get(file));
    router.with_state(Arc::new(landing))
}

async fn start(State(landing): State<Arc<Landing>>, method: Method, headers: HeaderMap) -> Response {
    let file = if wants_page(&headers) { &landing.page } else { &landing.summary };
    let mut response = found(file, &method, &headers);
    put(response.headers_mut(), VARY, "accept, accept-encoding");
    response
}

async fn file(State(landing): State<Arc<Landing>>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    match landing.files.get(uri.path()) {
        Some(file) => found(file, &method, &headers),
        None => not_found(&method, &uri, &headers),
    }
}

/// Says in one object where a program finds the API and its description.
fn summary(origin: &str) -> String {
    let summary = json!({
        "name": SITE,
        "version": env!("CARGO_PKG_VERSION"),
        "api": format!("{origin}/v1"),
        "docs": format!("{origin}/docs"),
        "openapi": format!("{origin}/openapi.json"),
        "llms": format!("{origin}/llms.txt"),
    });
    format!("{summary}\n")
}

const ABOUT: &str = "OpenAI's Files API on your own server.";

fn main(origin: &str) -> Markup {
    html! {
        h1 { (SITE) }
        p.lead {
            "OpenAI's Files API on your own server. An unmodified OpenAI SDK works after you change "
            code { "base_url" } " and the key."
        }
        dl.facts {
            dt { "Base URL" } dd { code { (origin) "/v1" } }
            dt { "Key" } dd { code { "Authorization: Bearer vk_..." } }
            dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
        }
        ul.cards {
            li { a href="docs/quick-start" { "Quick start" } p { "A key, and the first upload in curl, Python and TypeScript." } }
            li { a href="console" { "Console" } p { "Files, uploads, keys and usage, in a browser." } }
            li { a href="docs" { "Documentation" } p { "Guides, and every operation with samples and a form to try it." } }
            li { a href="docs/errors" { "Errors" } p { "Every error, its cause and its remedy." } }
            li { a href="openapi.json" { "OpenAPI 3.1" } p { "The document of the API, for generators and tools." } }
        }
        h2 { "Where a key comes from" }
        p {
            "The operator of this server makes keys. The first start writes one to the file " code { "first-key" }
            " of the data directory. This command makes another one, while the server runs or not:"
        }
        figure.code {
            figcaption { span.title { "Shell" } }
            pre tabindex="0" role="group" aria-label="Shell" { code { "venna keys create --workspace default" } }
        }
        p {
            "With an admin key, " a href="docs/create-project-api-key" { "the API makes keys" } ", too."
        }
        h2 { "For programs" }
        p {
            a href="docs/types.d.ts" { "TypeScript types" } ", " a href="llms.txt" { "llms.txt" } ". Without " code { "text/html" } " in " code { "Accept" }
            ", this address answers JSON."
        }
    }
}
