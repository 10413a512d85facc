//! The limits that every request passes before its handler: requests in flight, and the rate limits of key and
//! workspace.

use super::caller::Principal;
use super::connection::ClientConnection;
use super::error::ApiError;
use super::limited::Limited;
use super::rates::{RateLimitState, Rates, RetryAfter};
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner};
use crate::shares::FairSemaphore;
use crate::shares::contention::ContentionLimiter;
use axum::response::{IntoResponse, Response};
use http::Extensions;
use std::num::NonZeroU32;

/// The limits of requests of the API.
#[derive(Debug)]
pub struct RequestLimits {
    /// The token buckets of keys and workspaces.
    pub rates: Rates,
    /// The requests that each workspace has in flight.
    pub in_flight: FairSemaphore<WorkspaceId>,
    /// The turns of workspaces at long reads, which count the workspaces that send requests.
    pub turns: ContentionLimiter<WorkspaceId>,
}

impl RequestLimits {
    /// Takes the place of a request among those in flight, and its tokens of the rate limits.
    ///
    /// # Errors
    /// When too many requests of the workspace are in flight, or a rate limit is reached.
    pub fn admit(
        &self,
        principal: &Principal,
        extensions: &Extensions,
        measures: &[Limit],
    ) -> Result<Option<RateLimitState>, Box<Response>> {
        if let Some(workspace) = principal.key.opens.workspace() {
            self.turns.note(workspace);
            let share = self.in_flight.try_acquire(workspace);
            let share = share.ok_or_else(|| Box::new(too_many_requests().into_response()))?;
            if let Some(connection) = extensions.get::<ClientConnection>() {
                connection.hold(share);
            }
        }
        self.take(principal, measures)
    }

    /// Takes one token from each bucket that limits the request, and returns the state of the emptiest bucket of
    /// requests.
    ///
    /// # Errors
    /// The answer to a request for which one of them is empty.
    pub fn take(&self, principal: &Principal, measures: &[Limit]) -> Result<Option<RateLimitState>, Box<Response>> {
        let limits = principal.key.limits();
        let of_workspace = principal.key.opens.workspace().map(|id| (LimitOwner::Workspace(id), &limits.workspace));
        // The key first: a request that its limit refuses takes nothing from the other keys of its workspace.
        let owners = [Some((LimitOwner::Key(principal.key.id), &limits.key)), of_workspace];
        let mut least: Option<RateLimitState> = None;
        for (owner, limits) in owners.into_iter().flatten() {
            for measure in measures {
                let Some(per_minute) = limits.get(*measure).and_then(per_minute) else { continue };
                let state = self.rates.take(owner, *measure, per_minute);
                let state = state.map_err(|wait| Box::new(refuse(*measure, per_minute, wait)))?;
                if *measure == Limit::RequestsPerMinute && least.is_none_or(|least| state.remaining < least.remaining) {
                    least = Some(state);
                }
            }
        }
        Ok(least)
    }
}

fn per_minute(limit: u64) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(limit).unwrap_or(u32::MAX))
}

fn refuse(measure: Limit, per_minute: NonZeroU32, wait: RetryAfter) -> Response {
    let mut response = ApiError::rate_limit_reached(measure, per_minute, wait).into_response();
    if measure == Limit::RequestsPerMinute {
        let empty = RateLimitState { limit: per_minute.get(), remaining: 0, reset: wait.0 };
        empty.put_into(response.headers_mut());
    }
    response
}

fn too_many_requests() -> ApiError {
    let message = "Too many requests of this project are being answered. Please try again in a moment.";
    ApiError::too_many(Limited::ConcurrentRequests, message)
}
