//! Pages of lists (docs/contract.md, section 4).

use super::filename::{Filename, MAX_FILENAME_CHARACTERS};
use super::ids::FileId;
use super::purpose::Purpose;
use std::fmt;
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

/// A query of Files by the beginning of their names, in the order of [`NamePosition`].
#[derive(Clone, Debug)]
pub struct NameQuery {
    /// The beginning of the names.
    pub prefix: NamePrefix,
    /// The maximum number of Files, within [`PAGE_FILES`].
    pub limit: u32,
    /// The order of names.
    pub order: Order,
    /// The position after which the page begins.
    pub after: Option<NamePosition>,
}

/// The beginning of a filename. ASCII letters are compared without their case.
#[derive(Clone, PartialEq, Eq)]
pub struct NamePrefix(String);

impl NamePrefix {
    /// Takes a text that is not empty and not longer than a filename.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.chars().count() <= MAX_FILENAME_CHARACTERS;
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns the first text that a name with this beginning may be.
    #[must_use]
    pub fn least(&self) -> &str {
        &self.0
    }

    /// Returns a text behind all names with this beginning, and before or at all others behind it.
    #[must_use]
    pub fn bound(&self) -> String {
        let mut bound = self.0.clone();
        while let Some(last) = bound.pop() {
            if let Some(next) = (last..=char::MAX).nth(1) {
                bound.push(next);
                return bound;
            }
        }
        // Names of nothing but the last character: no name is longer than this text.
        char::MAX.to_string().repeat(MAX_FILENAME_CHARACTERS + 1)
    }
}

impl fmt::Debug for NamePrefix {
    /// Shows only the length: names of users' files do not belong in logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "NamePrefix({} bytes)", self.0.len())
    }
}

/// The position of a File among names: its name with ASCII letters in lower case, by code points, then its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamePosition {
    /// The name in lower case.
    pub name: String,
    /// The id.
    pub id: FileId,
}

impl NamePosition {
    /// Returns the position of a File.
    #[must_use]
    pub fn of(filename: &Filename, id: FileId) -> Self {
        Self { name: filename.as_str().to_ascii_lowercase(), id }
    }
}

impl fmt::Debug for NamePosition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "NamePosition({} bytes, {})", self.name.len(), self.id)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_beginning_lie_between_its_bounds() {
        let names = [
            "",
            "a",
            "A",
            "ab",
            "b",
            "ä",
            "z\u{D7FF}",
            "z\u{D7FF}x",
            "z\u{E000}",
            "\u{10FFFF}",
            "\u{10FFFF}\u{10FFFF}x",
        ];
        for prefix in ["a", "AB", "ä", "z", "z\u{D7FF}", "\u{10FFFF}", "\u{10FFFF}\u{10FFFF}"] {
            let lower = prefix.to_ascii_lowercase();
            let prefix = NamePrefix::parse(prefix).unwrap();
            let bound = prefix.bound();
            for name in names.map(str::to_ascii_lowercase) {
                let within = name.as_str() >= prefix.least() && name < bound;
                assert_eq!(within, name.starts_with(&lower), "{name:?} and {lower:?}");
            }
        }
    }

    #[test]
    fn a_beginning_is_no_longer_than_a_name() {
        assert!(NamePrefix::parse("").is_none());
        assert!(NamePrefix::parse(&"ä".repeat(MAX_FILENAME_CHARACTERS)).is_some());
        assert!(NamePrefix::parse(&"a".repeat(MAX_FILENAME_CHARACTERS + 1)).is_none());
    }
}
