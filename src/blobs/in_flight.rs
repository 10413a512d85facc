//! Which blobs this process is writing: what tells an upload in progress from one that was left behind.

use crate::model::ids::BlobId;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The blobs that this process is writing now, and at most so many at once.
#[derive(Debug)]
pub struct InFlight {
    blobs: Mutex<HashSet<BlobId>>,
    max: usize,
}

/// Keeps a blob in flight until it is dropped.
#[derive(Debug)]
pub struct InFlightToken {
    registry: Arc<InFlight>,
    blob: BlobId,
}

impl InFlight {
    /// An empty registry for at most `max` blobs at once.
    #[must_use]
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { blobs: Mutex::default(), max })
    }

    /// Enters a blob, or refuses when too many are in flight. To be called before the store hears of the blob, so that
    /// whoever sees its row and not its name here knows that it was left behind.
    pub fn enter(self: &Arc<Self>, blob: BlobId) -> Option<InFlightToken> {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        if blobs.len() >= self.max {
            return None;
        }
        blobs.insert(blob);
        Some(InFlightToken { registry: Arc::clone(self), blob })
    }

    /// Whether the blob is being written.
    #[must_use]
    pub fn contains(&self, blob: BlobId) -> bool {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).contains(&blob)
    }
}

impl Drop for InFlightToken {
    fn drop(&mut self) {
        self.registry.blobs.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.blob);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_its_place_until_it_is_dropped() {
        let registry = InFlight::new(1);
        let (first, second) = (BlobId::new([1; 16]), BlobId::new([2; 16]));
        let token = registry.enter(first).unwrap();
        assert!(registry.contains(first) && registry.enter(second).is_none());
        drop(token);
        assert!(!registry.contains(first) && registry.enter(second).is_some());
    }
}
