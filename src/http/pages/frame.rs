//! The parts that all pages of this server share.

use http::HeaderMap;
use http::header::ACCEPT;
use maud::Markup;
use venna_design::{Frame, root_from};

/// The name of the site.
pub const SITE: &str = "Venna Files";
/// The links of the header: a text, and the path without a slash before it.
pub const HEADER_LINKS: &[(&str, &str)] =
    &[("Documentation", "docs"), ("Errors", "docs/errors"), ("OpenAPI", "openapi.json")];

/// Writes a page without a sidebar for a browser that asked for `path`.
pub fn page_at(path: &str, title: &str, about: &str, main: Markup) -> String {
    let (root, none) = (root_from(path), Markup::default());
    let (site, links) = (SITE, HEADER_LINKS);
    Frame { title, site, about, root: &root, head: none.clone(), tools: none, links, sidebar: None, main }.render()
}

/// Returns whether the client is a browser that wants a page.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepts.flat_map(|accept| accept.split(',')).any(|range| range.trim_start().starts_with("text/html"))
}
