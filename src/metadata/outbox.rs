//! Rows of the outbox: messages to sinks.

use super::error::MetadataError;
use crate::model::ids::ProcessId;
use crate::model::outbox::{Message, NewMessage, OutboxStatus, SinkName};
use async_trait::async_trait;
use std::fmt::Debug;

/// The messages to sinks that are not acknowledged yet, in the order in which they are sent.
#[async_trait]
pub trait OutboxStore: Debug + Send + Sync {
    /// Inserts a message. Returns false when one of this id exists, which stays as it is. An id is known until its
    /// message is [forgotten](Self::forget_messages).
    async fn add_message(&self, message: NewMessage) -> Result<bool, MetadataError>;
    /// Claims the oldest message to a sink that is neither acknowledged nor set aside for `process`. Returns none while
    /// another living process has claimed it.
    async fn next_message(&self, sink: SinkName, process: ProcessId) -> Result<Option<Message>, MetadataError>;
    /// Releases the claim of `process` on a message that it could not send.
    async fn release_message(&self, seq: u64, process: ProcessId) -> Result<(), MetadataError>;
    /// Marks a message as acknowledged. Repeating it changes nothing.
    async fn acknowledge_message(&self, seq: u64) -> Result<(), MetadataError>;
    /// Returns how many messages to a sink wait, and since when.
    async fn outbox_status(&self, sink: SinkName) -> Result<OutboxStatus, MetadataError>;
    /// Deletes at most `limit` of the messages to a sink that were acknowledged more than `older_than_seconds` ago.
    /// Returns how many there were.
    async fn forget_messages(
        &self,
        sink: SinkName,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError>;
}
