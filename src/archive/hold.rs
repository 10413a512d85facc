//! A claim upon the bytes of everything that is there now, renewed until it is given up.

use crate::metadata::{MetadataError, MetadataStore};
use crate::model::ids::HoldId;
use crate::random;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a hold lasts that is not renewed, in seconds: what a process that died delays the removal of bytes by.
const LEASE_SECONDS: u64 = 120;
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(20);

/// Keeps the bytes of deleted blobs where they are. Dropping it lets them go when the lease is over.
#[derive(Debug)]
pub struct Hold {
    metadata: Arc<dyn MetadataStore>,
    id: HoldId,
    renewing: JoinHandle<()>,
}

/// Why the bytes may not have been kept.
#[derive(Debug, thiserror::Error)]
pub enum HoldLost {
    /// It was not renewed in time.
    #[error("deleted blobs could not be held for as long as it took")]
    Expired,
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Hold {
    /// Takes a hold; what is snapshot after this can be read until it is released.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn take(metadata: &Arc<dyn MetadataStore>) -> Result<Self, MetadataError> {
        let (metadata, id) = (Arc::clone(metadata), HoldId::new(random::bytes()));
        metadata.hold_blobs(id, LEASE_SECONDS).await?;
        let store = Arc::clone(&metadata);
        let renewing = tokio::spawn(async move {
            // A renewal that fails is tried again; whether it was in time is asked at the end.
            loop {
                tokio::time::sleep(RENEWAL).await;
                drop(store.renew_hold(id, LEASE_SECONDS).await);
            }
        });
        Ok(Self { metadata, id, renewing })
    }

    /// Gives it up.
    ///
    /// # Errors
    /// When it had ended before, so that bytes may be gone.
    pub async fn release(self) -> Result<(), HoldLost> {
        let kept = self.metadata.renew_hold(self.id, LEASE_SECONDS).await?;
        self.metadata.release_hold(self.id).await?;
        if kept { Ok(()) } else { Err(HoldLost::Expired) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}
