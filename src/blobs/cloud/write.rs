//! Writes to a bucket. A blob that fits into one part is put with one request, a larger one as a multipart upload with
//! parallel parts.
//!
//! Nothing is visible before the last request. If its answer is lost, the writer asks for the key, which no other
//! process writes.

use super::bucket::{Bucket, IN_FLIGHT_PARTS};
use super::failure::{Failure, Kind};
use super::parts::{Collected, Hashing, PART_BYTES, part_bytes};
use super::retry::RetryPolicy;
use crate::blobs::blocking_pipeline::BlockingPipeline;
use crate::blobs::digest::ContentHasher;
use crate::blobs::{BlobError, BlobWriter, WriteLimiter};
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
use tokio::time::{Instant, sleep};

/// The maximum of parallel parts of one blob.
const PARTS_AT_ONCE: usize = 4;
/// The extra time for completing an upload, per part: a store may copy the parts then, at 80 MiB per second.
const TIME_PER_PART: Duration = Duration::from_millis(100);
/// The pause between checks for an object that an earlier attempt may still be making.
const CHECK_PAUSE: Duration = Duration::from_millis(500);
/// The time of such checks for an upload that is unknown although each attempt was answered.
const MISSING_TIME: Duration = Duration::from_secs(1);
/// The metadata key of an object's SHA-256.
const SHA256: &str = "sha256";

/// A blob that is being written to the bucket.
pub(super) struct CloudWriter {
    hashing: Option<BlockingPipeline<Hashing>>,
    pieces: UnboundedReceiver<Bytes>,
    collected: Collected,
    object: Object,
}

