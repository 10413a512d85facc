//! Releases the parts of ended Files and Uploads.
//!
//! Workspaces take turns, one bounded step each. A failed step is left to the next pass.

use super::step::Step;
use crate::error_chain::ErrorChain;
use crate::metadata::{MetadataError, ReleaseStore};
use std::collections::BTreeSet;

/// The number of parts per step. Each costs several rows and index entries, and other changes wait meanwhile.
const STEP_PARTS: u32 = 64;

/// Releases all parts that are due. Returns their number.
pub(super) async fn release(metadata: &dyn ReleaseStore) -> usize {
    let mut released = 0;
    if let Err(error) = release_all(metadata, &mut released).await {
        tracing::warn!(error = %ErrorChain(&error), "release listing failed");
    }
    released
}

async fn release_all(metadata: &dyn ReleaseStore, released: &mut usize) -> Result<(), MetadataError> {
    let mut failed = BTreeSet::new();
    loop {
        let (mut after, before) = (None, *released);
        while let Some(workspace) = metadata.next_release(after).await? {
            after = Some(workspace);
            if failed.contains(&workspace) {
                continue;
            }
            let step = Step::begin();
            match metadata.release_parts(workspace, STEP_PARTS).await {
                Ok(parts) => {
                    *released += parts;
                    step.rest().await;
                }
                Err(error) => {
                    tracing::warn!(%workspace, error = %ErrorChain(&error), "part release failed");
                    failed.insert(workspace);
                }
            }
        }
        if *released == before {
            return Ok(());
        }
    }
}
