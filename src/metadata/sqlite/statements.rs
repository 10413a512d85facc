//! The texts of the statements that tests run, so that a test can check their plans.

use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Records the text of every statement that begins to run on this connection.
pub(super) fn record(connection: &mut Connection) -> rusqlite::Result<()> {
    let record = |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, text) = event
            && !text.starts_with("--")
        {
            SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(statement.sql().into_owned());
        }
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(record))
}

/// Returns the text of every statement that has run so far in this process.
pub(super) fn seen() -> BTreeSet<String> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
