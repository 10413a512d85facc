//! Rows of answers that are stored under idempotency keys.

use super::error::MetadataError;
use crate::model::idempotency::IdempotencyKey;
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;
use std::fmt::Debug;

/// The answers that are stored under idempotency keys.
#[async_trait]
pub trait AnswerStore: Debug + Send + Sync {
    /// Returns whether an answer is stored under this key that is still replayed.
    async fn is_answered(&self, workspace: WorkspaceId, key: &IdempotencyKey) -> Result<bool, MetadataError>;
    /// Deletes at most `limit` answers that are too old to be replayed. Returns how many there were.
    async fn forget_answers(&self, limit: u32) -> Result<usize, MetadataError>;
}
