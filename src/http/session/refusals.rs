//! Refused sign-ins and forged sessions in the audit log, up to a rate: a client cannot fill the log.

use crate::error_chain::ErrorChain;
use crate::model::audit::Origin;
use crate::sessions::Sessions;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde_json::Value;
use std::num::NonZeroU32;

/// The maximum number of entries per minute. Each refusal counts in the metric of failed logins as well.
const MAX_ENTRIES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(120).unwrap();

/// Writes refusals to the audit log.
#[derive(Debug)]
pub struct Refusals(DefaultDirectRateLimiter);

impl Default for Refusals {
    fn default() -> Self {
        Self(RateLimiter::direct(Quota::per_minute(MAX_ENTRIES_PER_MINUTE)))
    }
}

impl Refusals {
    /// Adds an entry, unless there were too many within the last minute. A store that fails does not change the answer.
    pub async fn note(&self, sessions: &Sessions, origin: Origin, details: Value) {
        if self.0.check().is_err() {
            return;
        }
        if let Err(error) = sessions.note_refused(origin, details).await {
            tracing::warn!(error = %ErrorChain(&error), "audit entry of a refused sign-in failed");
        }
    }
}
