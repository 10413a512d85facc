//! The rate limits of a project by their ids.

use crate::model::limits::Limit;

/// A rate limit of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// Requests of every kind.
    Requests,
    /// Uploads of Files and Parts.
    Uploads,
}

/// The ids of all rate limits, in the order of the list.
pub const RATE_LIMITS: [&str; 2] = [RateLimit::Requests.id(), RateLimit::Uploads.id()];

impl RateLimit {
    /// Every rate limit, in the order of the list.
    pub const ALL: [Self; 2] = [Self::Requests, Self::Uploads];

    /// Returns the id of the rate limit.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Requests => "rl-requests",
            Self::Uploads => "rl-uploads",
        }
    }

    /// Returns the value of the field in which OpenAI names a model.
    pub const fn model(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Uploads => "uploads",
        }
    }

    /// Returns the limit that the rate limit shows.
    pub const fn limit(self) -> Limit {
        match self {
            Self::Requests => Limit::RequestsPerMinute,
            Self::Uploads => Limit::UploadsPerMinute,
        }
    }
}
