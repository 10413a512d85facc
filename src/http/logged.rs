//! What of the first line of a request may stand in a log: words and ids that the server knows. A client may write anything
//! else there by mistake, such as its key or the name of a file.

use super::{health, reference, routes, unknown};
use crate::model::ids::{FileId, KeyId, PartId, UploadId, WorkspaceId};
use http::Method;
use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

/// Segments of a path that are logged; no route has more.
const MAX_SEGMENTS: usize = 8;
/// What stands for anything that the server does not know.
const UNKNOWN: &str = "*";
/// What stands for further segments.
const FURTHER: &str = "/...";
/// The methods of RFC 9110 and `PATCH`; any other token may be a method too.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
    Method::CONNECT,
];

/// The segments of paths that are no ids.
static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let routes = routes().into_iter().flat_map(|route| route.path.split('/')).filter(|word| !word.starts_with('{'));
    let others =
        health::PATHS.into_iter().chain(reference::PATHS).flat_map(|path| path.split('/')).chain(unknown::NOT_YET);
    routes.chain(others).collect()
});

/// The path of a request, as it is logged.
#[derive(Debug)]
pub struct LoggedPath<'a>(pub &'a str);

impl fmt::Display for LoggedPath<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut segments = self.0.strip_prefix('/').unwrap_or(self.0).split('/');
        for segment in segments.by_ref().take(MAX_SEGMENTS) {
            write!(out, "/{}", if is_known(segment) { segment } else { UNKNOWN })?;
        }
        if segments.next().is_some() { out.write_str(FURTHER) } else { Ok(()) }
    }
}

/// The method of a request, as it is logged.
pub fn logged_method(method: &Method) -> &str {
    if METHODS.contains(method) { method.as_str() } else { UNKNOWN }
}

fn is_known(segment: &str) -> bool {
    WORDS.contains(segment)
        || segment.parse::<FileId>().is_ok()
        || segment.parse::<UploadId>().is_ok()
        || segment.parse::<PartId>().is_ok()
        || segment.parse::<WorkspaceId>().is_ok()
        || segment.parse::<KeyId>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_ids_of_the_server_are_logged() {
        for path in [
            "/",
            "/v1/files",
            "/v1/files/file-00VbjUjhHGglY7j08O6M3Oj9/content",
            "/v1/uploads/upload_0123456789abcdef0123456789abcdef/parts",
            "/v1/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys/key_00VbjUjhHGglY7j08O6M3Oj9/rotate",
            "/v1/chat/completions",
            "/readyz",
        ] {
            assert_eq!(LoggedPath(path).to_string(), path);
        }
    }

    #[test]
    fn whatever_else_a_client_writes_is_not() {
        for (path, logged) in [
            ("/v1/files/vk_00000000000000000000000000000000R6IX", "/v1/files/*"),
            ("/v1/files/letter%20to%20ada.txt/content", "/v1/files/*/content"),
            ("/v1/files/file-00VbjUjhHGglY7j08O6M3Oj9.txt", "/v1/files/*"),
            ("/v1/file%73", "/v1/*"),
            ("//files", "//files"),
            ("*", "/*"),
            ("/v1/v1/v1/v1/v1/v1/v1/v1", "/v1/v1/v1/v1/v1/v1/v1/v1"),
            ("/v1/v1/v1/v1/v1/v1/v1/v1/secret/secret", "/v1/v1/v1/v1/v1/v1/v1/v1/..."),
        ] {
            assert_eq!(LoggedPath(path).to_string(), logged);
        }
        assert_eq!(logged_method(&Method::from_bytes(b"vk_secret").unwrap()), "*");
        assert_eq!(logged_method(&Method::DELETE), "DELETE");
    }

    #[test]
    fn no_route_is_longer_than_what_is_logged() {
        for route in routes() {
            assert!(route.path.split('/').count() <= MAX_SEGMENTS + 1, "{}", route.path);
        }
    }
}
