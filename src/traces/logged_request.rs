//! The request that a task works for, which the lines of the log name.
//!
//! A span of `tracing` would be written as text for each request, whether or not a line follows. This costs a request
//! two small allocations, and the log reads it when there is a line.

use std::sync::Arc;
use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    static CURRENT: Option<LoggedRequest>;
}

/// A request as the log names it. Clones share it.
#[derive(Clone, Debug)]
pub struct LoggedRequest(Arc<Names>);

#[derive(Debug)]
struct Names {
    id: String,
    trace_id: Option<String>,
}

impl LoggedRequest {
    /// Names a request by its id, and by the id of its trace if it is in one.
    #[must_use]
    pub fn new(id: String, trace_id: Option<String>) -> Self {
        Self(Arc::new(Names { id, trace_id }))
    }

    /// Returns the request that this task works for.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok().flatten()
    }

    /// Returns the id of the request.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the id of the trace; none if the request is in none.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.0.trace_id.as_deref()
    }
}

/// Runs a future for a request, if there is one.
pub(super) fn scope<F: Future>(request: Option<LoggedRequest>, future: F) -> TaskLocalFuture<Option<LoggedRequest>, F> {
    CURRENT.scope(request, future)
}

/// Calls a function for a request, if there is one: its lines of the log name it.
pub fn log_for<T>(request: Option<LoggedRequest>, call: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(request, call)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current_id() -> Option<String> {
        LoggedRequest::current().map(|request| request.id().to_owned())
    }

    #[tokio::test]
    async fn a_task_works_for_the_request_that_it_is_given() {
        let request = Some(LoggedRequest::new("req_1".into(), None));
        assert_eq!(current_id(), None);
        assert_eq!(log_for(request.clone(), current_id).as_deref(), Some("req_1"));
        let nested = scope(request, async { (current_id(), log_for(None, current_id), current_id()) }).await;
        assert_eq!(nested, (Some("req_1".into()), None, Some("req_1".into())));
        assert_eq!(current_id(), None);
    }
}
