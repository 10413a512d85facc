//! Pages of lists (docs/contract.md, section 4).

use super::ids::FileId;
use super::purpose::Purpose;
use std::ops::RangeInclusive;

/// The bounds of `limit` in the list of Files.
pub const PAGE_FILES: RangeInclusive<u32> = 1..=10_000;

/// The order of a list by creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// A query of the list of Files.
#[derive(Clone, Copy, Debug)]
pub struct FileQuery {
    /// The purpose to include.
    pub purpose: Option<Purpose>,
    /// The maximum number of Files, within [`PAGE_FILES`].
    pub limit: u32,
    /// The order.
    pub order: Order,
    /// The id after which the page begins. The File itself need not exist.
    pub after: Option<FileId>,
}

/// A page of rows.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, in the requested order.
    pub rows: Vec<T>,
    /// The list continues after the last row.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Returns an empty page.
    #[must_use]
    pub const fn empty() -> Self {
        Self { rows: Vec::new(), has_more: false }
    }

    /// Returns the first `limit` of `rows`. Further rows mean that the list continues.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Self { rows, has_more }
    }
}
