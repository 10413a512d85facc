//! Sinks: the external receivers of messages.
//!
//! A sink sends the given bytes once per call and reports whether the receiver acknowledged them. It stores nothing,
//! retries nothing and does not interpret messages; `outbox` retries. Only `app` names a concrete sink.

mod replaceable;
mod signature;
mod webhook;

pub use replaceable::ReplaceableSink;
pub use signature::{MalformedSecret, SigningSecret};
pub use webhook::{InvalidWebhook, WebhookConfig, WebhookSink};

use crate::model::outbox::Message;
use async_trait::async_trait;
use std::time::Duration;

/// An external receiver of messages.
#[async_trait]
pub trait Sink: std::fmt::Debug + Send + Sync + 'static {
    /// Sends a message at `now_seconds`. On success the receiver has it; on an error it may have it.
    async fn send(&self, message: &Message, now_seconds: u64) -> Result<(), SinkError>;
}

/// The reason why a message is not acknowledged. It holds no part of the address, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The receiver answered without success.
    #[error("the receiver answered {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The delay that the receiver asks for.
        retry_after: Option<Duration>,
    },
    /// The request timed out.
    #[error("the receiver did not answer in time")]
    TimedOut,
    /// The connection failed.
    #[error("the receiver cannot be reached")]
    Unreachable,
    /// The connection ended before the response.
    #[error("the connection broke before the response")]
    Broken,
}

impl SinkError {
    /// Returns the delay that the receiver asks for.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused { retry_after, .. } = self { *retry_after } else { None }
    }
}
