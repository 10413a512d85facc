//! Maps rows to model values, once for both drivers: the columns of a table, in their order, and the value that they
//! make. A driver implements [`Row`] for the rows of its library.

mod audit;
pub mod columns;
mod export;
mod file;
mod key;
mod ledger;
mod link;
mod outbox;
mod person;
mod session;
mod upload;
mod workspace;

pub use audit::AUDIT_ENTRY;
pub use export::EXPORT;
pub use file::{FILE, FILE_COLUMNS, file_values, insert_file};
pub use key::{KEY, KEY_COLUMNS};
pub use ledger::LEDGER;
pub use link::{LINK_COLUMNS, LINK_KEY, insert_link, link, link_values};
pub use outbox::MESSAGE;
pub use person::{MEMBER, MEMBERSHIP, PERSON};
pub use session::SESSION;
pub use upload::{PART, UPLOAD, UPLOAD_COLUMNS, upload_row};
pub use workspace::{STORAGE_USAGE, WORKSPACE};

use crate::model::digest::Sha256Digest;
use std::borrow::Cow;
use std::str::FromStr;

/// A column that does not hold what this server writes there.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds no {expected}")]
pub struct Malformed {
    /// The column, counted from 0.
    pub column: usize,
    /// The value that it should hold.
    pub expected: &'static str,
}

/// A row of a result. A column is none where it is null.
pub trait Row {
    /// The error of the driver.
    type Error: From<Malformed>;

    /// Returns a column of text.
    ///
    /// # Errors
    /// When there is no such column, or it is of another type.
    fn text(&self, column: usize) -> Result<Option<&str>, Self::Error>;

    /// Returns a column of a whole number.
    ///
    /// # Errors
    /// When there is no such column, or it is of another type.
    fn number(&self, column: usize) -> Result<Option<i64>, Self::Error>;

    /// Returns a column of bytes.
    ///
    /// # Errors
    /// When there is no such column, or it is of another type.
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Self::Error>;
}

/// A value of several columns, which stand side by side in a row.
pub trait FromRow: Sized {
    /// Reads the columns of the value.
    ///
    /// # Errors
    /// When a column does not hold what this server writes there.
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error>;
}

/// Reads a row column by column, from the left.
pub struct RowReader<'r, R> {
    row: &'r R,
    next: usize,
}

/// A value of a column that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// SQL's NULL.
    Null,
    /// A whole number.
    Number(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Returns an id as it is stored.
    pub fn id(id: &impl ToString) -> Self {
        Self::Text(Cow::Owned(id.to_string()))
    }

    /// Returns a text.
    pub const fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Returns a number, or the largest that can be stored.
    pub fn number(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// Returns NULL for none.
    pub fn optional<T>(value: Option<T>, make: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, make)
    }
}

impl<'r, R: Row> RowReader<'r, R> {
    /// Begins at the first column.
    pub const fn new(row: &'r R) -> Self {
        Self::from_column(row, 0)
    }

    /// Begins at this column, counted from 0.
    pub const fn from_column(row: &'r R, column: usize) -> Self {
        Self { row, next: column }
    }

    /// Reads a value of several columns.
    pub fn value<T: FromRow>(&mut self) -> Result<T, R::Error> {
        T::read(self)
    }

    /// Reads a text.
    pub fn text(&mut self) -> Result<&'r str, R::Error> {
        self.required("text", R::text)
    }

    /// Reads a text that may be null.
    pub fn optional_text(&mut self) -> Result<Option<&'r str>, R::Error> {
        self.optional(R::text)
    }

    /// Reads a whole number that is not negative.
    pub fn number(&mut self) -> Result<u64, R::Error> {
        let number = self.signed()?;
        u64::try_from(number).map_err(|_| self.malformed("count"))
    }

    /// Reads a whole number that is not negative and may be null.
    pub fn optional_number(&mut self) -> Result<Option<u64>, R::Error> {
        let number = self.optional(R::number)?;
        number.map(u64::try_from).transpose().map_err(|_| self.malformed("count"))
    }

    /// Reads a whole number that is not negative and fits into 32 bits.
    pub fn short_number(&mut self) -> Result<u32, R::Error> {
        let number = self.signed()?;
        u32::try_from(number).map_err(|_| self.malformed("count"))
    }

    /// Reads a whole number.
    pub fn signed(&mut self) -> Result<i64, R::Error> {
        self.required("number", R::number)
    }

    /// Reads bytes.
    pub fn bytes(&mut self) -> Result<&'r [u8], R::Error> {
        self.required("bytes", R::bytes)
    }

    /// Reads bytes that may be null.
    pub fn optional_bytes(&mut self) -> Result<Option<&'r [u8]>, R::Error> {
        self.optional(R::bytes)
    }

    /// Reads a SHA-256.
    pub fn digest(&mut self) -> Result<Sha256Digest, R::Error> {
        self.optional_digest()?.ok_or_else(|| self.malformed("digest"))
    }

    /// Reads a SHA-256 that may be null.
    pub fn optional_digest(&mut self) -> Result<Option<Sha256Digest>, R::Error> {
        let bytes = self.optional(R::bytes)?;
        let digest = bytes.map(|bytes| bytes.try_into().map(Sha256Digest)).transpose();
        digest.map_err(|_| self.malformed("digest"))
    }

    /// Reads a text and parses it.
    pub fn parsed<T: FromStr>(&mut self) -> Result<T, R::Error> {
        self.text()?.parse().map_err(|_| self.malformed("value of its type"))
    }

    /// Reads a text that may be null and parses it.
    pub fn optional_parsed<T: FromStr>(&mut self) -> Result<Option<T>, R::Error> {
        self.optional_text()?.map(str::parse).transpose().map_err(|_| self.malformed("value of its type"))
    }

    /// Reads a text and parses it; none where it is empty.
    pub fn parsed_or_empty<T: FromStr>(&mut self) -> Result<Option<T>, R::Error> {
        let text = Some(self.text()?).filter(|text| !text.is_empty());
        text.map(str::parse).transpose().map_err(|_| self.malformed("value of its type"))
    }

    /// Reads one of a set of names.
    pub fn named<T>(&mut self, named: impl Fn(&str) -> Option<T>) -> Result<T, R::Error> {
        named(self.text()?).ok_or_else(|| self.malformed("name"))
    }

    /// Reads one of a set of names, or null.
    pub fn optional_named<T>(&mut self, named: impl Fn(&str) -> Option<T>) -> Result<Option<T>, R::Error> {
        let Some(text) = self.optional_text()? else { return Ok(None) };
        named(text).map(Some).ok_or_else(|| self.malformed("name"))
    }

    /// Returns the error of the column that was read last.
    pub fn malformed(&self, expected: &'static str) -> R::Error {
        Malformed { column: self.next.saturating_sub(1), expected }.into()
    }

    fn required<T>(
        &mut self,
        expected: &'static str,
        get: impl Fn(&'r R, usize) -> Result<Option<T>, R::Error>,
    ) -> Result<T, R::Error> {
        self.optional(get)?.ok_or_else(|| self.malformed(expected))
    }

    fn optional<T>(
        &mut self,
        get: impl Fn(&'r R, usize) -> Result<Option<T>, R::Error>,
    ) -> Result<Option<T>, R::Error> {
        let column = self.next;
        self.next += 1;
        get(self.row, column)
    }
}
