//! Which dialect a request speaks: each but OpenAI's has a base path of its own, such as `/mistral`. A request whose
//! path or headers only clients of another dialect send gets the base path of that one.

use super::headers::{ANTHROPIC_BETA, ANTHROPIC_VERSION, GOOG_API_KEY, GOOG_UPLOAD_PREFIX};
use super::query::parameters;
use crate::model::dialect::Dialect;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, Request, Uri};

/// The path of Files, which the dialects share below their base paths.
const FILES: &str = "/v1/files";
/// The paths that Gemini's clients alone use.
const OF_GEMINI: [&str; 3] = ["/v1beta/files", "/upload/v1beta/files", "/upload/v1/files"];
/// The paths below which the sessions of Gemini's uploads stand, of each version of its API.
const UPLOAD_SESSIONS: [&str; 2] = ["/gemini/upload/v1/sessions/", "/gemini/upload/v1beta/sessions/"];
/// The beginning of the paths of Gemini's dialect.
const GEMINI: &str = "/gemini/";
/// What the names of Files follow.
const NAMES: &str = "/files/";
/// The beginning of a URI in the place of a name.
const URI_AS_NAME: &str = "/files/http";
/// The parameter in which clients of Gemini may send their key.
pub const KEY_PARAMETER: &str = "key";

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

/// Returns whether a request to this path needs a key. A session of an upload has a secret of its own.
pub fn needs_key(path: &str) -> bool {
    is_api(path) && upload_session(path).is_none()
}

/// Returns the signed form of the upload session that a path names.
pub fn upload_session(path: &str) -> Option<&str> {
    UPLOAD_SESSIONS.into_iter().find_map(|sessions| path.strip_prefix(sessions))
}

/// Gives a request the base path of the dialect whose clients alone send such a path, or such headers to `/v1/files`.
pub fn give_base_path<B>(request: &mut Request<B>) {
    let path = request.uri().path();
    let dialect = if is_below(path, FILES) {
        of_headers(request.headers()).or_else(|| of_query(request.uri()))
    } else {
        OF_GEMINI.into_iter().any(|files| is_below(path, files)).then_some(Dialect::Gemini)
    };
    if let Some(based) = dialect.and_then(|dialect| below(dialect, request.uri())) {
        *request.uri_mut() = based;
    }
    if let Some(named) = with_name(request.uri()) {
        *request.uri_mut() = named;
    }
}

/// Returns the URI of a request of Gemini's clients that has the URI of a File in the place of its name, as they send
/// it where that URI is not one of `https`.
fn with_name(uri: &Uri) -> Option<Uri> {
    let (files, name) = uri.path().strip_prefix(GEMINI).and_then(|path| path.split_once(URI_AS_NAME))?;
    let (_, name) = name.rsplit_once(NAMES)?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    with_path(uri, &format!("{GEMINI}{files}{NAMES}{name}{query}"))
}

fn is_below(path: &str, files: &str) -> bool {
    path.strip_prefix(files).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
}

/// Returns the dialect whose clients alone send such headers.
fn of_headers(headers: &HeaderMap) -> Option<Dialect> {
    if headers.contains_key(ANTHROPIC_VERSION) || headers.contains_key(ANTHROPIC_BETA) {
        return Some(Dialect::Anthropic);
    }
    let is_of_gemini = |name: &HeaderName| *name == GOOG_API_KEY || name.as_str().starts_with(GOOG_UPLOAD_PREFIX);
    headers.keys().any(is_of_gemini).then_some(Dialect::Gemini)
}

/// Returns the dialect whose clients alone send their key in the query.
fn of_query(uri: &Uri) -> Option<Dialect> {
    let has_key = parameters(uri.query()?).any(|(name, _)| name == KEY_PARAMETER);
    has_key.then_some(Dialect::Gemini)
}

fn below(dialect: Dialect, uri: &Uri) -> Option<Uri> {
    with_path(uri, &format!("/{}{}", dialect.name(), uri.path_and_query()?))
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
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
    fn the_uri_of_a_file_is_its_name_in_geminis_dialect() {
        let based = |uri: &str| {
            let mut request = Request::builder().uri(uri).body(()).unwrap();
            give_base_path(&mut request);
            request.uri().to_string()
        };
        for uri in [
            "/gemini/v1/files/http://a:1/gemini/v1/files/x:download?alt=media",
            "/gemini/v1/files/x:download?alt=media",
        ] {
            assert_eq!(based(uri), "/gemini/v1/files/x:download?alt=media");
        }
        assert_eq!(based("/v1beta/files/https://a/v1beta/files/x"), "/gemini/v1beta/files/x");
        for uri in ["/gemini/v1/files/http://a", "/mistral/v1/files/http://a/files/x", "/v1/files/http://a/files/x"] {
            assert_eq!(based(uri), uri);
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