impl CloudWriter {
    /// Returns a writer to `key`. A multipart upload is recorded under `id`; none for objects that are no blobs.
    pub(super) fn new(bucket: Arc<Bucket>, key: Path, id: Option<BlobId>) -> Self {
        let (sender, pieces) = unbounded_channel();
        let hashing = Hashing { hasher: ContentHasher::default(), pieces: sender };
        Self {
            hashing: Some(BlockingPipeline::new(hashing)),
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

    /// Moves hashed pieces to the buffer, and sends full parts except the last.
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
    fn limit_writes(&mut self, limiter: WriteLimiter) {
        if let Some(hashing) = &mut self.hashing {
            hashing.limit_writes(limiter);
        }
    }

    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        let hashing = self.hashing.as_mut().ok_or_else(|| io::Error::other("the blob has ended"))?;
        hashing.write(chunk).await?;
        self.send_full_parts().await
    }

    /// Aborts the upload in the background on failure, so that the caller does not wait for it.
    async fn finish(mut self: Box<Self>) -> Result<ContentDigest, BlobError> {
        self.end().await
    }

    async fn discard(mut self: Box<Self>) {
        self.object.abort().await;
    }
}

/// Parts in transfer, with their indices.
type Parts = JoinSet<Result<(u64, PartId), Failure>>;

/// An object that is not visible yet.
struct Object {
    bucket: Arc<Bucket>,
    key: Path,
    id: Option<BlobId>,
    /// The upload id, once an upload has begun.
    upload: Option<MultipartId>,
    on_their_way: Parts,
    stored: BTreeMap<u64, PartId>,
    begun: u64,
}

impl Object {
    /// Sends the next part once a permit is free.
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
            let (retry, multiparts) = (&bucket.retry, &bucket.client.multiparts.0);
            let request = || multiparts.put_part(&key, &upload, index, payload.clone());
            let stored = retry.run(retry.timeout_for(bytes), request).await;
            drop(room);
            stored.map(|part| (place, part))
        });
        Ok(())
    }

    /// Begins a multipart upload and records it before the first billed part.
    async fn begin(&mut self) -> Result<MultipartId, BlobError> {
        let (retry, multiparts) = (&self.bucket.retry, &self.bucket.client.multiparts.0);
        let upload = retry.run(retry.timeout(), || multiparts.create_multipart(&self.key)).await?;
        self.upload = Some(upload.clone());
        // Azure has no upload ids: parts that are not committed expire.
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
        let (retry, multiparts) = (&self.bucket.retry, &self.bucket.client.multiparts.0);
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let time_limit = retry.timeout() + TIME_PER_PART * count;
        let deadline = Instant::now() + RetryPolicy::whole_time(time_limit);
        let request = || multiparts.complete_multipart(&self.key, upload, parts.clone());
        match retry.run(time_limit, request).await {
            Ok(_) => {}
            // An attempt whose answer was lost may have completed the upload, which removes it.
            Err(failure) if self.is_stored_by(deadline, &failure, size_bytes, None).await => {
                tracing::debug!(%failure, "multipart completion confirmed after error");
            }
            Err(failure) => return Err(failure.into_upload_error()),
        }
        self.upload = None;
        Ok(())
    }

    /// Puts the whole object with one request, on condition that the key is free where the store supports it.
    async fn put(&self, content: Vec<Bytes>, digest: &ContentDigest) -> Result<(), BlobError> {
        let payload = PutPayload::from_iter(content);
        let sha256 = digest.sha256.to_string();
        let time_limit = self.bucket.retry.timeout_for(payload.content_length() as u64);
        let deadline = Instant::now() + RetryPolicy::whole_time(time_limit);
        let mut stored = self.put_as(PutMode::Create, &payload, &sha256, time_limit).await;
        if matches!(&stored, Err(failure) if failure.kind == Kind::Unsupported || failure.status() == Some(400)) {
            stored = self.put_as(PutMode::Overwrite, &payload, &sha256, time_limit).await;
        }
        match stored {
            Ok(()) => Ok(()),
            Err(failure) if self.is_stored_by(deadline, &failure, digest.size_bytes, Some(&sha256)).await => {
                tracing::debug!(%failure, "blob write confirmed after error");
                Ok(())
            }
            Err(failure) => Err(failure.into_upload_error()),
        }
    }

    async fn put_as(
        &self,
        mode: PutMode,
        payload: &PutPayload,
        sha256: &str,
        time_limit: Duration,
    ) -> Result<(), Failure> {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::Metadata(SHA256.into()), sha256.to_owned().into());
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let request = || self.bucket.client.objects.put_opts(&self.key, payload.clone(), options.clone());
        self.bucket.retry.run(time_limit, request).await.map(drop)
    }

    /// Returns whether the object is there although the request failed. An attempt without an answer may still be
    /// running in the store, which answers the next one as it likes; then the object is looked for until `deadline`,
    /// as long as the store answers.
    async fn is_stored_by(&self, deadline: Instant, failure: &Failure, size_bytes: u64, sha256: Option<&str>) -> bool {
        let last = match failure.kind {
            _ if failure.is_unanswered => deadline,
            Kind::Missing => deadline.min(Instant::now() + MISSING_TIME),
            _ => Instant::now(),
        };
        loop {
            match self.is_stored(size_bytes, sha256).await {
                Ok(false) if Instant::now() + CHECK_PAUSE <= last => sleep(CHECK_PAUSE).await,
                outcome => return outcome.unwrap_or_default(),
            }
        }
    }

    /// Returns whether the object exists with the right length and SHA-256.
    async fn is_stored(&self, size_bytes: u64, sha256: Option<&str>) -> Result<bool, Failure> {
        let retry = &self.bucket.retry;
        let options = GetOptions { head: true, ..GetOptions::default() };
        let request = || self.bucket.client.objects.get_opts(&self.key, options.clone());
        let found = match retry.run_once(retry.timeout(), request).await {
            Ok(found) => found,
            Err(Failure { kind: Kind::Missing, .. }) => return Ok(false),
            Err(failure) => return Err(failure),
        };
        let remembered = found.attributes.get(&Attribute::Metadata(SHA256.into())).map(AsRef::as_ref);
        Ok(found.meta.size == size_bytes && sha256.is_none_or(|sha256| remembered == Some(sha256)))
    }

    /// Aborts the upload. What remains is in the notes.
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

/// Aborts an upload after its parts in transfer have ended: a part that arrives later may stay for ever.
async fn abort(bucket: &Bucket, key: &Path, upload: &MultipartId, mut on_their_way: Parts) {
    while on_their_way.join_next().await.is_some() {}
    if let Err(failure) = bucket.abort(key, upload).await {
        tracing::warn!(%failure, "multipart abort failed");
    }
}

impl Failure {
    /// Converts the failure of a write. A missing or changed object is not damage here.
    fn into_upload_error(self) -> BlobError {
        match self.kind {
            Kind::Full => self.into(),
            _ => BlobError::Unavailable(io::Error::other(self)),
        }
    }
}
