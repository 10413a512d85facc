//! Requests to the provider: each has a timeout, a limit of its answer, and follows no redirect.

use super::error::ProviderError;
use http::StatusCode;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;

/// The connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout of a request, answer included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer, in bytes.
const MAX_ANSWER_BYTES: usize = 256 << 10;
/// The time that an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("venna/", env!("CARGO_PKG_VERSION"));

/// Builds the client for a provider with `https`, or without.
///
/// # Errors
/// When TLS cannot be used, most likely because the system has no certificates.
pub fn build(with_tls: bool) -> Result<Client, ProviderError> {
    let unusable = |why: String| ProviderError::Unusable(why);
    let builder = builder(with_tls).map_err(|error| unusable(error.to_string()))?;
    let client = builder
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(Policy::none())
        .user_agent(USER_AGENT)
        .build();
    client.map_err(|error| unusable(error.to_string()))
}

fn builder(with_tls: bool) -> Result<ClientBuilder, rustls::Error> {
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

/// Sends a request, and reads its whole answer.
///
/// # Errors
/// When the provider does not answer in time, or its answer is too long.
pub async fn send(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), ProviderError> {
    // The text of an error may repeat the URL, whose query may hold a code.
    let unreachable = |error: reqwest::Error| ProviderError::Unreachable(error.without_url());
    let mut response = request.header(http::header::ACCEPT, "application/json").send().await.map_err(unreachable)?;
    let (status, mut body) = (response.status(), Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if chunk.len() > MAX_ANSWER_BYTES - body.len() {
            return Err(ProviderError::Answer("it is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}
