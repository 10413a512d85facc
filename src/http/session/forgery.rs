//! Requests that another site forges (CSRF): whatever changes something comes from a page of the console, and has the
//! token of its session.
//!
//! The cookie is `SameSite=Strict` already. Pages of another host of the same site, and browsers that ignore the
//! attribute, remain.

use crate::http::error::ApiError;
use crate::model::session::SessionSecret;
use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

/// The header with the token of a session.
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
/// The header in which browsers name the relation of a page to the server (Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The relation of our own pages.
const SAME_ORIGIN: &str = "same-origin";

/// Checks that a request which changes something comes from a page of the console with this session.
///
/// # Errors
/// When it does not.
pub fn check(parts: &Parts, secret: &SessionSecret) -> Result<(), ApiError> {
    if [Method::GET, Method::HEAD].contains(&parts.method) {
        return Ok(());
    }
    check_origin(parts)?;
    let token = only(&parts.headers, &CSRF_TOKEN);
    if token.is_some_and(|token| secret.is_csrf_token(token)) { Ok(()) } else { Err(ApiError::csrf_token_invalid()) }
}

/// Checks that a request comes from a page of this server.
///
/// # Errors
/// When it does not, or its client does not tell.
pub fn check_origin(parts: &Parts) -> Result<(), ApiError> {
    if is_own(&parts.headers, &parts.uri) { Ok(()) } else { Err(ApiError::csrf_token_invalid()) }
}

/// Returns whether a request says that it comes from our own origin. Browsers send `Sec-Fetch-Site` where the
/// connection can be trusted, else `Origin`, whose host is then that of the request: behind a proxy with TLS the scheme
/// differs.
fn is_own(headers: &HeaderMap, uri: &Uri) -> bool {
    if headers.contains_key(&FETCH_SITE) {
        return only(headers, &FETCH_SITE) == Some(SAME_ORIGIN);
    }
    let origin = only(headers, &ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let host = uri.authority().map(http::uri::Authority::as_str).or_else(|| only(headers, &HOST));
    origin.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
}

/// Returns the value of the only header of this name.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_our_own_pages_are_trusted() {
        let uri = Uri::from_static("/console/api/sign-out");
        for (lines, expected) in [
            (&[("host", "a.example"), ("origin", "https://a.example")][..], true),
            (&[("host", "A.example:8080"), ("origin", "http://a.example:8080")], true),
            (&[("host", "a.example"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "a.example"), ("sec-fetch-site", "same-site"), ("origin", "https://a.example")], false),
            (&[("host", "a.example"), ("sec-fetch-site", "none")], false),
            (&[("host", "a.example"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "a.example"), ("origin", "https://b.example")], false),
            (&[("host", "a.example"), ("origin", "https://a.example:8443")], false),
            (&[("host", "a.example"), ("origin", "https://a.example.evil.example")], false),
            (&[("host", "a.example"), ("origin", "null")], false),
            (&[("host", "a.example"), ("origin", "https://a.example"), ("origin", "https://b.example")], false),
            (&[("host", "a.example")], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_own(&headers, &uri), expected, "{lines:?}");
        }
    }
}
