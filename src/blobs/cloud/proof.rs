//! The start check of a bucket. It makes every later call once, on objects of its own, so that an unsuitable store is
//! found before client data depends on it.
//!
//! A store without checksums or bulk deletion is adapted to. For any other failure the error names the call and the
//! remedy.

use super::bucket::Bucket;
use super::connect::Protocol;
use super::failure::{Failure, Kind};
use super::parts::PART_BYTES;
use super::write::CloudWriter;
use crate::blobs::{BlobError, BlobWriter};
use crate::random;
use bytes::Bytes;
use futures_util::future::join_all;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStoreExt};
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

const CONTENT: &[u8] = b"venna";
/// The range of the read check.
const RANGE: Range<u64> = 1..4;

/// A call that the store must support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Put,
    Head,
    Get,
    Upload,
    Abort,
    Copy,
    List,
    Delete,
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Put => "putting an object",
            Self::Head => "asking for the length of an object",
            Self::Get => "reading a range of an object",
            Self::Upload => "uploading an object in two parts",
            Self::Abort => "aborting an upload",
            Self::Copy => "copying an object",
            Self::List => "listing objects",
            Self::Delete => "removing objects",
        })
    }
}

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {failure}{}", hint.map(|hint| format!(" ({hint})")).unwrap_or_default())]
struct Unproven {
    call: Call,
    failure: Failure,
    hint: Option<&'static str>,
}

/// Makes every call once, and deletes leftover objects.
///
/// # Errors
/// The first call that fails, the reason, and the remedy.
pub(super) async fn prove(bucket: &Arc<Bucket>) -> Result<(), BlobError> {
    let folder = bucket.root.clone().join(format!("probe-{:016x}", u64::from_be_bytes(random::bytes())));
    let keys = ["whole", "parts", "copy"].map(|name| folder.clone().join(name));
    let proven = make_calls(bucket, &folder, &keys).await;
    if proven.is_err() {
        join_all(keys.iter().map(|key| bucket.delete_one(key))).await;
    }
    proven
}

/// Returns whether the store refused the form of a request, not its credentials. It may accept another form.
pub(super) fn refused_form(error: &BlobError) -> bool {
    let BlobError::Unavailable(cause) = error else { return false };
    cause
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<Unproven>())
        .is_some_and(|unproven| matches!(unproven.call, Call::Put | Call::Upload) && unproven.failure.refused_form())
}

async fn make_calls(bucket: &Arc<Bucket>, folder: &Path, keys: &[Path; 3]) -> Result<(), BlobError> {
    let [whole, parts, copy] = keys;
    let failed = |call| move |error| name(bucket, call, error);
    write(bucket, whole, Bytes::from_static(CONTENT)).await.map_err(failed(Call::Put))?;
    let length = bucket.size_of(whole).await.map_err(failed(Call::Head))?;
    expect(length == Some(CONTENT.len() as u64), "another length than was put").map_err(failed(Call::Head))?;
    read(bucket, whole).await.map_err(failed(Call::Get))?;
    let large = usize::try_from(PART_BYTES).unwrap_or(usize::MAX).saturating_add(1);
    write(bucket, parts, Bytes::from(vec![b'v'; large])).await.map_err(failed(Call::Upload))?;
    let length = bucket.size_of(parts).await.map_err(failed(Call::Upload))?;
    expect(length == Some(PART_BYTES + 1), "another length than its parts").map_err(failed(Call::Upload))?;
    abort(bucket, copy).await.map_err(failed(Call::Abort))?;
    let request = || bucket.client.objects.copy(whole, copy);
    let copied = bucket.retry.run(bucket.retry.timeout(), request).await;
    copied.map_err(BlobError::from).map_err(failed(Call::Copy))?;
    let listed = bucket.list_keys(folder, None).await.map_err(BlobError::from).map_err(failed(Call::List))?;
    expect(keys.iter().all(|key| listed.contains(key)), "not what was put").map_err(failed(Call::List))?;
    let left = bucket.delete_keys(keys).await;
    left.into_values().next().map_or(Ok(()), |failure| Err(name(bucket, Call::Delete, failure.into())))
}

/// Writes an object as blobs are written.
async fn write(bucket: &Arc<Bucket>, key: &Path, content: Bytes) -> Result<(), BlobError> {
    let mut writer = Box::new(CloudWriter::new(Arc::clone(bucket), key.clone(), None));
    writer.write(content).await?;
    writer.finish().await.map(drop)
}

async fn read(bucket: &Bucket, key: &Path) -> Result<(), BlobError> {
    let options = GetOptions { range: Some(GetRange::Bounded(RANGE)), ..GetOptions::default() };
    let request = || async { bucket.client.objects.get_opts(key, options.clone()).await?.bytes().await };
    let found = bucket.retry.run(bucket.retry.timeout(), request).await?;
    let wanted = CONTENT.iter().copied().skip(1).take(3);
    expect(found.iter().copied().eq(wanted), "other bytes than were put")
}

/// Begins and aborts an upload.
async fn abort(bucket: &Bucket, key: &Path) -> Result<(), BlobError> {
    let request = || bucket.client.multiparts.0.create_multipart(key);
    let upload = bucket.retry.run(bucket.retry.timeout(), request).await?;
    Ok(bucket.abort(key, &upload).await?)
}

fn expect(holds: bool, otherwise: &'static str) -> Result<(), BlobError> {
    if holds { Ok(()) } else { Err(Failure::wrong_outcome(otherwise).into()) }
}

/// Adds the failed call and the remedy to an error. A full store is usable, so its error is passed on.
fn name(bucket: &Bucket, call: Call, error: BlobError) -> BlobError {
    let BlobError::Unavailable(cause) = error else { return error };
    match cause.downcast::<Failure>() {
        Ok(failure) => {
            let hint = (bucket.protocol == Protocol::S3).then(|| hint(call, &failure)).flatten();
            BlobError::Unavailable(io::Error::other(Unproven { call, failure, hint }))
        }
        Err(cause) => BlobError::Unavailable(cause),
    }
}

fn hint(call: Call, failure: &Failure) -> Option<&'static str> {
    let by_code = match failure.code()? {
        "SignatureDoesNotMatch" | "InvalidAccessKeyId" => "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
        "AuthorizationHeaderMalformed" | "PermanentRedirect" => "AWS_REGION, AWS_ENDPOINT",
        "NoSuchBucket" => "the bucket is not made; or AWS_ENDPOINT, AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
        "RequestTimeTooSkewed" => "the clock of this machine is wrong",
        "AccessDenied" => "the rights that are needed: docs/operations.md, \"Blobs in a bucket\"",
        _ => "",
    };
    let by_call = match call {
        Call::Put => "AWS_CHECKSUM_ALGORITHM=none, AWS_CONDITIONAL_PUT=disabled",
        Call::Upload => "AWS_CHECKSUM_ALGORITHM=none",
        Call::Delete => "AWS_DISABLE_BULK_DELETE=true",
        _ => "",
    };
    let refused_form = failure.refused_form();
    [by_code, if refused_form { by_call } else { "" }].into_iter().find(|hint| !hint.is_empty())
}

impl Failure {
    /// Returns whether the store refused the form of a request.
    fn refused_form(&self) -> bool {
        self.kind == Kind::Unsupported || matches!(self.status(), Some(400 | 405 | 411 | 501))
    }
}
