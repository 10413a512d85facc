//! Writing: a blob that fits into one part is put at once, a larger one in parts of which a few are on their way together.
//!
//! Nothing is visible before the one request that ends it, whichever it is. When that request has no clear answer, the
//! store is asked what it has under the name, which nobody else writes to.

use super::bucket::{Bucket, IN_FLIGHT_PARTS};
use super::failure::{Failure, Kind};
use super::parts::{Collected, Hashing, PART_BYTES, part_bytes};
use crate::blobs::behind::Behind;
use crate::blobs::digest::ContentHasher;
use crate::blobs::{BlobError, BlobWriter, WriteTurns};
use crate::model::digest::ContentDigest;
use crate::model::ids::BlobId;
use async_trait::async_trait;
use bytes::Bytes;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{Attribute, Attributes, GetOptions, MultipartId, PutMode, PutOptions, PutPayload};
use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Parts of one blob that are on their way at once.
const PARTS_AT_ONCE: usize = 4;
/// How much longer the store may take to put a blob together, for each of its parts.
const TIME_PER_PART: Duration = Duration::from_millis(50);
/// Pauses before the store is asked again for an object that an earlier attempt may still be putting together.
const COMPLETION_PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(1)];
/// Under which name an object remembers the SHA-256 of what was put.
const SHA256: &str = "sha256";

/// A blob on its way to the cloud.
pub(super) struct CloudWriter {
    hashing: Option<Behind<Hashing>>,
    pieces: UnboundedReceiver<Bytes>,
    collected: Collected,
    object: Object,
}

impl CloudWriter {
    /// Writes to `key`. The upload of a blob in parts is noted under its name; what has none is no blob.
    pub(super) fn new(bucket: Arc<Bucket>, key: Path, id: Option<BlobId>) -> Self {
        let (sender, pieces) = unbounded_channel();
        let hashing = Hashing { hasher: ContentHasher::default(), pieces: sender };
        Self {
            hashing: Some(Behind::new(hashing)),
            pieces,
            collected: Collected::default(),
            object: Object {
                bucket,
                key,
                id,
                upload: None,
                on_their_way: JoinSet::new(),
                stored: BTreeMap::new(),
                begun: 0,
            },
        }
    }

    /// Moves what was hashed to what is to be sent, and sends parts that are full and not the last.
    async fn send_full_parts(&mut self) -> Result<(), BlobError> {
        while let Ok(piece) = self.pieces.try_recv() {
            self.collected.push(piece);
        }
        while self.collected.bytes() > part_bytes(self.object.begun) {
            let part = self.collected.take(part_bytes(self.object.begun));
            self.object.send(part).await?;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<ContentDigest, BlobError> {
        let hashing = self.hashing.take().ok_or_else(|| io::Error::other("the blob has ended"))?;
        let content = hashing.finish(|hashing| Ok(hashing.hasher.finish())).await?;
        self.send_full_parts().await?;
        let rest = self.collected.take(u64::MAX);
        if self.object.upload.is_none() {
            self.object.put(rest, &content).await?;
        } else {
            self.object.send(rest).await?;
            self.object.complete(content.size_bytes).await?;
        }
        Ok(content)
    }
}

#[async_trait]
impl BlobWriter for CloudWriter {
    fn take_turns(&mut self, turns: WriteTurns) {
        if let Some(hashing) = &mut self.hashing {
            hashing.take_turns(turns);
        }
    }

    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        let hashing = self.hashing.as_mut().ok_or_else(|| io::Error::other("the blob has ended"))?;
        hashing.write(chunk).await?;
        self.send_full_parts().await
    }

    /// When it fails, what was sent is given up behind the one who waits for the answer.
    async fn finish(mut self: Box<Self>) -> Result<ContentDigest, BlobError> {
        self.end().await
    }

    async fn discard(mut self: Box<Self>) {
        self.object.abort().await;
    }
}

/// Parts that are being sent, each with its place.
type Parts = JoinSet<Result<(u64, PartId), Failure>>;

/// An object that is not there yet.
struct Object {
    bucket: Arc<Bucket>,
    key: Path,
    id: Option<BlobId>,
    /// What the store calls the upload, once there is one.
    upload: Option<MultipartId>,
    on_their_way: Parts,
    stored: BTreeMap<u64, PartId>,
    begun: u64,
}

impl Object {
    /// Sends the next part, when there is room for it.
    async fn send(&mut self, part: Vec<Bytes>) -> Result<(), BlobError> {
        let upload = match &self.upload {
            Some(upload) => upload.clone(),
            None => self.begin().await?,
        };
        while self.on_their_way.len() >= PARTS_AT_ONCE {
            self.receive_one().await?;
        }
        let (bytes, place) = (part.iter().map(|piece| piece.len() as u64).sum::<u64>(), self.begun);
        let permits = u32::try_from(bytes.div_ceil(PART_BYTES)).unwrap_or(u32::MAX).min(IN_FLIGHT_PARTS);
        let room = Arc::clone(&self.bucket.in_flight).acquire_many_owned(permits).await.map_err(io::Error::other)?;
        let (bucket, key, payload) = (Arc::clone(&self.bucket), self.key.clone(), PutPayload::from_iter(part));
        self.begun += 1;
        self.on_their_way.spawn(async move {
            let index = usize::try_from(place).unwrap_or(usize::MAX);
            let (attempts, multiparts) = (&bucket.attempts, &bucket.client.multiparts.0);
            let request = || multiparts.put_part(&key, &upload, index, payload.clone());
            let stored = attempts.make(attempts.patience_for(bytes), request).await;
            drop(room);
            stored.map(|part| (place, part))
        });
        Ok(())
    }

