//! The text of every statement that tests prepare, so that a test can look at the plan of each.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Records the text of a statement.
pub(super) fn record(sql: &str) {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned());
}

/// Returns the text of every statement that has been prepared so far in this process.
pub(super) fn seen() -> BTreeSet<String> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
