//! The time limits of an operation.

use std::time::Duration;
use tokio::time::Instant;

/// The time limits of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// The longest wait for a connection.
    pub(super) connection: Duration,
    /// The longest wait of an operation for a shared transaction, which has the deadlines of its oldest operation.
    pub(super) group: Duration,
    /// The time in which a request sends its COMMIT or gets the answer to its read.
    pub(super) request: Duration,
    /// The time of a whole operation, including the check of the outcome of a COMMIT whose answer was lost.
    pub(super) outcome: Duration,
    /// The time of a long read and of each of its statements.
    pub(super) long: Duration,
}

impl Timeouts {
    /// The limits of a server.
    pub(super) const OF_SERVER: Self = Self {
        connection: Duration::from_secs(2),
        group: Duration::from_secs(1),
        request: Duration::from_secs(3),
        outcome: Duration::from_millis(4500),
        long: Duration::from_secs(30),
    };

    /// The limits of a test that is not about time, however busy the machine is.
    #[cfg(test)]
    pub(super) const OF_TEST: Self = Self {
        connection: Duration::from_mins(1),
        group: Duration::from_mins(1),
        request: Duration::from_mins(1),
        outcome: Duration::from_mins(2),
        long: Duration::from_mins(2),
    };

    /// Returns the deadlines of a request that began at `since`.
    pub(super) fn since(self, since: Instant) -> Deadline {
        Deadline { request: since + self.request, outcome_deadline: since + self.outcome }
    }
}

/// The deadlines of one operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    /// When its COMMIT must have been sent, or its read answered.
    pub(super) request: Instant,
    /// When the outcome of its COMMIT must be known.
    pub(super) outcome_deadline: Instant,
}
