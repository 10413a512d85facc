//! Cross-origin requests of browsers: the CORS protocol (Fetch standard, section 3.2) for the API of every
//! dialect and for signed links.
//!
//! Keys travel in headers of their own and no answer sets a cookie, so a page of another origin needs a key, or the URL
//! of a link, for every request. `Access-Control-Allow-Credentials` is never sent. The request middleware calls this
//! module for every request.

use super::dialect::{is_api, upload_session};
use super::headers::put;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, StatusCode};
use std::collections::HashSet;

/// The path below which signed links stand.
pub const LINKS_PATH: &str = "/links/";
/// The methods of the operations.
const METHODS: &str = "GET, HEAD, POST, DELETE";
/// The methods of signed links.
const METHODS_OF_LINKS: &str = "GET, HEAD, PUT";
/// The methods of the sessions of uploads.
const METHODS_OF_SESSIONS: &str = "POST, PUT";
/// The request headers that the server reads; [`PREFIXES`] adds those of SDKs.
const REQUEST_HEADERS: &str = "authorization, x-api-key, content-type, idempotency-key, range, if-match, if-none-match, \
                               if-modified-since, if-unmodified-since, if-range";
/// The prefixes of the request headers of SDKs.
const PREFIXES: [&str; 4] = ["openai-", "anthropic-", "x-goog-", "x-stainless-"];
/// The answer headers that a page may read in addition to the safelisted ones (Fetch, section 2.2.2).
const EXPOSED: &str = "x-request-id, request-id, openai-processing-ms, x-should-retry, retry-after, idempotent-replayed, \
                       x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, etag, \
                       accept-ranges, content-range, content-disposition, repr-digest, x-part-bytes, allow, \
                       www-authenticate, x-goog-upload-url, x-goog-upload-status, x-goog-upload-size-received, \
                       x-goog-upload-chunk-granularity";
/// The time that a browser may cache a preflight, in seconds; the maximum of Chromium.
const PREFLIGHT_SECONDS: u32 = 7200;
/// The maximum number of SDK headers that one preflight may name; further ones are not allowed.
const MAX_NAMED_HEADERS: usize = 32;

/// The origins whose pages may read answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cors {
    /// None; preflights are answered like requests without a key.
    Off,
    /// All origins.
    Any,
    /// These origins, each as a browser writes it in `Origin`.
    Only(HashSet<String>),
}

/// The CORS headers of one answer.
#[derive(Debug)]
pub struct Permission {
    allowed_origin: Option<HeaderValue>,
    depends_on_origin: bool,
}

impl Cors {
    /// Chooses the CORS headers of the answer to a request.
    #[must_use]
    pub fn permit(&self, request: &Request) -> Permission {
        let nothing = Permission { allowed_origin: None, depends_on_origin: false };
        if !is_api(request.uri().path()) && !is_link(request) {
            return nothing;
        }
        match self {
            Self::Off => nothing,
            Self::Any => Permission { allowed_origin: Some(HeaderValue::from_static("*")), ..nothing },
            Self::Only(origins) => {
                let origin = request.headers().get(ORIGIN);
                let listed = origin.filter(|origin| origin.to_str().is_ok_and(|origin| origins.contains(origin)));
                Permission { allowed_origin: listed.cloned(), depends_on_origin: true }
            }
        }
    }
}

impl Permission {
    /// Answers a preflight of an allowed page. It needs no key, since preflights have none.
    #[must_use]
    pub fn preflight(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight || self.allowed_origin.is_none() {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        let methods = match request.uri().path() {
            path if path.starts_with(LINKS_PATH) => METHODS_OF_LINKS,
            path if upload_session(path).is_some() => METHODS_OF_SESSIONS,
            _ => METHODS,
        };
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        put(answer, ACCESS_CONTROL_ALLOW_HEADERS, &allowed_headers(headers));
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(PREFLIGHT_SECONDS));
        Some(response)
    }

    /// Adds the headers to an answer.
    pub fn put_into(self, headers: &mut HeaderMap) {
        if self.depends_on_origin {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = self.allowed_origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

fn is_link(request: &Request) -> bool {
    request.uri().path().starts_with(LINKS_PATH)
}

/// Returns the headers that a preflight allows: those of the list, and the named ones with a prefix of the SDKs.
fn allowed_headers(preflight: &HeaderMap) -> String {
    let lines = preflight.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let named = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let of_sdks = named
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .filter(|name| PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix)))
        .take(MAX_NAMED_HEADERS);
    of_sdks.fold(REQUEST_HEADERS.to_owned(), |list, name| list + ", " + name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes;

    #[test]
    fn every_method_of_a_route_is_allowed() {
        for route in routes() {
            assert!(METHODS.split(", ").any(|method| method == route.method), "{}", route.method);
        }
    }

    #[test]
    fn only_headers_of_the_list_and_of_the_sdks_are_allowed() {
        let mut preflight = HeaderMap::new();
        let named = "authorization,x-stainless-lang, OpenAI-Beta,x-evil,x-stainless-(, ,cookie";
        preflight.append(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static(named));
        preflight.append(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("x-stainless-os"));
        let expected = format!("{REQUEST_HEADERS}, x-stainless-lang, openai-beta, x-stainless-os");
        assert_eq!(allowed_headers(&preflight), expected);
    }

    #[test]
    fn the_headers_that_a_preflight_names_are_bounded() {
        let mut preflight = HeaderMap::new();
        let many: Vec<String> = (0..1000).map(|number| format!("openai-{number}")).collect();
        preflight.append(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_str(&many.join(",")).unwrap());
        assert_eq!(allowed_headers(&preflight).matches("openai-").count(), MAX_NAMED_HEADERS);
    }
}
