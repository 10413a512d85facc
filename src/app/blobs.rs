//! Where blobs are: in a folder or in a bucket, to be written to or to be looked at.

use super::data_dir::create_folder;
use crate::blobs::cloud::{BucketConfig, CloudBlobs, Protocol, UploadNotes};
use crate::blobs::local::LocalBlobs;
use crate::blobs::{BlobError, BlobStore};
use crate::config::{BlobsConfig, CloudConfig, CloudScheme, Config, StoreConfig, UpkeepConfig};
use crate::metadata::BlobRows;
use crate::model::ids::BlobId;
use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the bytes of deleted files are kept where other servers may be reading them (docs/design/durability.md, R8).
const SHARED_DELETE_DELAY: Duration = Duration::from_mins(10);

/// The blobs, to write to; that they can be is shown once.
pub(super) async fn open_blobs(stores: &StoreConfig, metadata: Arc<dyn BlobRows>) -> Result<Arc<dyn BlobStore>> {
    match &stores.blobs {
        BlobsConfig::Folder(folder) => open_folder(folder).await,
        BlobsConfig::Cloud(cloud) => open_cloud(cloud, stores, Arc::new(RowNotes(metadata))).await,
    }
}

/// The blobs, to write to before they have rows. What a crash leaves of an upload to a bucket is known to nobody then.
pub(super) async fn open_unnoted(stores: &StoreConfig) -> Result<Arc<dyn BlobStore>> {
    match &stores.blobs {
        BlobsConfig::Folder(folder) => {
            create_folder(folder)?;
            open_folder(folder).await
        }
        BlobsConfig::Cloud(cloud) => open_cloud(cloud, stores, Arc::new(NoNotes)).await,
    }
}

async fn open_cloud(
    cloud: &CloudConfig,
    stores: &StoreConfig,
    notes: Arc<dyn UploadNotes>,
) -> Result<Arc<dyn BlobStore>> {
    // What is wrong with the variables is said first.
    let unproven = connect(cloud, stores.blobs_timeout, Arc::clone(&notes))?;
    match CloudBlobs::open(&bucket_config(cloud, stores.blobs_timeout), notes).await {
        Ok(blobs) => Ok(Arc::new(blobs)),
        Err(BlobError::OutOfSpace(error)) => {
            tracing::warn!(%error, "blob store full");
            Ok(Arc::new(unproven))
        }
        Err(error) => Err(told(error)).with_context(|| format!("cannot keep blobs in {cloud} (blobs_url)")),
    }
}

/// The blobs, to read from.
pub(super) async fn look_at_blobs(stores: &StoreConfig, metadata: Arc<dyn BlobRows>) -> Result<Arc<dyn BlobStore>> {
    match &stores.blobs {
        BlobsConfig::Folder(folder) => look_at_folder(folder).await,
        BlobsConfig::Cloud(cloud) => {
            let notes = Arc::new(RowNotes(metadata));
            Ok(Arc::new(connect(cloud, stores.blobs_timeout, notes)?))
        }
    }
}

/// A folder of blobs, to write to.
pub(super) async fn open_folder(folder: &Path) -> Result<Arc<dyn BlobStore>> {
    Ok(Arc::new(open_local(folder).await?))
}

/// A folder of blobs, to write to and to link into.
pub(super) async fn open_local(folder: &Path) -> Result<LocalBlobs> {
    let root = folder.to_owned();
    let blobs = tokio::task::spawn_blocking(move || LocalBlobs::open(&root)).await?;
    blobs.with_context(|| format!("cannot keep blobs in {}", folder.display()))
}

/// A folder of blobs, to read from and to link from.
pub(super) async fn look_at_local(folder: &Path) -> Result<LocalBlobs> {
    let root = folder.to_owned();
    let blobs = tokio::task::spawn_blocking(move || LocalBlobs::open_unproven(&root)).await?;
    blobs.with_context(|| format!("cannot open the folder of blobs {}", folder.display()))
}

