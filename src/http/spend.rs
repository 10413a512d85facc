//! What costs something is refused in a workspace that has spent what it may in a month.

use super::Hall;
use super::caller::Allowance;
use super::catalogue::ErrorKind;
use super::error::ApiError;
use super::idempotency::Attempt;
use crate::model::caller::Caller;
use crate::model::limits::Limit;
use crate::usage::SpendLimitReached;
use http::header::RETRY_AFTER;

/// Lets a request pass that may cost something.
///
/// # Errors
/// When its workspace has spent what it may, or the store failed.
pub async fn check(hall: &Hall, caller: Caller, allowance: &Allowance, attempt: &Attempt) -> Result<(), ApiError> {
    let Some(limit_cents) = allowance.limits.workspace.get(Limit::MonthlySpendCents) else { return Ok(()) };
    match hall.spending.refuse(caller.workspace, limit_cents, attempt.key()).await? {
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
