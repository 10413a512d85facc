//! The names of headers that the `http` crate does not define, and the conversion of text to header values.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};

/// The id of a request, on every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The duration of a request in milliseconds, as in OpenAI's API.
pub const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");
/// The retry decision for SDKs, which overrides their default for the status.
pub const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// The key of a request, as Anthropic's clients send it.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The version of Anthropic's API, which all of its clients send.
pub const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
/// The betas of Anthropic's API that a client takes part in.
pub const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");
/// The header with the key of a client of Gemini.
pub const GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
/// The beginning of the headers of uploads of clients of Gemini.
pub const GOOG_UPLOAD_PREFIX: &str = "x-goog-upload-";
/// The digest of the whole representation (RFC 9530).
pub const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// The size of all parts of a File but the last, in bytes. With it an `ETag` of parts can be computed from the content.
pub const PART_BYTES: HeaderName = HeaderName::from_static("x-part-bytes");
/// The origins that may embed the answer (Fetch, section 3.7).
pub const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The time that an idle connection is kept (RFC 2068, section 19.7.1.1).
pub const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// The addresses of a chain of proxies, the nearest peer at the right.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The allowed requests per minute, as in OpenAI's API.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
/// The remaining requests.
pub const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
/// The time until all requests are available again.
pub const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");

/// Returns the `Content-Length`; none without a number.
#[must_use]
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Sets a header to a text of visible ASCII; any other text is skipped.
pub fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
