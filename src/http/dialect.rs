//! Which dialect a request speaks: each but OpenAI's has a base path of its own, such as `/mistral`. A request to the
//! Files of OpenAI's dialect gets the base path of another one if its headers show that.

use super::headers::{ANTHROPIC_BETA, ANTHROPIC_VERSION};
use crate::model::dialect::Dialect;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Uri};

/// The path of Files, which the dialects share below their base paths.
const FILES: &str = "/v1/files";

/// Returns the dialect of a path.
pub fn of_path(path: &str) -> Dialect {
    let first = path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
    Dialect::named(first).unwrap_or(Dialect::OpenAi)
}

/// Returns whether a path belongs to the API of any dialect, not to its reference or to health.
pub fn is_api(path: &str) -> bool {
    is_of_openai(path) || of_path(path) != Dialect::OpenAi
}

/// Returns whether a path belongs to OpenAI's dialect.
pub fn is_of_openai(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// Gives a request to `/v1/files` the base path of the dialect that its headers show.
pub fn give_base_path<B>(request: &mut Request<B>) {
    if !request.uri().path().strip_prefix(FILES).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return;
    }
    if let Some(based) = of_headers(request.headers()).and_then(|dialect| below(dialect, request.uri())) {
        *request.uri_mut() = based;
    }
}

/// Returns the dialect whose clients alone send such headers.
fn of_headers(headers: &HeaderMap) -> Option<Dialect> {
    let is_of_anthropic = headers.contains_key(ANTHROPIC_VERSION) || headers.contains_key(ANTHROPIC_BETA);
    is_of_anthropic.then_some(Dialect::Anthropic)
}

fn below(dialect: Dialect, uri: &Uri) -> Option<Uri> {
    let path = format!("/{}{}", dialect.name(), uri.path_and_query()?);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_has_its_base_path() {
        for path in ["/mistral", "/mistral/", "/mistral/v1/files"] {
            assert_eq!(of_path(path), Dialect::Mistral, "{path}");
        }
        for path in ["", "/", "/v1/files", "/mistrals", "/v1/mistral", "mistral"] {
            assert_eq!(of_path(path), Dialect::OpenAi, "{path}");
        }
    }

    #[test]
    fn headers_choose_the_dialect_of_files_and_of_nothing_else() {
        let based = |header: &str, uri: &str| {
            let mut request = Request::builder().uri(uri).header(header, "x").body(()).unwrap();
            give_base_path(&mut request);
            request.uri().to_string()
        };
        for header in ["anthropic-version", "Anthropic-Beta"] {
            assert_eq!(based(header, "/v1/files"), "/anthropic/v1/files");
            assert_eq!(
                based(header, "http://a:1/v1/files/x/content?b=%20"),
                "http://a:1/anthropic/v1/files/x/content?b=%20"
            );
        }
        for (header, uri) in [
            ("authorization", "/v1/files"),
            ("anthropic-version", "/v1/filesystem"),
            ("anthropic-version", "/v1/uploads"),
            ("anthropic-version", "/mistral/v1/files"),
            ("anthropic-version", "/"),
        ] {
            assert_eq!(based(header, uri), uri, "{header}");
        }
    }
}
