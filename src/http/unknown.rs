//! Paths without a route, and the path that was probably meant. Most of them come from a base URL without `/v1`, or
//! with it twice.

use super::error::ApiError;
use super::routes::routes;
use http::Method;
use std::collections::HashSet;
use std::sync::LazyLock;

/// The maximum number of segments of a hint; no route has more below `/v1`.
const MAX_SEGMENTS: usize = 8;
/// The first segment of all paths of the API.
const VERSION: &str = "v1";

/// The first segments below `/v1` of OpenAI's paths that this server does not have yet.
pub const NOT_YET: [&str; 22] = [
    "assistants",
    "audio",
    "batches",
    "chat",
    "chatkit",
    "completions",
    "containers",
    "conversations",
    "embeddings",
    "evals",
    "fine_tuning",
    "graders",
    "images",
    "models",
    "moderations",
    "organization",
    "realtime",
    "responses",
    "skills",
    "threads",
    "vector_stores",
    "videos",
];

/// The first segments below `/v1` of all paths of OpenAI.
static FAMILIES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let served = routes().into_iter().filter_map(|route| route.path.strip_prefix("/v1/")?.split('/').next());
    served.chain(NOT_YET).collect()
});

/// Returns the method that an answer names: `GET` for `HEAD`, so that both answers have one length (RFC 9110, section
/// 9.3.2).
pub fn as_of_get(method: &Method) -> &Method {
    if method == Method::HEAD { &Method::GET } else { method }
}

/// Returns the error of a path without a route.
pub fn url(method: &Method, path: &str) -> ApiError {
    let hint = meant(path).map_or_else(String::new, |meant| {
        format!(". Did you mean {meant}? The base URL of a client ends with /{VERSION}, once")
    });
    ApiError::unknown_url(as_of_get(method), path, &hint)
}

/// Returns the path that the client probably meant, if it differs from its own.
fn meant(path: &str) -> Option<String> {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).take(MAX_SEGMENTS);
    let rest: Vec<&str> = segments.skip_while(|segment| !FAMILIES.contains(*segment)).collect();
    let meant = format!("/{VERSION}/{}", rest.join("/"));
    (!rest.is_empty() && meant != path).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_that_was_meant_is_found_in_the_usual_mistakes() {
        for path in
            ["/files", "/v1/v1/files", "//v1/files", "/v1//files", "/v1/files/", "/openai/v1/files", "/api/files"]
        {
            assert_eq!(meant(path).as_deref(), Some("/v1/files"), "{path}");
        }
        assert_eq!(meant("/files/file-x/content").as_deref(), Some("/v1/files/file-x/content"));
        for path in ["/", "/v1", "/v1/files", "/v1/nothing", "/nothing/at/all", "/v1/files/file-x/nothing"] {
            assert_eq!(meant(path), None, "{path}");
        }
    }
}
