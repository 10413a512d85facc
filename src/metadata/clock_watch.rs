//! The clock of the store, watched for jumps.

use super::error::MetadataError;
use crate::model::clock_jump::ClockJump;
use async_trait::async_trait;
use std::fmt::Debug;

/// The clock by which rows expire.
#[async_trait]
pub trait ClockStore: Debug + Send + Sync {
    /// Returns whether expired rows may be deleted now: false while the clock is known to have jumped forward (see
    /// [`crate::model::clock_jump`]). Every method that deletes rows by their age checks this itself, and finds none
    /// then.
    async fn may_expire(&self) -> Result<bool, MetadataError>;
    /// Returns the jump for which expiry is held.
    async fn held_expiry(&self) -> Result<Option<ClockJump>, MetadataError>;
    /// Accepts the current clock, so that expiry goes on. Returns the jump for which it was held.
    async fn confirm_clock(&self) -> Result<Option<ClockJump>, MetadataError>;
}
