//! Starts the background tasks: sweeps, orphan detection, scrubs and the merging of old reads. Nothing is deleted
//! unless metadata and blobs belong together.

use super::installation::Installation;
use crate::blobs::BlobStore;
use crate::config::UpkeepConfig;
use crate::files::Files;
use crate::inspect::{BackgroundScrub, Inspector};
use crate::model::ids::InstallationId;
use crate::model::stamp::StorePairing;
use crate::random;
use crate::sweep::Sweeper;
use crate::sweep::pairing::{self, LineageMetadata};
use crate::usage::ReadMerger;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Starts the tasks. Returns a warning for the operator when most of them have to wait.
pub(super) async fn start(
    installation: &Installation,
    files: &Files,
    config: &UpkeepConfig,
    scrub_max_bytes_per_second: watch::Receiver<u64>,
    alone: bool,
    event_period: Duration,
    stop: &CancellationToken,
) -> Result<Option<String>> {
    start_scrub(installation, files, config, scrub_max_bytes_per_second, stop);
    start_merger(installation, files, config, stop);
    let sweeper = Sweeper {
        metadata: installation.rows(),
        blobs: Arc::clone(&files.blobs),
        in_flight: Arc::clone(&files.in_flight),
        in_use: Arc::clone(&files.in_use),
        process: files.process,
        alone,
        wanted: Arc::clone(&files.sweep_wanted),
        audit_retention: config.audit_retention,
        delete_delay: config.delete_delay,
    };
    files.tasks.spawn(sweeper.clone().watch_backlog(stop.clone()));
    let found = pairing::of(&*installation.metadata, &*files.blobs).await?;
    if found != StorePairing::Paired {
        return Ok(Some(format!(
            "{found}: no bytes are removed until this is put right (docs/operations.md, \"Metadata and blobs\")"
        )));
    }
    stamp(&*installation.metadata, &*files.blobs).await?;
    let (metadata, blobs, until) = (installation.rows(), Arc::clone(&files.blobs), stop.clone());
    files.tasks.spawn(async move { pairing::note_events(&*metadata, &*blobs, event_period, until).await });
    let (watcher, until, interval) = (sweeper.clone(), stop.clone(), config.stray_check_interval);
    files.tasks.spawn(async move { watcher.watch_for_orphans(interval, until).await });
    let (until, interval) = (stop.clone(), config.sweep_interval);
    files.tasks.spawn(async move { sweeper.run(interval, until).await });
    Ok(None)
}

/// Stamps the stores. A full disk is tolerated: it can be read and emptied without a new stamp.
async fn stamp(metadata: &dyn LineageMetadata, blobs: &dyn BlobStore) -> Result<()> {
    if let Err(error) = pairing::advance(metadata, blobs, InstallationId::new(random::bytes())).await {
        if !error.is_out_of_space() {
            return Err(error.into());
        }
        tracing::warn!(reason = "no space left", "stamp update skipped");
    }
    Ok(())
}

fn start_scrub(
    installation: &Installation,
    files: &Files,
    config: &UpkeepConfig,
    max_bytes_per_second: watch::Receiver<u64>,
    stop: &CancellationToken,
) {
    if config.scrub_interval.is_zero() {
        return;
    }
    let scrub = BackgroundScrub { interval: config.scrub_interval, max_bytes_per_second, process: files.process };
    let inspector = Inspector { metadata: installation.rows(), blobs: Arc::clone(&files.blobs) };
    let (clock, stop) = (files.clock.clone(), stop.clone());
    files.tasks.spawn(async move { scrub.run(&inspector, &clock, stop).await });
}

fn start_merger(installation: &Installation, files: &Files, config: &UpkeepConfig, stop: &CancellationToken) {
    if !config.ledger_detail.is_zero() {
        let merger = ReadMerger { metadata: installation.rows(), detail: config.ledger_detail };
        files.tasks.spawn(merger.run(stop.clone()));
    }
}
