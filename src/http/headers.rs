//! Headers that the `http` crate does not name, and how text becomes one.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The id of a request, on every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a request took, in milliseconds, as OpenAI says it.
pub const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");
/// What the SDKs heed before the status.
pub const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// The digest of the whole representation (RFC 9530).
pub const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// Who may embed the answer (Fetch, section 3.7).
pub const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// How long an idle connection is kept (RFC 2068, section 19.7.1.1).
pub const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// Whom a chain of proxies speaks for, the nearest at the right.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How many requests a minute are allowed, as OpenAI says it.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
/// How many of them are left.
pub const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
/// When all of them are there again.
pub const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");

/// Sets a header to visible ASCII; other text, which none of the callers has, is left out.
pub fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
