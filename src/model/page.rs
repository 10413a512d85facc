//! Pages of a list: what is asked, and what comes back (docs/contract.md, section 4).

use super::ids::FileId;
use super::purpose::Purpose;
use std::ops::RangeInclusive;

/// How many Files one page may be asked to hold.
pub const PAGE_FILES: RangeInclusive<u32> = 1..=10_000;

/// The direction of a list by creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// What a client asks of the list of Files.
#[derive(Clone, Copy, Debug)]
pub struct FileQuery {
    /// Only Files of this purpose.
    pub purpose: Option<Purpose>,
    /// At most so many, within [`PAGE_FILES`].
    pub limit: u32,
    /// Oldest or newest first.
    pub order: Order,
    /// Only what comes behind this id in that order; the File itself need not exist.
    pub after: Option<FileId>,
}

/// Some rows of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, in the asked order.
    pub rows: Vec<T>,
    /// Whether the list goes on behind the last row.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// A list of nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self { rows: Vec::new(), has_more: false }
    }

    /// The page of the first `limit` of `rows`, which hold one row more than the page when the list goes on.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Self { rows, has_more }
    }
}
