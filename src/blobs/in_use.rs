//! The registry of blobs that this process is reading. Deletions wait for them.

use crate::model::ids::BlobId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The blobs that are being read. A deletion looks here after the rows are `deleting`.
#[derive(Debug)]
pub struct InUse {
    readers: Mutex<HashMap<BlobId, Readers>>,
    freed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Readers {
    count: usize,
    /// A deletion has skipped the blob.
    wanted: bool,
}

/// An entry of the registry, removed on drop.
#[derive(Debug)]
pub struct InUseToken {
    registry: Arc<InUse>,
    blobs: Vec<BlobId>,
}

impl InUse {
    /// Returns an empty registry. It notifies `freed` when the last reader of a skipped blob is gone.
    #[must_use]
    pub fn new(freed: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { readers: Mutex::default(), freed })
    }

    /// Adds blobs. Those whose rows are not `deleting` after this call stay until the token is dropped.
    #[must_use]
    pub fn enter(self: &Arc<Self>, blobs: Vec<BlobId>) -> InUseToken {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        for blob in &blobs {
            readers.entry(*blob).or_default().count += 1;
        }
        InUseToken { registry: Arc::clone(self), blobs }
    }

    /// Returns whether the blob is being read. If so, its last reader notifies `freed`.
    #[must_use]
    pub fn is_read(&self, blob: BlobId) -> bool {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.get_mut(&blob).map(|readers| readers.wanted = true).is_some()
    }
}

impl Drop for InUseToken {
    fn drop(&mut self) {
        let mut readers = self.registry.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut freed = false;
        for blob in &self.blobs {
            let Entry::Occupied(mut place) = readers.entry(*blob) else { continue };
            place.get_mut().count -= 1;
            if place.get().count == 0 {
                freed |= place.remove().wanted;
            }
        }
        if freed {
            self.registry.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Duration, timeout};

    #[tokio::test]
    async fn the_last_reader_of_a_wanted_blob_frees_it() {
        let (freed, blob, other) = (Arc::new(Notify::new()), BlobId::new([1; 16]), BlobId::new([2; 16]));
        let registry = InUse::new(Arc::clone(&freed));
        let (first, second) = (registry.enter(vec![blob, other]), registry.enter(vec![blob]));
        assert!(registry.is_read(blob));
        drop(first);
        assert!(registry.is_read(blob) && !registry.is_read(other));
        assert!(timeout(Duration::from_millis(1), freed.notified()).await.is_err());
        drop(second);
        assert!(!registry.is_read(blob));
        freed.notified().await;
    }
}
