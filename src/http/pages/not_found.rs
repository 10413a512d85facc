//! The answer to an unknown path outside the API: a page for browsers, the error envelope for programs.

use super::frame::{page_at, wants_page};
use super::served::{HTML, page};
use crate::http::headers::put;
use crate::http::unknown;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::VARY;
use http::{HeaderMap, Method, StatusCode, Uri};
use maud::html;
use venna_design::root_from;

/// Answers an unknown path.
pub fn not_found(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let mut response = if wants_page(headers) {
        page(StatusCode::NOT_FOUND, HTML, Bytes::from(written(uri.path())), method)
    } else {
        unknown::url(method, uri.path()).into_response()
    };
    put(response.headers_mut(), VARY, "accept");
    response
}

fn written(path: &str) -> String {
    let root = root_from(path);
    let main = html! {
        h1 { "There is no such page" }
        p.lead { "This server has nothing at " code { (path) } "." }
        ul {
            li { a href={ (root) "docs" } { "Documentation" } ": every operation, guides and errors" }
            li { a href=(root) { "Start" } ": what this server is" }
        }
    };
    page_at(path, "There is no such page", "There is nothing at this path.", main)
}
