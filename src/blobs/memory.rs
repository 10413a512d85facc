//! The blob store in memory, for tests; the shortest description of the contract.

use super::digest::ContentHasher;
use super::{BlobError, BlobMarks, BlobNames, BlobStore, BlobStream, BlobWriter, ListCursor, ListPage};
use crate::model::byte_range::ByteRange;
use crate::model::digest::ContentDigest;
use crate::model::ids::BlobId;
use crate::model::stamp::Stamp;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

type SharedBlobs = Arc<Mutex<HashMap<BlobId, Bytes>>>;

/// Blobs in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryBlobs(SharedBlobs, Arc<Mutex<SideFiles>>);

/// Quarantine, stamp and note.
#[derive(Debug, Default)]
struct SideFiles {
    quarantine: HashMap<BlobId, u64>,
    stamp: Option<Stamp>,
    last_event: Option<String>,
}

struct MemoryWriter {
    blobs: SharedBlobs,
    id: BlobId,
    content: BytesMut,
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn create(&self, id: BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(MemoryWriter { blobs: Arc::clone(&self.0), id, content: BytesMut::new() }))
    }

    async fn read(&self, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError> {
        let blob = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let blob = blob.ok_or(BlobError::Damaged(id, "it is missing"))?;
        let ends = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let (start, end) =
            ends.filter(|(_, end)| *end <= blob.len()).ok_or(BlobError::Damaged(id, "it is shorter than it was"))?;
        Ok(stream::iter([Ok(blob.slice(start..end))]).boxed())
    }

    async fn delete(&self, ids: &[BlobId]) -> Vec<(BlobId, Result<(), BlobError>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| !ids.contains(id));
        ids.iter().map(|id| (*id, Ok(()))).collect()
    }

    async fn sizes(&self, ids: &[BlobId]) -> Result<Vec<Option<u64>>, BlobError> {
        let blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ids.iter().map(|id| blobs.get(id).map(|blob| blob.len() as u64)).collect())
    }

    async fn probe(&self) -> Result<(), BlobError> {
        Ok(())
    }
}

#[async_trait]
impl BlobNames for MemoryBlobs {
    async fn list(&self, after: Option<ListCursor>) -> Result<Option<ListPage>, BlobError> {
        let blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
        Ok(after.is_none().then_some(ListPage { blobs, unrecognized: Vec::new(), last: ListCursor(String::new()) }))
    }

    async fn list_by_first_byte(
        &self,
        first_byte: u8,
        after: Option<ListCursor>,
    ) -> Result<Option<ListPage>, BlobError> {
        let page = self.list(after).await?;
        Ok(page.map(|mut page| {
            page.blobs.retain(|blob| blob.first_byte() == first_byte);
            page
        }))
    }

    async fn quarantine(&self, ids: &[BlobId], now_seconds: u64) -> Result<Vec<BlobId>, BlobError> {
        let mut blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entered: Vec<BlobId> = ids.iter().copied().filter(|id| blobs.remove(id).is_some()).collect();
        let mut side_files = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        side_files.quarantine.extend(entered.iter().map(|id| (*id, now_seconds)));
        Ok(entered)
    }

    async fn quarantined(&self) -> Result<Vec<String>, BlobError> {
        let side_files = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(side_files.quarantine.keys().map(BlobId::to_string).collect())
    }

    async fn purge_quarantine(&self, before_seconds: u64) -> Result<usize, BlobError> {
        let mut side_files = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let before = side_files.quarantine.len();
        side_files.quarantine.retain(|_, since| *since > before_seconds);
        Ok(before - side_files.quarantine.len())
    }
}

#[async_trait]
impl BlobMarks for MemoryBlobs {
    async fn stamp(&self) -> Result<Option<Stamp>, BlobError> {
        Ok(self.1.lock().unwrap_or_else(PoisonError::into_inner).stamp)
    }

    async fn set_stamp(&self, stamp: Stamp) -> Result<(), BlobError> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).stamp = Some(stamp);
        Ok(())
    }

    async fn last_event(&self) -> Result<Option<String>, BlobError> {
        Ok(self.1.lock().unwrap_or_else(PoisonError::into_inner).last_event.clone())
    }

    async fn set_last_event(&self, event_id: Option<&str>) -> Result<(), BlobError> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).last_event = event_id.map(str::to_owned);
        Ok(())
    }
}

#[async_trait]
impl BlobWriter for MemoryWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        self.content.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<ContentDigest, BlobError> {
        let mut hasher = ContentHasher::default();
        hasher.update(&self.content);
        match self.blobs.lock().unwrap_or_else(PoisonError::into_inner).entry(self.id) {
            Entry::Vacant(place) => drop(place.insert(self.content.freeze())),
            Entry::Occupied(_) => return Err(io::Error::from(io::ErrorKind::AlreadyExists).into()),
        }
        Ok(hasher.finish())
    }

    async fn discard(self: Box<Self>) {}
}

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::*;

    #[tokio::test]
    async fn the_contract_holds() {
        contract::holds(&MemoryBlobs::default()).await;
    }
}
