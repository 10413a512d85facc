//! Ends expired Files and pending Uploads, workspace by workspace.
//!
//! Workspaces take turns, one bounded step each, so that none waits until another is done. A failed step is left to the
//! next pass and does not stop the others.

use super::step::{STEP_ROWS, Step};
use crate::error_chain::ErrorChain;
use crate::metadata::{Ended, ExpiryStore, MetadataError};
use crate::metrics::METRICS;
use crate::model::ids::WorkspaceId;
use std::collections::BTreeSet;

/// The maximum of Files, and of Uploads, that one step ends: other changes wait meanwhile.
const STEP_ENDS: u32 = 128;

/// Ends what has expired. Returns the numbers.
pub(super) async fn expire(metadata: &dyn ExpiryStore) -> Ended {
    let mut all = Ended::default();
    if let Err(error) = expire_all(metadata, &mut all).await {
        tracing::warn!(error = %ErrorChain(&error), "overdue listing failed");
    }
    all
}

async fn expire_all(metadata: &dyn ExpiryStore, all: &mut Ended) -> Result<(), MetadataError> {
    let (mut after, mut failed) = (None, BTreeSet::new());
    loop {
        let overdue = metadata.overdue_workspaces(after, STEP_ROWS).await?;
        let Some(last) = overdue.last() else { return Ok(()) };
        after = Some(*last);
        let workspaces = overdue.into_iter().map(|overdue| overdue.workspace);
        let mut waiting: BTreeSet<WorkspaceId> = workspaces.filter(|workspace| !failed.contains(workspace)).collect();
        while !waiting.is_empty() {
            for workspace in std::mem::take(&mut waiting) {
                let step = Step::begin();
                match metadata.expire_workspace(workspace, STEP_ENDS).await {
                    Ok(ended) if ended.is_nothing() => {}
                    Ok(ended) => {
                        all.files += ended.files;
                        all.uploads += ended.uploads;
                        METRICS.expired_files.inc_by(ended.files as u64);
                        METRICS.expired_uploads.inc_by(ended.uploads as u64);
                        waiting.insert(workspace);
                        step.rest().await;
                    }
                    Err(error) => {
                        tracing::warn!(%workspace, error = %ErrorChain(&error), "expiry failed");
                        failed.insert(workspace);
                    }
                }
            }
        }
    }
}
