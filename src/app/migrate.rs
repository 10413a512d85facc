//! Migrates an installation from SQLite to stores that several servers share.
//!
//! The source is stopped and not changed. Blobs are copied first and checked twice; rows go last, in one transaction. A
//! repeated migration reuses the blobs of one that was cut off.

use super::archived::{Archived, Progress};
use super::blobs::{open_blobs_readonly, open_blobs_without_notes};
use super::data_dir::lock;
use super::installation::Installation;
use crate::archive::copy_blobs;
use crate::blobs::BlobStore;
use crate::clock::Clock;
use crate::config::{MetadataConfig, StoreConfig};
use crate::metadata::postgres::PostgresStore;
use crate::metadata::{BlobRows, MetadataError, ReadyBlob};
use crate::model::ids::BlobId;
use crate::model::stamp::{Stamp, StorePairing};
use crate::sweep;
use anyhow::{Context, Result, bail};
use std::sync::Arc;

/// Migrates the installation of `source` to the stores of `target` that differ. Returns the copied blobs.
///
/// # Errors
/// When it fails. Copied blobs stay, and the target holds no installation.
pub async fn migrate(source: &StoreConfig, target: &StoreConfig, progress: Progress<'_>) -> Result<Archived> {
    let (Some(database), MetadataConfig::Postgres(url)) = (source.database(), &target.metadata) else {
        bail!("a migration is from SQLite (metadata_url) to PostgreSQL (--to-metadata-url)");
    };
    let clock = Clock::system();
    let installation = Installation::open_existing(source, clock.clone()).await?;
    let _locks = lock(source).context("the installation must not be in use: stop the server")?;
    let from = open_blobs_readonly(source, installation.rows()).await?;
    let pairing = sweep::pairing::of(&*installation.metadata, &*from).await?;
    if pairing != StorePairing::Paired {
        bail!("{pairing}: what moves would be worth nothing");
    }
    let refused = "the database of --to-metadata-url cannot be filled";
    PostgresStore::check_fillable(url.expose()).await.context(refused)?;
    let mut archived = Archived::default();
    if target.blobs != source.blobs {
        let to = open_blobs_without_notes(target).await?;
        claim(&*to, installation.metadata.stamp().await?).await?;
        copy_missing(&*installation.metadata, &from, &to, &mut archived, progress).await?;
        archived.find_owners(&*installation.metadata).await?;
    }
    drop(installation);
    PostgresStore::fill(url.expose(), database, clock.now_seconds()).await.context(refused)?;
    Ok(archived)
}

/// Stamps the target for this installation, unless another has it.
async fn claim(to: &dyn BlobStore, stamp: Option<Stamp>) -> Result<()> {
    let found = to.stamp().await?;
    if found.is_none() && to.list(None).await?.is_some_and(|page| !page.blobs.is_empty()) {
        bail!("--to-blobs-url holds blobs without a stamp already");
    }
    match (found, stamp) {
        (Some(found), Some(stamp)) if found.installation != stamp.installation => {
            bail!("--to-blobs-url holds the blobs of another installation")
        }
        (_, Some(stamp)) => Ok(to.set_stamp(stamp).await?),
        (_, None) => Ok(()),
    }
}

async fn copy_missing(
    metadata: &dyn BlobRows,
    from: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    archived: &mut Archived,
    progress: Progress<'_>,
) -> Result<()> {
    let missing = async |after, limit| missing(metadata, &**to, after, limit).await;
    let mut note = |copied| {
        archived.add(copied);
        progress(archived);
    };
    Ok(copy_blobs(missing, from, to, &mut note).await?)
}

/// Returns the next blobs that the target lacks. A blob that it has is complete and was checked when it was written.
async fn missing(
    metadata: &dyn BlobRows,
    to: &dyn BlobStore,
    mut after: Option<BlobId>,
    limit: u32,
) -> Result<Vec<ReadyBlob>, MetadataError> {
    loop {
        let step = metadata.ready_blobs(after, limit).await?;
        let Some(last) = step.last() else { return Ok(step) };
        after = Some(last.stored.blob);
        let names: Vec<BlobId> = step.iter().map(|ready| ready.stored.blob).collect();
        let sizes = to.sizes(&names).await.map_err(|error| MetadataError::Unavailable(Arc::new(error)))?;
        let is_there = |(ready, size): &(ReadyBlob, Option<u64>)| *size == Some(ready.stored.size_bytes);
        let missing: Vec<ReadyBlob> =
            step.into_iter().zip(sizes).filter(|pair| !is_there(pair)).map(|(ready, _)| ready).collect();
        if !missing.is_empty() {
            return Ok(missing);
        }
    }
}
