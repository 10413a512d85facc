//! The secret of a request, which is that of its key or of its session.

use super::dialect::KEY_PARAMETER;
use super::error::ApiError;
use super::headers::{API_KEY, GOOG_API_KEY};
use super::query::parameters;
use crate::model::api_key::KeySecret;
use crate::model::dialect::Dialect;
use crate::model::session::SessionSecret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Uri};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The secret of a request: of its key or session. Its `Debug` form hides it.
#[derive(Clone)]
pub struct OwnSecret(String);

impl OwnSecret {
    /// Returns the secret itself, from which other secrets are derived.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the SHA-256 of the secret.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for OwnSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("OwnSecret")
    }
}

/// Returns the secret of the key of a request: that of the header or the parameter in which the clients of its dialect
/// send it, or of `Authorization`.
///
/// # Errors
/// When the request has none.
pub fn secret<'a>(
    dialect: Dialect,
    method: &Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
) -> Result<Cow<'a, str>, ApiError> {
    let own = header_of(dialect).and_then(|name| only(headers, &name)).filter(|key| !key.is_empty());
    let own = own.map(Cow::Borrowed).or_else(|| if dialect == Dialect::Gemini { of_query(uri) } else { None });
    own.map_or_else(|| of_authorization(method, headers), Ok)
}

/// Returns the key in the query of a request, as clients of Gemini may send it. No log has a query.
fn of_query(uri: &Uri) -> Option<Cow<'_, str>> {
    parameters(uri.query()?).find(|(name, _)| name == KEY_PARAMETER).map(|(_, key)| key)
}

/// Returns the header in which clients of a dialect send their key, if it is not `Authorization`.
const fn header_of(dialect: Dialect) -> Option<HeaderName> {
    match dialect {
        Dialect::OpenAi | Dialect::Mistral => None,
        Dialect::Anthropic => Some(API_KEY),
        Dialect::Gemini => Some(GOOG_API_KEY),
    }
}

/// Returns the secret of `Authorization`: the token of `Bearer` (RFC 6750, section 2.1), or of `Basic` (RFC 7617) the
/// password, or the user if that is empty. The scheme is case-insensitive (RFC 9110, section 11.1). `Basic` serves
/// clients that accept only a URL. A browser may send `Basic` on its own, so requests that change something are refused
/// with it.
fn of_authorization<'a>(method: &Method, headers: &'a HeaderMap) -> Result<Cow<'a, str>, ApiError> {
    let (scheme, token) = credentials(headers).ok_or_else(ApiError::missing_key)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Cow::Borrowed(token));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(ApiError::missing_key());
    }
    if ![Method::GET, Method::HEAD].contains(method) {
        return Err(ApiError::basic_of_reads());
    }
    basic(token).map(Cow::Owned).ok_or_else(ApiError::missing_key)
}

/// Returns the secret of a request: that of its session, or the key of `Bearer`.
///
/// # Errors
/// When the request has none.
pub fn own_secret(parts: &Parts) -> Result<OwnSecret, ApiError> {
    if let Some(secret) = parts.extensions.get::<SessionSecret>() {
        return Ok(OwnSecret(secret.expose().to_owned()));
    }
    let token =
        credentials(&parts.headers).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    let secret = token.and_then(|token| KeySecret::parse(token).ok()).ok_or_else(ApiError::missing_key)?;
    Ok(OwnSecret(secret.expose().to_owned()))
}

/// Returns the scheme and the credentials of the only `Authorization` header.
fn credentials(headers: &HeaderMap) -> Option<(&str, &str)> {
    let (scheme, token) = only(headers, &AUTHORIZATION)?.split_once(' ')?;
    let token = token.trim();
    (!token.is_empty()).then_some((scheme, token))
}

fn basic(token: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let secret = if password.is_empty() { user } else { password };
    (!secret.is_empty()).then(|| secret.to_owned())
}

/// Returns the text of a header that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}
