//! Retries of writes that a quota refuses while expired rows of the workspace still count.
//!
//! The totals of a workspace count expired rows until they are removed, so that no write sums rows. When a total
//! refuses a write, the store removes the expired rows of the workspace, in bounded steps, and tries again. So a
//! refusal is exact.

use super::error::MetadataError;
use super::overdue::ExpiryStore;
use crate::model::caller::Refused;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::WorkspaceId;

/// The number of Files, and of Uploads, that one step removes.
const STEP_ROWS: u32 = 256;

/// Runs a write, and again as long as a quota refuses it and the workspace has expired rows.
///
/// # Errors
/// When the store failed.
pub(super) async fn with_room<T, F>(
    store: &dyn ExpiryStore,
    workspace: WorkspaceId,
    change: impl Fn() -> F + Send + Sync,
) -> Result<IdempotentOutcome<T>, MetadataError>
where
    T: Send,
    F: Future<Output = Result<IdempotentOutcome<T>, MetadataError>> + Send,
{
    let mut is_swept = false;
    loop {
        let effect = Box::pin(change()).await?;
        let is_full = matches!(effect, IdempotentOutcome::Refused(Refused::Quota(_)));
        if !is_full || is_swept {
            return Ok(effect);
        }
        // Another write may have removed expired rows: only a refusal after an empty step counts.
        is_swept = store.expire_workspace(workspace, STEP_ROWS).await?.is_nothing();
    }
}
