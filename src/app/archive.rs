//! Backups: a folder with a snapshot of the metadata, its blobs, and a manifest.
//!
//! A hold keeps deleted bytes from the snapshot until the last blob is copied, for a limited time. Blobs of an older
//! backup are reused before that, so that only new blobs are copied under the hold. The manifest is written last and
//! durably: without it a folder is no backup. A restored installation carries a mark until it is complete, and no
//! command opens it before.

use super::archived::{Archived, Progress};
use super::blobs::{open_blobs, open_blobs_readonly, open_folder_readonly, open_local};
use super::data_dir::{
    begin_restoring, check_empty, check_no_stale_log, check_not_restoring, check_owner, create_folder, create_folders,
    end_restoring, lock,
};
use super::increment::{newest_backup, remove_unreferenced, take_over};
use super::installation::{Installation, open_database};
use super::manifest::{BLOBS_FOLDER, DigestFile, METADATA_FILE, Manifest};
use crate::archive::{CopyOutcome, Hold, complete_blobs, copy_blobs};
use crate::blobs::BlobStore;
use crate::clock::Clock;
use crate::config::StoreConfig;
use crate::filesystem::folder_of;
use crate::metadata::sqlite::{Opener, Snapshot};
use crate::model::stamp::StorePairing;
use crate::sweep;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The parameters of a backup.
#[derive(Clone, Copy, Debug)]
pub struct BackupPlan<'a> {
    /// The folder of the backup: empty or missing.
    pub folder: &'a Path,
    /// The folder of older backups, of which the newest is reused.
    pub older: Option<&'a Path>,
    /// The time limit of the hold on deleted bytes.
    pub max_hold: Duration,
}

/// Copies an installation, with a server running on it or not.
///
/// # Errors
/// When it fails or exceeds the time limit of the hold. The folder is no backup then.
pub async fn back_up(stores: &StoreConfig, plan: BackupPlan<'_>, progress: Progress<'_>) -> Result<Archived> {
    let folder = plan.folder;
    let clock = Clock::system();
    let installation = Installation::open_existing(stores, clock.clone()).await?;
    let blobs = open_blobs_readonly(stores, installation.rows()).await?;
    let pairing = sweep::pairing::of(&*installation.metadata, &*blobs).await?;
    if pairing != StorePairing::Paired {
        bail!("{pairing}: a copy of both would be worth nothing");
    }
    check_empty(folder)?;
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
        let mut sums = DigestFile::create(folder)?;
        let to: Arc<dyn BlobStore> = Arc::new(target.clone());
        copy_and_sum(&rows, &blobs, &to, &mut sums, &mut archived, progress).await?;
        anyhow::Ok((rows, manifest, sums))
    };
    let (rows, mut manifest, sums) = hold.cover(copy).await??;
    hold.release().await?;
    remove_unreferenced(&rows, &target).await?;
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
    sums: &mut DigestFile,
    archived: &mut Archived,
    progress: Progress<'_>,
) -> Result<()> {
    let mut summed = Ok(());
    let ready = async |after, limit| rows.ready_blobs(after, limit);
    let mut note = |copied| {
        if let (CopyOutcome::Whole { blob, sha256, .. }, Ok(())) = (copied, &summed) {
            summed = sums.add_blob(blob, sha256);
        }
        archived.add(copied);
        progress(archived);
    };
    complete_blobs(ready, from, to, &mut note).await?;
    Ok(summed?)
}

/// Restores a backup to empty or missing stores and checks every byte. Blobs that were damaged at the time of the
/// backup are reported again.
///
/// # Errors
/// When it fails. The stores are marked then, and no command opens them.
pub async fn restore(folder: &Path, stores: &StoreConfig, progress: Progress<'_>) -> Result<Archived> {
    let Some(database) = stores.database() else {
        bail!("a backup can only be restored to SQLite: set metadata_url to sqlite:PATH, or unset it");
    };
    let manifest = Manifest::read(folder)?;
    check_schema(folder)?;
    check_not_restoring(stores)?;
    check_owner(stores, false)?;
    check_empty(&stores.data_dir)?;
    stores.blobs_folder().map_or(Ok(()), check_empty)?;
    if database.exists() {
        bail!("the database {} exists already", database.display());
    }
    check_no_stale_log(database)?;
    create_folders(stores)?;
    let _locks = lock(stores)?;
    begin_restoring(stores)?;
    copy_durably(&folder.join(METADATA_FILE), database).context("cannot copy the metadata")?;
    let metadata = open_database(Opener::Owner, database, Clock::system()).await?;
    let source = open_folder_readonly(&folder.join(BLOBS_FOLDER)).await?;
    let rows = Arc::clone(&metadata);
    let target = open_blobs(stores, rows).await?;
    if stores.blobs_folder().is_none() && (target.list(None).await?.is_some() || target.stamp().await?.is_some()) {
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
    archived.find_owners(&*metadata).await?;
    if let Some(stamp) = metadata.stamp().await? {
        target.set_stamp(stamp).await?;
    }
    // The backup may be older than the tolerated absence of servers.
    metadata.confirm_clock().await?;
    end_restoring(stores)?;
    Ok(archived)
}

/// Checks that this program can use the schema of a backup, or migrate it.
fn check_schema(folder: &Path) -> Result<()> {
    let rows = Snapshot::open(&folder.join(METADATA_FILE)).context("cannot read the metadata of the backup")?;
    rows.schema().context("cannot restore the backup").map(drop)
}

fn copy_durably(from: &Path, to: &Path) -> io::Result<()> {
    let mut target = File::options().create_new(true).write(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()?;
    File::open(folder_of(to))?.sync_all()
}
