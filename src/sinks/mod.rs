//! Sinks: what lies outside and takes messages.
//!
//! A sink hands over the bytes that it is given, once each time it is asked, and says whether the receiver acknowledged them. It
//! keeps nothing, repeats nothing and knows nothing of what a message says; the room `outbox` of floor 3 repeats. Only the wiring
//! names a concrete one.

mod signature;
mod webhook;

pub use signature::{MalformedSecret, SigningSecret};
pub use webhook::{UnusableSink, WebhookConfig, WebhookSink};

use crate::model::outbox::Message;
use async_trait::async_trait;
use std::time::Duration;

/// Somebody outside who takes messages.
#[async_trait]
pub trait Sink: std::fmt::Debug + Send + Sync + 'static {
    /// Hands a message over at this second; the receiver has it for good when this returns without an error, and may have it
    /// otherwise.
    async fn send(&self, message: &Message, now_seconds: u64) -> Result<(), SinkError>;
}

/// Why a message is not acknowledged. Nothing of it says where the sink is, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The receiver answered with something else than success.
    #[error("the receiver answered {status}")]
    Refused {
        /// The status.
        status: u16,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It took too long.
    #[error("the receiver did not answer in time")]
    TimedOut,
    /// There is no connection to it.
    #[error("the receiver cannot be reached")]
    Unreachable,
    /// The connection ended before the answer.
    #[error("the connection broke before there was an answer")]
    Broken,
}

impl SinkError {
    /// How long the receiver asks to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused { retry_after, .. } = self { *retry_after } else { None }
    }
}
