//! How often a request of its kind may come: the buckets of its key and of its workspace, where those are limited.

use super::Hall;
use super::caller::Holder;
use super::error::ApiError;
use super::rates::{Left, Wait};
use crate::model::limits::{Limit, LimitOwner};
use axum::response::{IntoResponse, Response};
use std::num::NonZeroU32;

/// Takes one from each bucket that limits the request, and says what is left in the emptiest of those of requests.
///
/// # Errors
/// The answer to a request for which one of them is empty.
pub fn take(hall: &Hall, holder: &Holder, measures: &[Limit]) -> Result<Option<Left>, Box<Response>> {
    let limits = holder.key.limits();
    let of_workspace = holder.key.opens.workspace().map(|id| (LimitOwner::Workspace(id), &limits.workspace));
    // The key first: what it may not do takes nothing from the others of its workspace.
    let owners = [Some((LimitOwner::Key(holder.key.id), &limits.key)), of_workspace];
    let mut least: Option<Left> = None;
    for (owner, limits) in owners.into_iter().flatten() {
        for measure in measures {
            let Some(per_minute) = limits.get(*measure).and_then(per_minute) else { continue };
            let left = hall.rates.take(owner, *measure, per_minute);
            let left = left.map_err(|wait| Box::new(refuse(*measure, per_minute, wait)))?;
            if *measure == Limit::RequestsPerMinute && least.is_none_or(|least| left.remaining < least.remaining) {
                least = Some(left);
            }
        }
    }
    Ok(least)
}

fn per_minute(limit: u64) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(limit).unwrap_or(u32::MAX))
}

fn refuse(measure: Limit, per_minute: NonZeroU32, wait: Wait) -> Response {
    let what = if measure == Limit::UploadsPerMinute { "uploads" } else { "requests" };
    let message =
        format!("Rate limit reached for {what}. Limit: {per_minute} / min. Please try again in {}s.", wait.seconds());
    let mut response = ApiError::rate_limited(message, wait).into_response();
    if measure == Limit::RequestsPerMinute {
        let empty = Left { limit: per_minute.get(), remaining: 0, reset: wait.0 };
        empty.put_into(response.headers_mut());
    }
    response
}
