//! The quarantine of a bucket: blobs without a row wait under `quarantine/<name>.<second>` before they are deleted.

use super::bucket::Bucket;
use super::read;
use super::write::CloudWriter;
use crate::blobs::{BlobError, BlobWriter};
use crate::model::byte_range::ByteRange;
use crate::model::ids::BlobId;
use futures_util::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use std::sync::Arc;

const FOLDER: &str = "quarantine";
/// The separator of the blob's name and the second.
const SINCE: char = '.';
/// The largest object that S3 copies with one request, in bytes: 5 GiB.
const MAX_COPY_BYTES: u64 = 5 << 30;
/// The speed of copies within the store, relative to the slowest tolerated transfer.
const COPY_SPEED: u64 = 16;

/// Moves a blob to the quarantine, dated `now_seconds`. It copies first and deletes the original afterwards. Returns
/// false for a missing blob.
pub(super) async fn enter(bucket: &Arc<Bucket>, id: BlobId, now_seconds: u64) -> Result<bool, BlobError> {
    let Some(size_bytes) = bucket.size(id).await? else { return Ok(false) };
    let (from, to) = (bucket.key_of(id), folder(bucket).join(format!("{id}{SINCE}{now_seconds}")));
    if size_bytes <= MAX_COPY_BYTES {
        let retry = &bucket.retry;
        let request = || bucket.client.objects.copy(&from, &to);
        retry.run(retry.timeout_for(size_bytes / COPY_SPEED), request).await?;
    } else {
        carry(bucket, id, size_bytes, to).await?;
    }
    remove(bucket, &from).await?;
    Ok(true)
}

/// Copies an object through this process that is too large for one copy request.
async fn carry(bucket: &Arc<Bucket>, id: BlobId, size_bytes: u64, to: Path) -> Result<(), BlobError> {
    let mut writer = Box::new(CloudWriter::new(Arc::clone(bucket), to, None));
    let mut content = read::open(Arc::clone(bucket), id, ByteRange::whole(size_bytes)).await?;
    while let Some(chunk) = content.try_next().await? {
        writer.write(chunk).await?;
    }
    writer.finish().await.map(drop)
}

/// Returns the names of quarantined blobs.
pub(super) async fn list(bucket: &Arc<Bucket>) -> Result<Vec<String>, BlobError> {
    Ok(entries(bucket).await?.into_iter().map(|(_, name, _)| name).collect())
}

/// Deletes blobs quarantined at `before_seconds` or earlier. Returns their number.
pub(super) async fn purge(bucket: &Arc<Bucket>, before_seconds: u64) -> Result<usize, BlobError> {
    let mut purged = 0;
    for (key, _, since) in entries(bucket).await? {
        if since.is_some_and(|since| since <= before_seconds) {
            remove(bucket, &key).await?;
            purged += 1;
        }
    }
    Ok(purged)
}

/// Returns key, name and second of each entry. Keys that this program did not write have no second, and are kept.
async fn entries(bucket: &Arc<Bucket>) -> Result<Vec<(Path, String, Option<u64>)>, BlobError> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = bucket.list_keys(&folder(bucket), after.as_ref()).await?;
        let Some(last) = page.last() else { return Ok(entries) };
        after = Some(last.clone());
        for key in page {
            let file = key.filename().unwrap_or_default();
            let (name, since) = file.rsplit_once(SINCE).unwrap_or((file, ""));
            entries.push((key.clone(), name.to_owned(), since.parse().ok()));
        }
    }
}

fn folder(bucket: &Bucket) -> Path {
    bucket.root.clone().join(FOLDER)
}

async fn remove(bucket: &Bucket, key: &Path) -> Result<(), BlobError> {
    Ok(bucket.delete_one(key).await?)
}
