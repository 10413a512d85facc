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

/// The time that the database has to end a statement whose request is over, and to notice an idle transaction.
const END_TIME: Duration = Duration::from_secs(1);

impl Timeouts {
    /// Returns the limits of operations of which a request takes this long at most.
    pub(super) fn of_requests(request: Duration) -> Self {
        Self { connection: request * 2 / 3, group: request / 3, request, outcome: request * 3 / 2, long: request * 10 }
    }

    /// Returns the longest time of a statement in the database, which ends it if the server cannot.
    pub(super) fn statement(self) -> Duration {
        self.request + END_TIME
    }

    /// Returns the longest wait for a lock, which is shorter than a statement.
    pub(super) fn lock(self) -> Duration {
        self.request
    }

    /// Returns the longest time of a transaction between two statements.
    pub(super) fn idle_transaction(self) -> Duration {
        self.statement() + END_TIME
    }

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
