//! Connections to a server: TLS, the key, and repeated requests.

use crate::answer::Answer;
use crate::checksum::hex;
use crate::dialect::Dialect;
use crate::error::ClientError;
use crate::progress::Tally;
use crate::retry;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The time limit of a connection's establishment.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit of a silence of the server, while no byte is sent either.
const SILENCE_TIMEOUT: Duration = Duration::from_mins(2);
/// The interval at which a request's bytes are looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// A server and the key for it. `Debug` is absent, so that no log shows the key.
pub struct Server {
    /// The base URL, with or without the version at its end, such as `/v1`.
    pub url: String,
    /// The API.
    pub dialect: Dialect,
    /// The key.
    pub key: String,
    /// Certificates to trust besides those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// A client of one server. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// Sends no key.
    foreign: reqwest::Client,
    base: String,
    dialect: Dialect,
    /// The SHA-256 of the key, in hex.
    key_fingerprint: String,
}

impl Client {
    /// Creates a client.
    pub fn new(server: &Server) -> Result<Self, ClientError> {
        let (tls, dialect) = (tls(server)?, server.dialect);
        Ok(Self {
            http: http_client(tls.clone(), dialect.headers(&server.key)?)?,
            foreign: http_client(tls, HeaderMap::new())?,
            base: base(&server.url, dialect.version())?,
            dialect,
            key_fingerprint: hex(&Sha256::digest(&server.key)),
        })
    }

    /// Returns the URL of the server, with the version at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Returns a text that stands for the server and the key, without the key.
    pub(crate) fn identity(&self) -> String {
        format!("{}\n{}", self.base, self.key_fingerprint)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Starts a request for a path below the version.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Starts a request for a URL of another server, without the key.
    pub(crate) fn foreign_request(&self, method: Method, url: Url) -> RequestBuilder {
        self.foreign.request(method, url)
    }

    /// Sends a request, and repeats it within the limits. `make` makes the request anew each time, and the tally counts
    /// the bytes of its body.
    pub(crate) async fn send<F>(&self, tally: &Tally, make: impl FnMut() -> F) -> Result<Response, ClientError>
    where
        F: Future<Output = Result<RequestBuilder, ClientError>>,
    {
        self.send_until(|status| status.is_success(), tally, make).await
    }

    /// Does the same, and returns the first answer with a status that `accepts` names.
    pub(crate) async fn send_until<F>(
        &self,
        accepts: impl Fn(StatusCode) -> bool,
        tally: &Tally,
        make: impl FnMut() -> F,
    ) -> Result<Response, ClientError>
    where
        F: Future<Output = Result<RequestBuilder, ClientError>>,
    {
        self.repeat(accepts, tally, make, async |answer| Ok(answer)).await
    }

    /// Sends a request that reads only or has an `Idempotency-Key`, and receives the whole answer. Repeats the request
    /// if the connection breaks within the body of the answer.
    pub(crate) async fn receive<F>(&self, tally: &Tally, make: impl FnMut() -> F) -> Result<Answer, ClientError>
    where
        F: Future<Output = Result<RequestBuilder, ClientError>>,
    {
        self.repeat(|status| status.is_success(), tally, make, Answer::of).await
    }

    /// Sends a request within the limits until `take` has taken an answer that `accepts` names.
    async fn repeat<F, T>(
        &self,
        accepts: impl Fn(StatusCode) -> bool,
        tally: &Tally,
        mut make: impl FnMut() -> F,
        take: impl AsyncFn(Response) -> Result<T, ClientError>,
    ) -> Result<T, ClientError>
    where
        F: Future<Output = Result<RequestBuilder, ClientError>>,
    {
        let mut repetitions = retry::Repetitions::default();
        loop {
            let (failure, asked_pause) = match answer(make().await?, tally).await {
                Ok(answer) if accepts(answer.status()) => match take(answer).await {
                    Ok(taken) => return Ok(taken),
                    Err(failure) => (failure, None),
                },
                Ok(answer) => {
                    let is_repeated = retry::is_repeated(answer.status(), answer.headers());
                    let asked_pause = retry::asked_pause(answer.headers());
                    let refusal = ClientError::of(answer).await;
                    if !is_repeated {
                        return Err(refusal);
                    }
                    (refusal, asked_pause)
                }
                Err(ClientError::Connection(error)) if error.is_builder() => {
                    return Err(ClientError::Connection(error));
                }
                Err(failure) => (failure, None),
            };
            let Some(pause) = repetitions.next_pause(asked_pause) else { return Err(failure) };
            tokio::time::sleep(pause).await;
        }
    }
}

/// Waits for the head of an answer, and counts silence only from the last byte of the request that moved.
async fn answer(request: RequestBuilder, tally: &Tally) -> Result<Response, ClientError> {
    let mut answer = pin!(request.send());
    let (mut moved_at, mut bytes) = (Instant::now(), tally.bytes());
    while moved_at.elapsed() < SILENCE_TIMEOUT {
        if let Ok(answer) = timeout(WATCH_INTERVAL, &mut answer).await {
            return answer.map_err(|error| ClientError::Connection(error.without_url()));
        }
        if tally.bytes() != bytes {
            (moved_at, bytes) = (Instant::now(), tally.bytes());
        }
    }
    Err(ClientError::Silent)
}

/// Waits for the next bytes of an answer.
pub(crate) async fn in_time<T>(bytes: impl Future<Output = T>) -> Result<T, ClientError> {
    timeout(SILENCE_TIMEOUT, bytes).await.map_err(|_| ClientError::Silent)
}

/// Returns the URL up to and with the version.
fn base(url: &str, version: &str) -> Result<String, ClientError> {
    let trimmed = url.trim_end_matches('/');
    let parsed = Url::parse(trimmed).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(parsed) = parsed else {
        return Err(ClientError::Setup("the URL of the server must begin with http:// or https://".to_owned()));
    };
    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() {
        return Err(ClientError::Setup("the URL of the server must have no user, password or query".to_owned()));
    }
    let is_whole = trimmed.rsplit('/').next() == Some(version);
    Ok(if is_whole { trimmed.to_owned() } else { format!("{trimmed}/{version}") })
}

fn http_client(tls: ClientConfig, headers: HeaderMap) -> Result<reqwest::Client, ClientError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .build()
        .map_err(|error| ClientError::Connection(error.without_url()))
}

fn tls(server: &Server) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = &server.ca_file {
        let unreadable =
            |error| ClientError::Setup(format!("cannot read certificates from {}: {error}", file.display()));
        let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect)
            .map_err(|error| unreadable(error.to_string()))?;
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(unreadable("it has none".to_owned()));
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Setup(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_one_version_and_no_secret() {
        let base = |url: &str| base(url, "v1");
        assert_eq!(base("http://a:8080").unwrap(), "http://a:8080/v1");
        assert_eq!(base("https://a/x/v1/").unwrap(), "https://a/x/v1");
        assert_eq!(base("https://a/xv1").unwrap(), "https://a/xv1/v1");
        for wrong in ["a:8080", "ftp://a", "https://u:hunter2@a", "https://a/?key=hunter2"] {
            assert!(!base(wrong).unwrap_err().to_string().contains("hunter2"), "{wrong}");
        }
    }
}
