//! A sink that a reload replaces. A message that is being sent goes to the old one.

use super::{Sink, SinkError};
use crate::model::outbox::Message;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use std::sync::Arc;

/// The sink in use.
#[derive(Debug)]
pub struct ReplaceableSink<S>(ArcSwap<S>);

impl<S: Sink> ReplaceableSink<S> {
    /// Puts a sink in use.
    #[must_use]
    pub fn new(sink: S) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(sink)))
    }

    /// Replaces the sink in use.
    pub fn replace(&self, sink: S) {
        self.0.store(Arc::new(sink));
    }
}

#[async_trait]
impl<S: Sink> Sink for ReplaceableSink<S> {
    async fn send(&self, message: &Message, now_seconds: u64) -> Result<(), SinkError> {
        self.0.load_full().send(message, now_seconds).await
    }
}
