//! Changes that a quota refuses while something of their workspace has expired and still counts.
//!
//! Totals of a workspace count what has expired until it is removed, so that no change sums rows. Where a total refuses a
//! change, the store first removes what has expired in this workspace, in bounded steps, and tries again: a refusal is exact.

use super::error::MetadataError;
use super::overdue::ExpiryStore;
use crate::model::caller::Refused;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::WorkspaceId;

/// Files and Uploads that one step removes.
const STEP_ROWS: u32 = 256;

/// Makes a change, and again as long as a quota refuses it and something of the workspace has expired.
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
        // Another change may have removed what kept this one out: only a refusal behind an empty step counts.
        is_swept = store.expire_workspace(workspace, STEP_ROWS).await?.is_nothing();
    }
}
