//! Refuses billable requests once the workspace has reached its monthly spend limit.

use super::caller::UploadPolicy;
use super::catalogue::ErrorKind;
use super::error::ApiError;
use super::idempotency::IdempotencyGuard;
use crate::model::caller::Caller;
use crate::model::limits::Limit;
use crate::usage::{SpendLimitReached, Spending};
use http::header::RETRY_AFTER;

/// Checks that the workspace may make a billable request.
///
/// # Errors
/// When the workspace has reached its limit, or the store failed.
pub async fn check(
    spending: &Spending,
    caller: Caller,
    policy: &UploadPolicy,
    guard: &IdempotencyGuard,
) -> Result<(), ApiError> {
    let Some(limit_cents) = policy.limits.workspace.get(Limit::MonthlySpendCents) else { return Ok(()) };
    match spending.refuse(caller.workspace, limit_cents, guard.key()).await? {
        None => Ok(()),
        Some(reached) => Err(refused(reached)),
    }
}

fn refused(SpendLimitReached { limit_cents, wait_seconds }: SpendLimitReached) -> ApiError {
    let (dollars, cents) = (limit_cents / 100, limit_cents % 100);
    let message = format!(
        "This project has reached its monthly spend limit of ${dollars}.{cents:02}. Files can be read and deleted; new ones \
         are taken again from the first of the next month on, or when an administrator raises the limit."
    );
    ApiError::new(ErrorKind::SpendLimitReached, message).header(RETRY_AFTER, &wait_seconds.to_string())
}
