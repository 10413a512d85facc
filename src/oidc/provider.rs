//! The provider: its metadata and keys, which are fetched when they are needed, and the exchange of codes for claims.

use super::attempt::Attempt;
use super::claims::Claims;
use super::client;
use super::error::{ProviderError, TokenError};
use super::jwk::KeySet;
use super::metadata::{self, Metadata};
use super::token::{Expected, Token};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The time after which metadata and keys are fetched again.
const FRESH: Duration = Duration::from_hours(1);
/// The minimum time between two fetches of the keys for the sake of unknown ones.
const KEYS_PAUSE: Duration = Duration::from_secs(10);
/// The time during which a failed fetch is not repeated.
const FAILURE_PAUSE: Duration = Duration::from_secs(2);
/// The longest code of an authorization, in bytes.
const MAX_CODE_BYTES: usize = 4096;

/// The registration of this server at a provider.
#[derive(Clone)]
pub struct ProviderConfig {
    /// The issuer.
    pub issuer: String,
    /// The id of the client.
    pub client_id: String,
    /// The secret of the client; none for a public one.
    pub client_secret: Option<String>,
    /// The scopes to ask for, between spaces.
    pub scopes: String,
    /// The URL of the callback.
    pub redirect_uri: String,
}

impl fmt::Debug for ProviderConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ProviderConfig").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// The request of a provider to end sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    /// The person, by its subject.
    pub subject: Option<String>,
    /// The session at the provider.
    pub session: Option<String>,
}

/// An OpenID provider.
#[derive(Debug)]
pub struct Provider {
    config: ProviderConfig,
    client: Client,
    metadata: Mutex<Fetched<Metadata>>,
    keys: Mutex<Fetched<KeySet>>,
}

