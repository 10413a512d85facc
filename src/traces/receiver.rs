//! The receiver of traces, over HTTP. Requests run on the runtime of the server: the thread that waits for them has
//! none.

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// The timeout of a request, response included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The bytes of a response that are read.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// No answer.
const UNREACHABLE: u16 = 0;

/// The receiver. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    client: Client,
    runtime: Handle,
    /// The status of the last answer, or [`UNREACHABLE`].
    last_status: Arc<AtomicU16>,
}

/// Why the last request failed, without any part of the address.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) struct ReceiverFailure(u16);

impl fmt::Display for ReceiverFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            UNREACHABLE => out.write_str("the receiver cannot be reached"),
            status => write!(out, "the receiver answered {status}"),
        }
    }
}

impl Receiver {
    /// Returns a receiver without a request, whose requests run on this runtime.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub(super) fn new(runtime: Handle) -> Result<Self, reqwest::Error> {
        // The client uses the provider of the process; an earlier choice stays.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder().timeout(REQUEST_TIMEOUT).redirect(Policy::none()).build()?;
        Ok(Self { client, runtime, last_status: Arc::new(AtomicU16::new(UNREACHABLE)) })
    }

    /// Returns the reason of the last failure.
    pub(super) fn last_failure(&self) -> ReceiverFailure {
        ReceiverFailure(self.last_status.load(Ordering::Relaxed))
    }

    async fn send(self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.last_status.store(UNREACHABLE, Ordering::Relaxed);
        let mut answer = self.client.execute(request.try_into()?).await?;
        self.last_status.store(answer.status().as_u16(), Ordering::Relaxed);
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            body.extend_from_slice(&piece);
            if body.len() > MAX_ANSWER_BYTES {
                return Err("the answer is too large".into());
            }
        }
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut response = Response::new(body.into());
        *response.status_mut() = StatusCode::from_u16(status.as_u16())?;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

#[async_trait]
impl HttpClient for Receiver {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.runtime.spawn(self.clone().send(request)).await?
    }
}
