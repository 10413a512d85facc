//! The webhook sink: each message is one `POST` of its bytes.

use super::{SigningSecret, Sink, SinkError};
use crate::model::outbox::Message;
use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, Url};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// The connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout of a request, response included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The bytes of a response that are read and dropped, so that its connection can be reused.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// The time that an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("venna/", env!("CARGO_PKG_VERSION"));

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The configuration of a webhook.
pub struct WebhookConfig {
    /// The URL; `http` or `https`.
    pub url: String,
    /// The bearer token of `Authorization`.
    pub token: Option<String>,
    /// The secret that signs messages.
    pub secret: Option<SigningSecret>,
}

/// A webhook.
pub struct WebhookSink {
    client: Client,
    url: Url,
    authorization: Option<HeaderValue>,
    secret: Option<SigningSecret>,
}

impl fmt::Debug for WebhookSink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("WebhookSink")
    }
}

/// The reason why a webhook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidWebhook {
    /// The URL is invalid.
    #[error("the address is no http or https URL")]
    Url,
    /// The token is not a valid header value.
    #[error("the token is empty or has characters that a header cannot have")]
    Token,
    /// The HTTP client cannot be built: most likely the system has no certificates.
    #[error("cannot build the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The TLS provider cannot be used.
    #[error("cannot initialize TLS")]
    Tls(#[from] rustls::Error),
}

impl WebhookSink {
    /// Returns a webhook without a request.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn new(config: WebhookConfig) -> Result<Self, InvalidWebhook> {
        let url = Url::parse(&config.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or(InvalidWebhook::Url)?;
        let client = client(url.scheme() == "https")?
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(Policy::none())
            .user_agent(USER_AGENT)
            .build()
            .map_err(InvalidWebhook::Client)?;
        let authorization = config.token.as_deref().map(bearer).transpose()?;
        Ok(Self { client, url, authorization, secret: config.secret })
    }
}

/// Returns a client with the system's certificates, or one without TLS: some systems have no certificates.
fn client(with_tls: bool) -> Result<ClientBuilder, rustls::Error> {
    let provider = rustls::crypto::ring::default_provider();
    if with_tls {
        // The client uses the provider of the process; an earlier choice stays.
        drop(provider.install_default());
        return Ok(Client::builder());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions()?;
    let trusts_nobody = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(trusts_nobody))
}

fn bearer(token: &str) -> Result<HeaderValue, InvalidWebhook> {
    if token.is_empty() {
        return Err(InvalidWebhook::Token);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| InvalidWebhook::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

#[async_trait]
impl Sink for WebhookSink {
    async fn send(&self, message: &Message, now_seconds: u64) -> Result<(), SinkError> {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, &message.content_type)
            .header(WEBHOOK_ID, &message.id)
            .header(WEBHOOK_TIMESTAMP, now_seconds)
            .body(message.body.clone());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        if let Some(secret) = &self.secret {
            request = request.header(WEBHOOK_SIGNATURE, secret.sign(&message.id, now_seconds, &message.body));
        }
        let answer = request.send().await.map_err(|error| cause(&error))?;
        let (status, retry_after) = (answer.status(), answer.headers().get(RETRY_AFTER).cloned());
        discard_body(answer).await;
        if status.is_success() {
            return Ok(());
        }
        let retry_after = retry_after.and_then(|value| parse_retry_after(value.to_str().ok()?, now_seconds));
        Err(SinkError::Refused { status: status.as_u16(), retry_after })
    }
}

/// Parses `Retry-After`: seconds or a date (RFC 9110, 10.2.3).
fn parse_retry_after(text: &str, now_seconds: u64) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(at.as_secs().saturating_sub(now_seconds)))
}

/// Reads and drops a short response body, so that the connection can be reused.
async fn discard_body(mut answer: Response) {
    let mut read = 0;
    while read <= MAX_ANSWER_BYTES {
        let Ok(Some(chunk)) = answer.chunk().await else { return };
        read += chunk.len();
    }
}

fn cause(error: &reqwest::Error) -> SinkError {
    if error.is_timeout() {
        SinkError::TimedOut
    } else if error.is_connect() {
        SinkError::Unreachable
    } else {
        SinkError::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(url: &str, token: Option<&str>) -> Result<WebhookSink, InvalidWebhook> {
        WebhookSink::new(WebhookConfig { url: url.into(), token: token.map(Into::into), secret: None })
    }

    #[test]
    fn a_wait_is_told_in_seconds_or_as_a_date() {
        let now = 784_111_777;
        assert_eq!(parse_retry_after(" 20 ", now), Some(Duration::from_secs(20)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_mins(1)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:40:37 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", now), None);
        assert_eq!(parse_retry_after("-1", now), None);
    }

    #[test]
    fn what_cannot_be_used_is_refused_and_nothing_is_shown() {
        for url in ["ftp://example.org/x", "file:///etc/passwd", "example.org", ""] {
            assert!(matches!(webhook(url, None), Err(InvalidWebhook::Url)), "{url}");
        }
        for token in ["", "two\nlines"] {
            assert!(matches!(webhook("https://example.org/", Some(token)), Err(InvalidWebhook::Token)));
        }
        let shown = format!("{:?}", webhook("https://hidden.example/path", Some("hidden")).unwrap());
        assert_eq!(shown, "WebhookSink");
    }
}
