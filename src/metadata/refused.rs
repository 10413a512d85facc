//! Rows of messages that their receiver refused.

use super::error::MetadataError;
use crate::model::outbox::{Message, NewMessage, RefusedMessage, SinkName};
use async_trait::async_trait;
use std::fmt::Debug;

/// The messages that are set aside because their receiver refused them.
#[async_trait]
pub trait RefusedMessageStore: Debug + Send + Sync {
    /// Sets a message aside that the receiver refused with this status, unless it is acknowledged.
    async fn set_message_aside(&self, seq: u64, status: u16) -> Result<(), MetadataError>;
    /// Replaces a message by others that have the same content together, in one transaction. Returns false and changes
    /// nothing when the message is acknowledged or replaced already.
    async fn replace_message(&self, seq: u64, others: Vec<NewMessage>) -> Result<bool, MetadataError>;
    /// Returns at most `limit` of the oldest messages to a sink that are set aside.
    async fn refused_messages(&self, sink: SinkName, limit: u32) -> Result<Vec<RefusedMessage>, MetadataError>;
    /// Returns a message that is set aside, with its body.
    async fn refused_message(&self, sink: SinkName, id: String) -> Result<Option<Message>, MetadataError>;
    /// Queues a message again that is set aside, or all messages of the sink when `id` is none. Returns how many there
    /// were.
    async fn retry_refused(&self, sink: SinkName, id: Option<String>) -> Result<usize, MetadataError>;
    /// Marks a message that is set aside as never to be sent. Its row stays. Returns false when there is none.
    async fn skip_refused(&self, sink: SinkName, id: String) -> Result<bool, MetadataError>;
}
