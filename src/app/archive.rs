//! Backups: a folder with a snapshot of the metadata, the blobs that it names, and a manifest.
//!
//! Removal of deleted bytes is held back from the snapshot until the last blob is copied, and not longer than a stated
//! time. What an older backup has is taken over before that, so that only what is new is copied under the hold.
//! The manifest is written last and durably, so that what a crash leaves is no backup. A restored installation carries a
//! mark until it is whole, so that what a crash leaves is no installation.

use super::archived::{Archived, Progress};
use super::blobs::{look_at_blobs, look_at_folder, open_blobs, open_local};
use super::data_dir::{
    begin_restoring, create_folder, create_folders, end_restoring, lock, refuse_filled, refuse_foreign,
    refuse_half_restored, refuse_left_log,
};
use super::increment::{drop_unnamed, newest_backup, take_over};
use super::installation::{Installation, open_database};
use super::manifest::{BLOBS_FOLDER, METADATA_FILE, Manifest, Sums};
use crate::archive::{Copied, Hold, complete_blobs, copy_blobs};
use crate::blobs::BlobStore;
use crate::clock::Clock;
use crate::config::StoreConfig;
use crate::metadata::sqlite::{Opener, Snapshot};
use crate::model::stamp::Lineage;
use crate::sweep;
use crate::volume::folder_of;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The kind and the limits of a backup.
#[derive(Clone, Copy, Debug)]
pub struct BackupPlan<'a> {
    /// The folder that becomes the backup: empty, or not there.
    pub folder: &'a Path,
    /// A folder of older backups, of which the newest is taken as a source.
    pub older: Option<&'a Path>,
    /// The longest time for which removal of deleted bytes may be held back.
    pub max_hold: Duration,
}

/// Copies an installation, with a server running on it or not.
///
/// # Errors
/// When it cannot be done, or takes longer than removal of deleted bytes may be held back; the folder is no backup then.
pub async fn back_up(stores: &StoreConfig, plan: BackupPlan<'_>, progress: Progress<'_>) -> Result<Archived> {
    let folder = plan.folder;
    let clock = Clock::system();
    let installation = Installation::open_existing(stores, clock.clone()).await?;
    let blobs = look_at_blobs(stores, installation.rows()).await?;
    let lineage = sweep::lineage::of(&*installation.metadata, &*blobs).await?;
    if lineage != Lineage::Together {
        bail!("{lineage}: a copy of both would be worth nothing");
    }
    refuse_filled(folder)?;
    let target = folder.join(BLOBS_FOLDER);
    create_folder(&target)?;
    let target = open_local(&target).await?;
    let mut archived = Archived::default();
    let installation_id = installation.metadata.stamp().await?.map(|stamp| stamp.installation);
    if let Some(older) = plan.older.map_or(Ok(None), |older| newest_backup(older, installation_id))? {
        archived.damaged_before = take_over(&*installation.metadata, &older, &target, progress).await?;
    }
    let hold = Hold::take(installation.rows(), plan.max_hold).await?;
    let copy = async {
        let snapshot = folder.join(METADATA_FILE);
        installation.metadata.snapshot(&snapshot).await?;
        let rows = Snapshot::open(&snapshot).context("cannot read the snapshot of the metadata")?;
        let manifest = Manifest::new(clock.now_seconds(), rows.stamp()?);
        let mut sums = Sums::create(folder)?;
        let to: Arc<dyn BlobStore> = Arc::new(target.clone());
        copy_and_sum(&rows, &blobs, &to, &mut sums, &mut archived, progress).await?;
        anyhow::Ok((rows, manifest, sums))
    };
    let (rows, mut manifest, sums) = hold.cover(copy).await??;
    hold.release().await?;
    drop_unnamed(&rows, &target).await?;
    target.sync_names().await?;
    for left in &mut archived.damaged {
        left.owner = rows.blob_owner(left.blob)?;
    }
    manifest.holds(&archived);
    let digest = sums.finish(folder)?;
    manifest.write(folder, digest)?;
    Ok(archived)
}

async fn copy_and_sum(
    rows: &Snapshot,
    from: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    sums: &mut Sums,
    archived: &mut Archived,
    progress: Progress<'_>,
) -> Result<()> {
    let mut summed = Ok(());
    let ready = async |after, limit| rows.ready_blobs(after, limit);
    let mut note = |copied| {
        if let (Copied::Whole { blob, sha256, .. }, Ok(())) = (copied, &summed) {
            summed = sums.add_blob(blob, sha256);
        }
        archived.add(copied);
        progress(archived);
    };
    complete_blobs(ready, from, to, &mut note).await?;
    Ok(summed?)
}

/// Makes an installation of a backup, on stores that are empty or not there; every byte is checked. The blobs that were
/// damaged when the backup was made are told again.
///
/// # Errors
/// When it cannot be done; the stores are marked then and refused by every command.
pub async fn restore(folder: &Path, stores: &StoreConfig, progress: Progress<'_>) -> Result<Archived> {
    let Some(database) = stores.database() else {
        bail!("a backup is restored to SQLite: set metadata_url to sqlite:PATH, or not at all");
    };
    let manifest = Manifest::read(folder)?;
    refuse_half_restored(stores)?;
    refuse_foreign(stores, false)?;
    refuse_filled(&stores.data_dir)?;
    stores.blobs_folder().map_or(Ok(()), refuse_filled)?;
    if database.exists() {
        bail!("there is a database {} already", database.display());
    }
    refuse_left_log(database)?;
    create_folders(stores)?;
    let _locks = lock(stores)?;
    begin_restoring(stores)?;
    copy_durably(&folder.join(METADATA_FILE), database).context("cannot copy the metadata")?;
    let metadata = open_database(Opener::Owner, database, Clock::system()).await?;
    let source = look_at_folder(&folder.join(BLOBS_FOLDER)).await?;
    let rows = Arc::clone(&metadata);
    let target = open_blobs(stores, rows).await?;
    if stores.blobs_folder().is_none() && (target.names(None).await?.is_some() || target.stamp().await?.is_some()) {
        bail!("there are blobs under blobs_url already");
    }
    let mut archived = Archived::default();
    let ready = async |after, limit| metadata.ready_blobs(after, limit).await;
    let mut note = |copied| {
        archived.add(copied);
        progress(&archived);
    };
    copy_blobs(ready, &source, &target, &mut note).await?;
    manifest.explain(&mut archived);
    archived.name_owners(&*metadata).await?;
    if let Some(stamp) = metadata.stamp().await? {
        target.set_stamp(stamp).await?;
    }
    // The backup may be older than a server may have been away.
    metadata.confirm_clock().await?;
    end_restoring(stores)?;
    Ok(archived)
}

fn copy_durably(from: &Path, to: &Path) -> io::Result<()> {
    let mut target = File::options().create_new(true).write(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()?;
    File::open(folder_of(to))?.sync_all()
}
