//! Moving an embedded installation to stores that several servers can share.
//!
//! Nothing in the source changes, and nobody may be at work on it. Blobs go first, each checked on both ways; rows go last, in
//! one transaction. What a migration that was cut off has copied is there for the next.

use super::archived::{Archived, Progress};
use super::blobs::{look_at_blobs, open_unnoted};
use super::data_dir::lock;
use super::installation::Installation;
use crate::archive::copy_blobs;
use crate::blobs::BlobStore;
use crate::clock::Clock;
use crate::config::{MetadataConfig, StoreConfig};
use crate::metadata::postgres::PostgresStore;
use crate::metadata::{BlobRows, MetadataError, ReadyBlob};
use crate::model::ids::BlobId;
use crate::model::stamp::{Lineage, Stamp};
use crate::sweep;
use anyhow::{Context, Result, bail};
use std::sync::Arc;

/// Moves the installation of `source` to `target`, of which only what differs is filled; how many blobs were copied.
///
/// # Errors
/// When it cannot be done; what was copied stays, and the target holds no installation.
pub async fn migrate(source: &StoreConfig, target: &StoreConfig, progress: Progress<'_>) -> Result<Archived> {
    let (Some(database), MetadataConfig::Postgres(url)) = (source.database(), &target.metadata) else {
        bail!("an installation moves from SQLite to PostgreSQL: metadata_url is the one, --to-metadata-url the other");
    };
    let _locks = lock(source).context("nobody may be at work on what moves: stop the server")?;
    let clock = Clock::system();
    let installation = Installation::open_existing(source, clock.clone()).await?;
    let from = look_at_blobs(source, installation.rows()).await?;
    let lineage = sweep::lineage::of(&*installation.metadata, &*from).await?;
    if lineage != Lineage::Together {
        bail!("{lineage}: what moves would be worth nothing");
    }
    let refused = "the database of --to-metadata-url cannot be filled";
    PostgresStore::check_fillable(url.expose()).await.context(refused)?;
    let mut archived = Archived::default();
    if target.blobs != source.blobs {
        let to = open_unnoted(target).await?;
        claim(&*to, installation.metadata.stamp().await?).await?;
        copy_missing(&*installation.metadata, &from, &to, &mut archived, progress).await?;
        archived.name_owners(&*installation.metadata).await?;
    }
    drop(installation);
    PostgresStore::fill(url.expose(), database, clock.now_seconds()).await.context(refused)?;
    Ok(archived)
}

/// Makes the target that of this installation, unless it is another's.
async fn claim(to: &dyn BlobStore, stamp: Option<Stamp>) -> Result<()> {
    let found = to.stamp().await?;
    if found.is_none() && to.names(None).await?.is_some_and(|page| !page.blobs.is_empty()) {
        bail!("there are blobs under --to-blobs-url already, and nothing says whose");
    }
    match (found, stamp) {
        (Some(found), Some(stamp)) if found.installation != stamp.installation => {
            bail!("the blobs under --to-blobs-url are those of another installation")
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

/// The next blobs that the target does not have. A blob is there as a whole or not at all, and was checked when it came.
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
