//! The stamp that pairs a metadata store with its blob store.

use super::error::MetadataError;
use crate::model::stamp::Stamp;
use async_trait::async_trait;
use std::fmt::Debug;

/// The stamp that pairs a metadata store with its blob store.
#[async_trait]
pub trait StampStore: Debug + Send + Sync {
    /// Returns the stamp of the store.
    async fn stamp(&self) -> Result<Option<Stamp>, MetadataError>;
    /// Moves the stamp forward. Nothing changes when the store has the stamp of another installation, or this one or a
    /// later one.
    async fn set_stamp(&self, stamp: Stamp) -> Result<(), MetadataError>;
}
