//! Keys under `quarantine/`: what no row explains waits there before it is removed, each under the blob's name and the
//! second from which on it waits.

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
/// What stands between a blob's name and the second.
const SINCE: char = '.';
/// The largest object that S3 copies with one request, in bytes: 5 GiB.
const MAX_COPY_BYTES: u64 = 5 << 30;
/// The slowest copy within the store that is waited for: 16 times as fast as a transfer.
const COPY_SPEED: u64 = 16;

/// Moves a blob to the quarantine, as of `now_seconds`: a copy, and the original only once that is there. False when there
/// is no such blob.
pub(super) async fn enter(bucket: &Arc<Bucket>, id: BlobId, now_seconds: u64) -> Result<bool, BlobError> {
    let Some(size_bytes) = bucket.size(id).await? else { return Ok(false) };
    let (from, to) = (bucket.key_of(id), folder(bucket).join(format!("{id}{SINCE}{now_seconds}")));
    if size_bytes <= MAX_COPY_BYTES {
        let attempts = &bucket.attempts;
        let request = || bucket.client.objects.copy(&from, &to);
        attempts.make(attempts.patience_for(size_bytes / COPY_SPEED), request).await?;
    } else {
        carry(bucket, id, size_bytes, to).await?;
    }
    remove(bucket, &from).await?;
    Ok(true)
}

/// What is too large for one request of the store goes through this process.
async fn carry(bucket: &Arc<Bucket>, id: BlobId, size_bytes: u64, to: Path) -> Result<(), BlobError> {
    let mut writer = Box::new(CloudWriter::new(Arc::clone(bucket), to, None));
    let mut content = read::open(Arc::clone(bucket), id, ByteRange::whole(size_bytes)).await?;
    while let Some(chunk) = content.try_next().await? {
        writer.write(chunk).await?;
    }
    writer.finish().await.map(drop)
}

/// The names of blobs in the quarantine.
pub(super) async fn names(bucket: &Arc<Bucket>) -> Result<Vec<String>, BlobError> {
    Ok(entries(bucket).await?.into_iter().map(|(_, name, _)| name).collect())
}

/// Removes what has been there since `before_seconds` or longer; how many there were.
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

/// Key, name and second of each; what was not put there by this program has no second, and stays.
async fn entries(bucket: &Arc<Bucket>) -> Result<Vec<(Path, String, Option<u64>)>, BlobError> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = bucket.list(&folder(bucket), after.as_ref()).await?;
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
