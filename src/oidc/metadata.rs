//! The metadata of a provider (OpenID Connect Discovery 1.0).

use super::error::ProviderError;
use http::Uri;
use serde::Deserialize;

/// The path of the metadata, below the issuer.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// The metadata that the client uses; other members are ignored.
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    issuer: String,
    /// The page to which browsers are sent.
    pub authorization_endpoint: String,
    /// The URL that exchanges codes for tokens.
    pub token_endpoint: String,
    /// The URL of the signing keys.
    pub jwks_uri: String,
    /// The URL of further claims.
    pub userinfo_endpoint: Option<String>,
    /// The ways in which clients prove their identity.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The answers to browsers name the issuer (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// Returns the URL of the metadata of an issuer.
pub fn url(issuer: &str) -> String {
    format!("{}{WELL_KNOWN}", issuer.trim_end_matches('/'))
}

impl Metadata {
    /// Reads the metadata, and checks that they are those of the issuer.
    ///
    /// # Errors
    /// When they are malformed or of another issuer, or a URL is not one to which secrets may be sent.
    pub fn parse(json: &[u8], issuer: &str) -> Result<Self, ProviderError> {
        let metadata: Self =
            serde_json::from_slice(json).map_err(|_| ProviderError::Answer("it is no OpenID metadata"))?;
        if metadata.issuer != issuer {
            return Err(ProviderError::Answer("its metadata are of another issuer"));
        }
        let urls = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        let is_secure = issuer.starts_with("https:");
        if !urls.into_iter().chain(&metadata.userinfo_endpoint).all(|url| is_usable(url, is_secure)) {
            return Err(ProviderError::Answer("its metadata name a URL without https"));
        }
        Ok(metadata)
    }

    /// Returns whether the client sends its secret in the form instead of `Authorization`.
    pub fn wants_secret_in_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        let has = |method: &str| methods.iter().any(|known| known == method);
        has("client_secret_post") && !has("client_secret_basic")
    }
}

/// Returns whether a URL has the scheme that the issuer has.
fn is_usable(url: &str, is_secure: bool) -> bool {
    let parsed: Option<Uri> = url.parse().ok();
    let scheme = parsed.as_ref().and_then(Uri::scheme_str);
    scheme == Some("https") || (!is_secure && scheme == Some("http"))
}
