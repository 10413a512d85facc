//! Rotates the keys that sign links, and reads those that other servers made.

use super::Links;
use crate::error_chain::ErrorChain;
use crate::metadata::MetadataError;
use crate::model::link_key::{KEY_KEPT_SECONDS, KEY_ROTATION_SECONDS};
use crate::random;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The interval in which a server reads the keys. Another server signs with a new one after ten times as long.
const REFRESH_INTERVAL: Duration = Duration::from_mins(1);

impl Links {
    /// Reads the keys every minute until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REFRESH_INTERVAL) => {}
            }
            if let Err(error) = self.refresh_keys().await {
                tracing::warn!(error = %ErrorChain(&error), "link keys not read");
            }
        }
    }

    /// Reads the keys, and rotates them when it is time.
    ///
    /// # Errors
    /// When the store failed. The known keys stay.
    pub async fn refresh_keys(&self) -> Result<(), MetadataError> {
        let (mut keys, now_seconds) = (self.metadata.link_keys().await?, self.now_seconds());
        let is_older = |created_at: u64, seconds: u64| created_at.saturating_add(seconds) <= now_seconds;
        let is_fresh = keys.last().is_some_and(|newest| !is_older(newest.created_at, KEY_ROTATION_SECONDS));
        let is_dead = keys.get(1).is_some_and(|successor| is_older(successor.created_at, KEY_KEPT_SECONDS));
        if !is_fresh || is_dead {
            keys = self.metadata.rotate_link_keys(random::bytes()).await?;
        }
        self.keys.store(Arc::new(keys));
        Ok(())
    }
}
