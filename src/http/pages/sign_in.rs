//! The pages of a sign-in by OpenID Connect, which browsers see without a session.

use super::frame::{HEADER_LINKS, SITE, page_at};
use super::served::{HTML, page};
use crate::http::headers::put;
use axum::response::Response;
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{Method, StatusCode};
use maud::{Markup, html};
use venna_design::{Frame, root_from};

/// Answers with a page that goes on to `to`, a path relative to the root of the server. A redirect would not send the
/// new cookie, since another site began the navigation.
pub fn go_on(path: &str, to: &str) -> Response {
    let (root, none) = (root_from(path), Markup::default());
    let target = format!("{root}{}", to.trim_start_matches('/'));
    let head = html! { meta http-equiv="refresh" content={ "0; url=" (target) }; };
    let main = html! {
        h1 { "You are signed in" }
        p.lead { a href=(target) { "Go on to the console" } "." }
    };
    let (site, links, about) = (SITE, HEADER_LINKS, "The sign-in is complete.");
    let title = "You are signed in";
    let written = Frame { title, site, about, root: &root, head, tools: none, links, sidebar: None, main }.render();
    answer(StatusCode::OK, written)
}

/// Answers with a page that says why a sign-in failed, and what to do.
pub fn sign_in_failed(path: &str, status: StatusCode, why: &str, remedy: &str) -> Response {
    let root = root_from(path);
    let main = html! {
        h1 { "You are not signed in" }
        p.lead { (why) }
        p { (remedy) }
        ul {
            li { a href={ (root) "console/sign-in" } { "Sign in again" } }
            li { a href=(root) { "Start" } ": what this server is" }
        }
    };
    answer(status, page_at(path, "You are not signed in", why, main))
}

fn answer(status: StatusCode, written: String) -> Response {
    let mut response = page(status, HTML, Bytes::from(written), &Method::GET);
    put(response.headers_mut(), CACHE_CONTROL, "no-store");
    response
}
