//! Takes over into an incremental backup the blobs of the newest older one.
//!
//! Each blob taken over is read once and compared with the checksums and the SHA-256 of its row, before the hold begins.
//! A blob taken over is a hard link where the file system has them, and a copy elsewhere, so each backup is whole by itself and older
//! ones can be removed in any order.

use super::archived::{Archived, Progress};
use super::blobs::look_at_local;
use super::manifest::{BLOBS_FOLDER, Manifest};
use crate::archive::{Reused, reuse_blobs};
use crate::blobs::local::LocalBlobs;
use crate::blobs::{BlobStore, NamesCursor};
use crate::clock::{self, Clock};
use crate::metadata::BlobRows;
use crate::metadata::sqlite::Snapshot;
use crate::model::ids::{BlobId, InstallationId};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns the folder of a backup that is made now among others: its name is the time in UTC, so names sort by age.
pub fn backup_folder(collection: &Path) -> PathBuf {
    collection.join(clock::format_utc(Clock::system().now_seconds(), "%Y-%m-%dT%H%M%SZ"))
}

/// Returns the newest finished backup of the installation in the folder; none when there is no such folder or backup.
pub(super) fn newest_backup(collection: &Path, installation: Option<InstallationId>) -> Result<Option<PathBuf>> {
    let entries = match std::fs::read_dir(collection) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        entries => entries.with_context(|| format!("cannot look into {}", collection.display()))?,
    };
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in entries {
        let folder = entry?.path();
        // What has no readable manifest is no backup: a file, or a backup that was cut off.
        let Ok((created_at, source)) = Manifest::origin(&folder) else { continue };
        if source != installation {
            continue;
        }
        let this = (created_at, folder);
        if newest.as_ref().is_none_or(|newest| *newest < this) {
            newest = Some(this);
        }
    }
    Ok(newest.map(|(_, folder)| folder))
}

/// Takes over the blobs of the live rows from an older backup; returns those that are damaged there.
pub(super) async fn take_over(
    metadata: &dyn BlobRows,
    older: &Path,
    target: &LocalBlobs,
    progress: Progress<'_>,
) -> Result<Vec<(BlobId, &'static str)>> {
    let older = look_at_local(&older.join(BLOBS_FOLDER)).await?;
    let (from, to): (Arc<dyn BlobStore>, Arc<dyn BlobStore>) = (Arc::new(older.clone()), Arc::new(target.clone()));
    let rows = async |after, limit| metadata.ready_blobs(after, limit).await;
    let link = async |blob| target.link_from(&older, blob).await;
    let (mut compared, mut damaged) = (Archived::default(), Vec::new());
    let mut note = |reused| match reused {
        Reused::Absent => {}
        Reused::Damaged { blob, why } => damaged.push((blob, why)),
        Reused::Whole { size_bytes } => {
            compared.blobs += 1;
            compared.bytes += size_bytes;
            progress(&compared);
        }
    };
    reuse_blobs(rows, &from, &to, link, &mut note).await?;
    Ok(damaged)
}

/// Removes what was taken over and is not in the snapshot: it was deleted in between.
pub(super) async fn drop_unnamed(rows: &Snapshot, target: &LocalBlobs) -> Result<()> {
    let mut after: Option<NamesCursor> = None;
    while let Some(page) = target.names(after).await? {
        let mut unnamed = Vec::new();
        for blob in page.blobs {
            if !rows.is_ready(blob)? {
                unnamed.push(blob);
            }
        }
        for (_, removed) in target.delete(&unnamed).await {
            removed?;
        }
        after = Some(page.last);
    }
    Ok(())
}
