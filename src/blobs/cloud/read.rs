//! Reads of a bucket: one range request, resumed where the store stalls or cuts the body off.

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

/// The number of resumes of a read. Each [`BYTES_PER_RESUME`] read allows one more.
const MAX_RESUMES: u64 = 8;
const BYTES_PER_RESUME: u64 = 16 << 20;

/// Opens a range of a blob. The store has found the object when this returns.
pub(super) async fn open(bucket: Arc<Bucket>, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError> {
    if range.is_empty() {
        return Ok(stream::empty().boxed());
    }
    let key = bucket.key_of(id);
    let mut reader =
        Reader { bucket, id, key, rest: range, tag: None, body: stream::empty().boxed(), resumed: 0, read: 0 };
    reader.ask().await.map_err(|failure| failure.into_blob_error(id))?;
    Ok(stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(reader))),
            Ok(None) => None,
            Err(failure) => Some((Err(failure.into_blob_error(reader.id)), None)),
        }
    })
    .boxed())
}

struct Reader {
    bucket: Arc<Bucket>,
    id: BlobId,
    key: Path,
    rest: ByteRange,
    /// The `ETag` of the object, so that a resumed read cannot mix two objects.
    tag: Option<String>,
    body: BoxStream<'static, object_store::Result<Bytes>>,
    resumed: u64,
    read: u64,
}

impl Reader {
    /// Requests the remaining range.
    async fn ask(&mut self) -> Result<(), Failure> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(self.rest.start..self.rest.end)),
            if_match: self.tag.clone(),
            ..GetOptions::default()
        };
        let retry = &self.bucket.retry;
        let request = || self.bucket.client.objects.get_opts(&self.key, options.clone());
        let found = retry.run(retry.timeout(), request).await?;
        if found.range != (self.rest.start..self.rest.end) {
            return Err(Failure::truncated());
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
            let failure = match timeout(self.bucket.retry.timeout(), self.body.next()).await {
                Ok(Some(Ok(chunk))) if chunk.len() as u64 <= self.rest.len() => {
                    self.rest.start += chunk.len() as u64;
                    self.read += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                Ok(Some(Ok(_))) => Failure::unexpected("the store sent more bytes than it was asked for"),
                Ok(Some(Err(error))) => Failure::from_client(&error),
                Ok(None) => Failure::unexpected("the store sent fewer bytes than it was asked for"),
                Err(_) => Failure::timed_out(),
            };
            self.bucket.retry.note(&failure);
            if self.resumed == MAX_RESUMES + self.read / BYTES_PER_RESUME {
                return Err(failure);
            }
            self.resumed += 1;
            tracing::debug!(blob = %self.id, %failure, "blob read resumed");
            self.ask().await?;
        }
    }
}
