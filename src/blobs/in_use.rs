//! Which blobs this process is reading: what a deletion has to wait for.

use crate::model::ids::BlobId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The blobs that are being read now. Whoever removes blobs asks here after it was told that they are `deleting`.
#[derive(Debug)]
pub struct InUse {
    readers: Mutex<HashMap<BlobId, Readers>>,
    freed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Readers {
    count: usize,
    /// Whether a removal passed the blob over.
    wanted: bool,
}

/// Keeps blobs in use until it is dropped.
#[derive(Debug)]
pub struct InUseToken {
    registry: Arc<InUse>,
    blobs: Vec<BlobId>,
}

impl InUse {
    /// An empty registry that tells `freed` when a blob that was to be removed is not read any more.
    #[must_use]
    pub fn new(freed: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { readers: Mutex::default(), freed })
    }

    /// Enters blobs. They are safe if they are found not to be `deleting` after this.
    #[must_use]
    pub fn enter(self: &Arc<Self>, blobs: Vec<BlobId>) -> InUseToken {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        for blob in &blobs {
            readers.entry(*blob).or_default().count += 1;
        }
        InUseToken { registry: Arc::clone(self), blobs }
    }

    /// Whether somebody reads a blob that is to be removed; it will be told when nobody does any more.
    #[must_use]
    pub fn keeps(&self, blob: BlobId) -> bool {
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
        assert!(registry.keeps(blob));
        drop(first);
        assert!(registry.keeps(blob) && !registry.keeps(other));
        assert!(timeout(Duration::from_millis(1), freed.notified()).await.is_err());
        drop(second);
        assert!(!registry.keeps(blob));
        freed.notified().await;
    }
}
