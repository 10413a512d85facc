//! The expiry of new Files.

use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::purpose::Purpose;

/// Returns after how long a new File expires: as its client asked, else by the default of its workspace, else by that
/// of its purpose.
pub fn expires_after(
    purpose: Purpose,
    asked: Option<ExpiresAfter>,
    of_workspace: Option<DefaultExpiry>,
) -> Option<ExpiresAfter> {
    asked.or_else(|| of_workspace.unwrap_or_else(|| DefaultExpiry::of(purpose)).expires_after())
}

/// Returns the default that a row holds.
pub fn stored_default(lives_seconds: Option<u64>) -> DefaultExpiry {
    lives_seconds.map_or(DefaultExpiry::Never, |seconds| DefaultExpiry::After(ExpiresAfter::stored(seconds)))
}
