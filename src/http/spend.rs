//! Refuses billable requests once the workspace has reached its monthly spend limit.

use super::caller::UploadPolicy;
use super::error::ApiError;
use super::idempotency::IdempotencyGuard;
use crate::model::caller::Caller;
use crate::model::idempotency::IdempotencyKey;
use crate::model::limits::Limit;
use crate::usage::{SpendLimitReached, Spending};

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
    check_key(spending, caller, policy, guard.key()).await
}

/// The same for a request with this idempotency key.
///
/// # Errors
/// When the workspace has reached its limit, or the store failed.
pub async fn check_key(
    spending: &Spending,
    caller: Caller,
    policy: &UploadPolicy,
    key: Option<&IdempotencyKey>,
) -> Result<(), ApiError> {
    let Some(limit_cents) = policy.limits.workspace.get(Limit::MonthlySpendCents) else { return Ok(()) };
    match spending.refuse(caller.workspace, limit_cents, key).await? {
        None => Ok(()),
        Some(SpendLimitReached { limit_cents, wait_seconds }) => {
            Err(ApiError::spend_limit_reached(limit_cents, wait_seconds))
        }
    }
}