/// A value that was fetched, and the time of the last failure.
#[derive(Debug)]
struct Fetched<T> {
    value: Option<(Arc<T>, Instant)>,
    failed_at: Option<Instant>,
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self { value: None, failed_at: None }
    }
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Provider {
    /// Returns a provider without a request.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(config: ProviderConfig) -> Result<Self, ProviderError> {
        let client = client::build(config.issuer.starts_with("https:"))?;
        Ok(Self { config, client, metadata: Mutex::default(), keys: Mutex::default() })
    }

    /// Returns the issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Returns the URL to which a browser is sent to sign in.
    ///
    /// # Errors
    /// When the metadata cannot be fetched.
    pub async fn authorization_url(&self, attempt: &Attempt) -> Result<String, ProviderError> {
        let metadata = self.metadata().await?;
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("scope", &self.config.scopes)
            .append_pair("state", &attempt.state())
            .append_pair("nonce", &attempt.nonce())
            .append_pair("code_challenge", &attempt.challenge())
            .append_pair("code_challenge_method", "S256")
            .finish();
        let separator = if metadata.authorization_endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{}{separator}{query}", metadata.authorization_endpoint))
    }

    /// Exchanges the code of an attempt for the claims about a person. `named_issuer` is the issuer that the answer to
    /// the browser named, if it did.
    ///
    /// # Errors
    /// When the provider does not answer, refuses the code, or its tokens are not valid.
    pub async fn claims(
        &self,
        attempt: &Attempt,
        code: &str,
        named_issuer: Option<&str>,
        now_seconds: u64,
    ) -> Result<Claims, ProviderError> {
        let metadata = self.metadata().await?;
        let is_other = named_issuer.is_some_and(|named| named != self.config.issuer);
        if is_other || (named_issuer.is_none() && metadata.authorization_response_iss_parameter_supported) {
            return Err(TokenError::Issuer.into());
        }
        if code.len() > MAX_CODE_BYTES {
            return Err(TokenError::Malformed.into());
        }
        let tokens = self.exchange(&metadata, attempt, code).await?;
        let mut claims = self.verify(&tokens.id_token).await?;
        self.expected(now_seconds).check_id_token(&claims, &attempt.nonce())?;
        if let (Some(url), Some(access_token)) = (&metadata.userinfo_endpoint, &tokens.access_token) {
            claims.merge(self.further_claims(url, access_token, &claims).await?);
        }
        Ok(claims)
    }

    /// Verifies a logout token.
    ///
    /// # Errors
    /// When it is not valid, or the keys cannot be fetched.
    pub async fn logout(&self, token: &str, now_seconds: u64) -> Result<Logout, ProviderError> {
        let claims = self.verify(token).await?;
        self.expected(now_seconds).check_logout_token(&claims)?;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(Logout { subject: owned(claims.subject()), session: owned(claims.text("sid")) })
    }

    fn expected(&self, now_seconds: u64) -> Expected<'_> {
        Expected { issuer: &self.config.issuer, client_id: &self.config.client_id, now_seconds }
    }

    async fn exchange(&self, metadata: &Metadata, attempt: &Attempt, code: &str) -> Result<Tokens, ProviderError> {
        let (status, body) = client::send(self.code_request(metadata, attempt, code)).await?;
        if !status.is_success() {
            let refused: Option<Refused> = serde_json::from_slice(&body).ok();
            return Err(ProviderError::Code(
                refused.map_or_else(|| status.to_string(), |refused| word(&refused.error)),
            ));
        }
        serde_json::from_slice(&body).map_err(|_| ProviderError::Answer("it has no ID token"))
    }

    /// Returns the request that exchanges a code for tokens.
    fn code_request(&self, metadata: &Metadata, attempt: &Attempt, code: &str) -> RequestBuilder {
        let ProviderConfig { client_id, client_secret, redirect_uri, .. } = &self.config;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("code_verifier", &attempt.verifier());
        let mut request = self.client.post(&metadata.token_endpoint);
        match client_secret {
            Some(secret) if metadata.wants_secret_in_form() => {
                form.append_pair("client_id", client_id).append_pair("client_secret", secret);
            }
            // Both are encoded as in a form before they become a user and a password (RFC 6749, section 2.3.1).
            Some(secret) => request = request.basic_auth(encoded(client_id), Some(encoded(secret))),
            None => {
                form.append_pair("client_id", client_id);
            }
        }
        request.header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.finish())
    }

    async fn further_claims(&self, url: &str, access_token: &str, known: &Claims) -> Result<Claims, ProviderError> {
        let (status, body) = client::send(self.client.get(url).bearer_auth(access_token)).await?;
        let claims = Claims::parse(&body).filter(|_| status.is_success());
        let claims = claims.ok_or(ProviderError::Answer("it has no further claims"))?;
        // Otherwise another person's claims could be put in (OpenID Connect Core, section 5.3.2).
        if claims.subject() == known.subject() { Ok(claims) } else { Err(TokenError::Subject.into()) }
    }

    /// Verifies the signature of a token. A token with an unknown key has the keys fetched again.
    async fn verify(&self, text: &str) -> Result<Claims, ProviderError> {
        let token = Token::parse(text)?;
        match token.verify(&*self.keys(FRESH).await?) {
            Err(TokenError::UnknownKey) => Ok(token.verify(&*self.keys(KEYS_PAUSE).await?)?),
            verified => Ok(verified?),
        }
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        let mut known = self.metadata.lock().await;
        let url = metadata::url(&self.config.issuer);
        let parse = |body: &[u8]| Metadata::parse(body, &self.config.issuer);
        known.get(FRESH, self.client.get(url), parse).await
    }

    /// Returns keys that are not older than `fresh`.
    async fn keys(&self, fresh: Duration) -> Result<Arc<KeySet>, ProviderError> {
        let metadata = self.metadata().await?;
        let mut known = self.keys.lock().await;
        let parse = |body: &[u8]| KeySet::parse(body).ok_or(ProviderError::Answer("it has no keys"));
        known.get(fresh, self.client.get(&metadata.jwks_uri), parse).await
    }
}

impl<T> Fetched<T> {
    /// Returns the value, which is fetched unless it is fresh. After a failure there is a pause, in which requests do
    /// not wait for a provider that is down.
    async fn get(
        &mut self,
        fresh: Duration,
        request: RequestBuilder,
        parse: impl FnOnce(&[u8]) -> Result<T, ProviderError>,
    ) -> Result<Arc<T>, ProviderError> {
        if let Some((value, fetched_at)) = &self.value
            && fetched_at.elapsed() < fresh
        {
            return Ok(Arc::clone(value));
        }
        if self.failed_at.is_some_and(|failed_at| failed_at.elapsed() < FAILURE_PAUSE) {
            return Err(ProviderError::Resting);
        }
        let fetched = client::send(request).await.and_then(|(status, body)| {
            if status.is_success() { parse(&body) } else { Err(ProviderError::Answer("its status is not 200")) }
        });
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                *self = Self { value: Some((Arc::clone(&value), Instant::now())), failed_at: None };
                Ok(value)
            }
            Err(error) => {
                self.failed_at = Some(Instant::now());
                Err(error)
            }
        }
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Returns a code of an error as it may be shown: the provider wrote it.
fn word(text: &str) -> String {
    text.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '_').take(64).collect()
}
