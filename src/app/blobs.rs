//! Opens the blob store, in a folder or in a bucket, for writing or for reading.

use super::data_dir::create_folder;
use crate::blobs::cloud::{BucketConfig, CloudBlobs, Protocol, UploadNotes};
use crate::blobs::local::LocalBlobs;
use crate::blobs::{BlobError, BlobStore};
use crate::config::{BlobsConfig, CloudConfig, CloudScheme, Config, StoreConfig};
use crate::metadata::BlobRows;
use crate::model::ids::BlobId;
use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Opens the blob store for writing and checks it.
pub(super) async fn open_blobs(stores: &StoreConfig, metadata: Arc<dyn BlobRows>) -> Result<Arc<dyn BlobStore>> {
    match &stores.blobs {
        BlobsConfig::Folder(folder) => open_folder(folder).await,
        BlobsConfig::Cloud(cloud) => open_cloud(cloud, stores, Arc::new(RowNotes(metadata))).await,
    }
}

/// Opens the blob store for writing before blobs have rows. Multipart uploads that a crash leaves behind are not
/// recorded then.
pub(super) async fn open_blobs_without_notes(stores: &StoreConfig) -> Result<Arc<dyn BlobStore>> {
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
    // Errors in the variables are reported first.
    let unproven = connect(cloud, stores.blobs_timeout, Arc::clone(&notes))?;
    match CloudBlobs::open(&bucket_config(cloud, stores.blobs_timeout), notes).await {
        Ok(blobs) => Ok(Arc::new(blobs)),
        Err(BlobError::OutOfSpace(error)) => {
            tracing::warn!(%error, "blob store full");
            Ok(Arc::new(unproven))
        }
        Err(error) => Err(cause_of(error)).with_context(|| format!("cannot use the blob store {cloud} (blobs_url)")),
    }
}

/// Opens the blob store for reading.
pub(super) async fn open_blobs_readonly(
    stores: &StoreConfig,
    metadata: Arc<dyn BlobRows>,
) -> Result<Arc<dyn BlobStore>> {
    match &stores.blobs {
        BlobsConfig::Folder(folder) => open_folder_readonly(folder).await,
        BlobsConfig::Cloud(cloud) => {
            let notes = Arc::new(RowNotes(metadata));
            Ok(Arc::new(connect(cloud, stores.blobs_timeout, notes)?))
        }
    }
}

/// Opens a blob folder for writing.
pub(super) async fn open_folder(folder: &Path) -> Result<Arc<dyn BlobStore>> {
    Ok(Arc::new(open_local(folder).await?))
}

/// Opens a blob folder for writing and linking into.
pub(super) async fn open_local(folder: &Path) -> Result<LocalBlobs> {
    let root = folder.to_owned();
    let blobs = tokio::task::spawn_blocking(move || LocalBlobs::open(&root)).await?;
    blobs.with_context(|| format!("cannot use the blob store {}", folder.display()))
}

/// Opens a blob folder for reading and linking from.
pub(super) async fn open_local_readonly(folder: &Path) -> Result<LocalBlobs> {
    let root = folder.to_owned();
    let blobs = tokio::task::spawn_blocking(move || LocalBlobs::open_without_probe(&root)).await?;
    blobs.with_context(|| format!("cannot open the blob folder {}", folder.display()))
}

/// Opens a blob folder for reading.
pub(super) async fn open_folder_readonly(folder: &Path) -> Result<Arc<dyn BlobStore>> {
    Ok(Arc::new(open_local_readonly(folder).await?))
}

/// Returns the interval of `last-event` notes beside the blobs. A folder takes one without an fsync; a bucket charges
/// for each.
pub(super) fn event_period(stores: &StoreConfig) -> Duration {
    if stores.blobs_folder().is_some() { Duration::from_secs(1) } else { Duration::from_mins(1) }
}

/// Checks combinations of settings.
///
/// # Errors
/// When downloads are to be redirected to a store without signed URLs.
pub fn check_combinations(config: &Config) -> Result<()> {
    match &config.stores.blobs {
        BlobsConfig::Cloud(cloud) if cloud.scheme != CloudScheme::Azure => Ok(()),
        _ if !config.files.blobs_redirect => Ok(()),
        BlobsConfig::Folder(_) => bail!("blobs_redirect needs blobs in a bucket (blobs_url s3:// or gs://)"),
        BlobsConfig::Cloud(cloud) => {
            bail!("blobs_redirect is not supported by {cloud}: its signed URLs cannot set a Content-Disposition")
        }
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

/// Creates a client of a bucket for objects that are no blobs, without a request.
pub(super) fn connect_for_trial(cloud: &CloudConfig, request_time: Duration) -> Result<CloudBlobs> {
    connect(cloud, request_time, Arc::new(NoNotes))
}

fn connect(cloud: &CloudConfig, request_time: Duration, notes: Arc<dyn UploadNotes>) -> Result<CloudBlobs> {
    CloudBlobs::connect(&bucket_config(cloud, request_time), notes).map_err(cause_of).with_context(|| {
        format!("cannot reach {cloud} (blobs_url) with the variables {}*", cloud.scheme.variables_begin_with())
    })
}

/// Returns the cause alone: the caller states that the blob store failed.
fn cause_of(error: BlobError) -> anyhow::Error {
    match error {
        BlobError::Unavailable(cause) | BlobError::OutOfSpace(cause) => anyhow!(cause.to_string()),
        damaged @ BlobError::Damaged(..) => damaged.into(),
    }
}

/// Upload notes that are not kept.
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

/// Upload notes in the rows of their blobs.
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
