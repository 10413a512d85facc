//! Reuses the blobs of the newest older backup in an incremental one.
//!
//! Each blob is read once and compared with the checksums and the SHA-256 of its row, before the hold begins. It is
//! hard-linked where the file system allows, and copied elsewhere. So each backup is complete by itself, and older ones
//! can be removed in any order.

use super::archived::{Archived, Progress};
use super::blobs::open_local_readonly;
use super::manifest::{BLOBS_FOLDER, Manifest};
use crate::archive::{ReuseOutcome, reuse_blobs};
use crate::blobs::local::LocalBlobs;
use crate::blobs::{BlobNames, BlobStore, ListCursor};
use crate::clock::{self, Clock};
use crate::metadata::BlobRows;
use crate::metadata::sqlite::Snapshot;
use crate::model::ids::{BlobId, InstallationId};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns the folder of a new backup in a collection. Its name is the time in UTC, so names sort by age.
pub fn backup_folder(collection: &Path) -> PathBuf {
    collection.join(clock::format_utc(Clock::system().now_seconds(), "%Y-%m-%dT%H%M%SZ"))
}

/// Returns the newest finished backup of the installation in the collection; none without one.
pub(super) fn newest_backup(collection: &Path, installation: Option<InstallationId>) -> Result<Option<PathBuf>> {
    let entries = match std::fs::read_dir(collection) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        entries => entries.with_context(|| format!("cannot list {}", collection.display()))?,
    };
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in entries {
        let folder = entry?.path();
        // A file, or a backup without a manifest, is skipped.
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

/// Reuses the blobs of live rows from an older backup. Returns those that are damaged there.
pub(super) async fn take_over(
    metadata: &dyn BlobRows,
    older: &Path,
    target: &LocalBlobs,
    progress: Progress<'_>,
) -> Result<Vec<(BlobId, &'static str)>> {
    let older = open_local_readonly(&older.join(BLOBS_FOLDER)).await?;
    let (from, to): (Arc<dyn BlobStore>, Arc<dyn BlobStore>) = (Arc::new(older.clone()), Arc::new(target.clone()));
    let rows = async |after, limit| metadata.ready_blobs(after, limit).await;
    let link = async |blob| target.link_from(&older, blob).await;
    let (mut compared, mut damaged) = (Archived::default(), Vec::new());
    let mut note = |reused| match reused {
        ReuseOutcome::Absent => {}
        ReuseOutcome::Damaged { blob, why } => damaged.push((blob, why)),
        ReuseOutcome::Whole { size_bytes } => {
            compared.blobs += 1;
            compared.bytes += size_bytes;
            progress(&compared);
        }
    };
    reuse_blobs(rows, &from, &to, link, &mut note).await?;
    Ok(damaged)
}

/// Removes reused blobs that are not in the snapshot: they were deleted in between.
pub(super) async fn remove_unreferenced(rows: &Snapshot, target: &LocalBlobs) -> Result<()> {
    let mut after: Option<ListCursor> = None;
    while let Some(page) = target.list(after).await? {
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
