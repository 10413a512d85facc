//! Reading: one range request, that goes on where it stopped when the store falls silent or cuts it off.

use super::bucket::Bucket;
use super::failure::Failure;
use crate::blobs::{BlobError, BlobStream};
use crate::model::byte_range::ByteRange;
use crate::model::ids::BlobId;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetRange};
use std::sync::Arc;
use tokio::time::timeout;

/// How often a read is taken up again, and once more for each [`BYTES_PER_RESUMPTION`] that it has brought.
const RESUMPTIONS: u64 = 8;
const BYTES_PER_RESUMPTION: u64 = 16 << 20;

/// Opens a stretch of a blob; it was found when this returns.
pub(super) async fn open(bucket: Arc<Bucket>, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError> {
    if range.is_empty() {
        return Ok(stream::empty().boxed());
    }
    let key = bucket.key_of(id);
    let mut reader =
        Reader { bucket, id, key, rest: range, tag: None, body: stream::empty().boxed(), resumed: 0, read: 0 };
    reader.ask().await.map_err(|failure| failure.of_blob(id))?;
    Ok(stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(reader))),
            Ok(None) => None,
            Err(failure) => Some((Err(failure.of_blob(reader.id)), None)),
        }
    })
    .boxed())
}

struct Reader {
    bucket: Arc<Bucket>,
    id: BlobId,
    key: Path,
    rest: ByteRange,
    /// What the store calls this object, so that what is read later is of the same one.
    tag: Option<String>,
    body: BoxStream<'static, object_store::Result<Bytes>>,
    resumed: u64,
    read: u64,
}

impl Reader {
    /// Asks for what is left.
    async fn ask(&mut self) -> Result<(), Failure> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(self.rest.start..self.rest.end)),
            if_match: self.tag.clone(),
            ..GetOptions::default()
        };
        let attempts = &self.bucket.attempts;
        let request = || self.bucket.client.objects.get_opts(&self.key, options.clone());
        let found = attempts.make(attempts.patience(), request).await?;
        if found.range != (self.rest.start..self.rest.end) {
            return Err(Failure::short());
        }
        self.tag.clone_from(&found.meta.e_tag);
        self.body = found.into_stream();
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let failure = match timeout(self.bucket.attempts.patience(), self.body.next()).await {
                Ok(Some(Ok(chunk))) if chunk.len() as u64 <= self.rest.len() => {
                    self.rest.start += chunk.len() as u64;
                    self.read += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                Ok(Some(Ok(_))) => Failure::odd("the store sent more bytes than it was asked for"),
                Ok(Some(Err(error))) => Failure::of(&error),
                Ok(None) => Failure::odd("the store sent fewer bytes than it was asked for"),
                Err(_) => Failure::silent(),
            };
            self.bucket.attempts.note(&failure);
            if self.resumed == RESUMPTIONS + self.read / BYTES_PER_RESUMPTION {
                return Err(failure);
            }
            self.resumed += 1;
            tracing::debug!(blob = %self.id, %failure, "blob read resumed");
            self.ask().await?;
        }
    }
}
