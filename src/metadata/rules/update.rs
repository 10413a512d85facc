//! The result of a change of one row.

use crate::model::audit::NewEntry;

/// A row after a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Update<T> {
    /// The row after the change.
    pub row: T,
    /// The audit entry of the change. None if the row stays as it is, and nothing is written.
    pub entry: Option<NewEntry>,
}

impl<T> Update<T> {
    /// Returns an update that changes nothing.
    pub const fn none(row: T) -> Self {
        Self { row, entry: None }
    }

    /// Returns an update with its audit entry.
    pub const fn of(row: T, entry: NewEntry) -> Self {
        Self { row, entry: Some(entry) }
    }
}