    /// Begins an upload in parts, and notes it before there is anything in it that costs.
    async fn begin(&mut self) -> Result<MultipartId, BlobError> {
        let (attempts, multiparts) = (&self.bucket.attempts, &self.bucket.client.multiparts.0);
        let upload = attempts.make(attempts.patience(), || multiparts.create_multipart(&self.key)).await?;
        self.upload = Some(upload.clone());
        // Azure has no uploads: parts that are not put together go by themselves.
        if let Some(id) = self.id.filter(|_| !upload.is_empty()) {
            self.bucket.notes.note(id, &upload).await?;
        }
        Ok(upload)
    }

    async fn receive_one(&mut self) -> Result<(), BlobError> {
        let Some(stored) = self.on_their_way.join_next().await else { return Ok(()) };
        let (place, part) = stored.map_err(io::Error::other)??;
        self.stored.insert(place, part);
        Ok(())
    }

    async fn complete(&mut self, size_bytes: u64) -> Result<(), BlobError> {
        while !self.on_their_way.is_empty() {
            self.receive_one().await?;
        }
        let Some(upload) = &self.upload else { return Ok(()) };
        let parts: Vec<PartId> = self.stored.values().cloned().collect();
        let (attempts, multiparts) = (&self.bucket.attempts, &self.bucket.client.multiparts.0);
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let patience = attempts.patience() + TIME_PER_PART * count;
        let request = || multiparts.complete_multipart(&self.key, upload, parts.clone());
        match attempts.make(patience, request).await {
            Ok(_) => {}
            // It may have been put together by an attempt whose answer was lost, which leaves no upload to put together.
            Err(failure) if self.comes_to_be(size_bytes, &failure).await => {
                tracing::debug!(%failure, "multipart completion confirmed after error");
            }
            Err(failure) => return Err(failure.of_upload()),
        }
        self.upload = None;
        Ok(())
    }

    /// Puts the whole object with one request. The name is taken by nobody: where the store can refuse, it does.
    async fn put(&self, content: Vec<Bytes>, digest: &ContentDigest) -> Result<(), BlobError> {
        let payload = PutPayload::from_iter(content);
        let sha256 = digest.sha256.to_string();
        let mut stored = self.put_as(PutMode::Create, &payload, &sha256).await;
        if matches!(&stored, Err(failure) if failure.kind == Kind::Unsupported || failure.status() == Some(400)) {
            stored = self.put_as(PutMode::Overwrite, &payload, &sha256).await;
        }
        match stored {
            Ok(()) => Ok(()),
            Err(failure) if self.is_there(digest.size_bytes, Some(&sha256)).await => {
                tracing::debug!(%failure, "blob write confirmed after error");
                Ok(())
            }
            Err(failure) => Err(failure.of_upload()),
        }
    }

    async fn put_as(&self, mode: PutMode, payload: &PutPayload, sha256: &str) -> Result<(), Failure> {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::Metadata(SHA256.into()), sha256.to_owned().into());
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let attempts = &self.bucket.attempts;
        let request = || self.bucket.client.objects.put_opts(&self.key, payload.clone(), options.clone());
        let patience = attempts.patience_for(payload.content_length() as u64);
        attempts.make(patience, request).await.map(drop)
    }

    /// Whether an object is there that was to be put together. Where the store says that there is no such upload, an earlier
    /// attempt may still be at work.
    async fn comes_to_be(&self, size_bytes: u64, failure: &Failure) -> bool {
        let pauses: &[Duration] = if failure.kind == Kind::Missing { &COMPLETION_PAUSES } else { &[] };
        for pause in pauses {
            if self.is_there(size_bytes, None).await {
                return true;
            }
            sleep(*pause).await;
        }
        self.is_there(size_bytes, None).await
    }

    /// Whether the object is there as it should be, though its last request has no clear answer.
    async fn is_there(&self, size_bytes: u64, sha256: Option<&str>) -> bool {
        let attempts = &self.bucket.attempts;
        let options = GetOptions { head: true, ..GetOptions::default() };
        let request = || self.bucket.client.objects.get_opts(&self.key, options.clone());
        let Ok(found) = attempts.make_once(attempts.patience(), request).await else { return false };
        let remembered =
            found.attributes.get(&Attribute::Metadata(SHA256.into())).map(|value| value.as_ref().to_owned());
        found.meta.size == size_bytes && sha256.is_none_or(|sha256| remembered.as_deref() == Some(sha256))
    }

    /// Gives up what was sent; what is left of it is in the notes.
    async fn abort(&mut self) {
        if let Some(upload) = self.upload.take() {
            abort(&self.bucket, &self.key, &upload, mem::take(&mut self.on_their_way)).await;
        }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let (Some(upload), Ok(runtime)) = (self.upload.take(), Handle::try_current()) else { return };
        let (bucket, key, on_their_way) =
            (Arc::clone(&self.bucket), self.key.clone(), mem::take(&mut self.on_their_way));
        runtime.spawn(async move { abort(&bucket, &key, &upload, on_their_way).await });
    }
}

/// A part that arrives after its upload was aborted may stay for ever, so those that are on their way are waited for.
async fn abort(bucket: &Bucket, key: &Path, upload: &MultipartId, mut on_their_way: Parts) {
    while on_their_way.join_next().await.is_some() {}
    if let Err(failure) = bucket.abort(key, upload).await {
        tracing::warn!(%failure, "multipart abort failed");
    }
}

impl Failure {
    /// For a blob that was to be written: whatever is not there or not as it was is no damage.
    fn of_upload(self) -> BlobError {
        match self.kind {
            Kind::Full => self.into(),
            _ => BlobError::Unavailable(io::Error::other(self)),
        }
    }
}