/// A folder of blobs, to read from.
pub(super) async fn look_at_folder(folder: &Path) -> Result<Arc<dyn BlobStore>> {
    Ok(Arc::new(look_at_local(folder).await?))
}

/// How long the bytes of what was deleted are kept.
pub(super) fn delete_delay(stores: &StoreConfig, upkeep: &UpkeepConfig) -> Duration {
    let usual = if stores.blobs_folder().is_some() { Duration::ZERO } else { SHARED_DELETE_DELAY };
    upkeep.delete_delay.unwrap_or(usual)
}

/// Returns the time between two notes of the newest ledger row beside the blobs: a folder takes one without an fsync, a bucket
/// charges for each.
pub(super) fn event_period(stores: &StoreConfig) -> Duration {
    if stores.blobs_folder().is_some() { Duration::from_secs(1) } else { Duration::from_mins(1) }
}

/// Refuses settings that are valid each and make no sense together.
///
/// # Errors
/// When downloads are to be redirected to a store that no client can be sent to.
pub fn refuse_contradictions(config: &Config) -> Result<()> {
    match &config.stores.blobs {
        BlobsConfig::Cloud(cloud) if cloud.scheme != CloudScheme::Azure => Ok(()),
        _ if !config.blobs_redirect => Ok(()),
        BlobsConfig::Folder(_) => bail!("blobs_redirect needs blobs in a bucket (blobs_url s3:// or gs://)"),
        BlobsConfig::Cloud(cloud) => bail!("blobs_redirect cannot be had of {cloud}: its URLs name no download"),
    }
}

fn bucket_config(cloud: &CloudConfig, request_time: Duration) -> BucketConfig {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    BucketConfig {
        protocol: match cloud.scheme {
            CloudScheme::S3 => Protocol::S3,
            CloudScheme::Gcs => Protocol::Gcs,
            CloudScheme::Azure => Protocol::Azure,
        },
        bucket: cloud.bucket.clone(),
        prefix: cloud.prefix.clone(),
        variables: cloud.variables.of(cloud.scheme).map(owned).collect(),
        request_time,
    }
}

fn connect(cloud: &CloudConfig, request_time: Duration, notes: Arc<dyn UploadNotes>) -> Result<CloudBlobs> {
    CloudBlobs::connect(&bucket_config(cloud, request_time), notes).map_err(told).with_context(|| {
        format!("cannot reach {cloud} (blobs_url) with the variables {}*", cloud.scheme.variables_begin_with())
    })
}

/// The cause alone: that the blob store failed is said by whoever asked it.
fn told(error: BlobError) -> anyhow::Error {
    match error {
        BlobError::Unavailable(cause) | BlobError::OutOfSpace(cause) => anyhow!(cause.to_string()),
        damaged @ BlobError::Damaged(..) => damaged.into(),
    }
}

/// Nowhere to note uploads.
#[derive(Debug)]
struct NoNotes;

#[async_trait]
impl UploadNotes for NoNotes {
    async fn note(&self, _blob: BlobId, _upload: &str) -> Result<(), BlobError> {
        Ok(())
    }

    async fn noted(&self, _blobs: &[BlobId]) -> Result<Vec<(BlobId, String)>, BlobError> {
        Ok(Vec::new())
    }
}

/// Notes of uploads in the rows of their blobs.
#[derive(Debug)]
struct RowNotes(Arc<dyn BlobRows>);

#[async_trait]
impl UploadNotes for RowNotes {
    async fn note(&self, blob: BlobId, upload: &str) -> Result<(), BlobError> {
        match self.0.note_blob_upload(blob, upload).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(io::Error::other("the blob has no row").into()),
            Err(error) => Err(io::Error::other(error).into()),
        }
    }

    async fn noted(&self, blobs: &[BlobId]) -> Result<Vec<(BlobId, String)>, BlobError> {
        Ok(self.0.blob_uploads(blobs.to_vec()).await.map_err(io::Error::other)?)
    }
}
