//! The faults of a line, and the limits that their messages name.

use std::fmt;

/// The maximum of requests in a batch (docs/api.md).
pub(super) const MAX_BATCH_REQUESTS: u64 = 50_000;
/// The deepest nesting that is checked, in levels; the stack takes one bit a level.
pub(super) const MAX_DEPTH_LEVELS: usize = 131_072;
/// The longest `custom_id`, in bytes of its decoded text.
pub(super) const MAX_CUSTOM_ID_BYTES: usize = 4096;

/// The reason why a line is bad, without content of the line. Columns count bytes of the line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The line is not UTF-8 from this column on.
    NotUtf8(u64),
    NoObject,
    /// The broken rule of JSON, and the column.
    BadJson(&'static str, u64),
    /// The column at which too many objects and arrays are open.
    TooDeep(u64),
    Missing(&'static str),
    NotAString(&'static str),
    NotAnObject(&'static str),
    /// An outcome whose `response` and `error` are both null or missing.
    NoOutcome,
    LongId,
    /// The first line with this `custom_id`.
    RepeatedId(u32),
    TooMany,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8(column) => {
                write!(out, "not UTF-8 (column {column}), perhaps Windows-1252 or another legacy encoding")
            }
            Self::NoObject => out.write_str("not a JSON object"),
            Self::BadJson(rule, column) => write!(out, "not valid JSON ({rule}, column {column})"),
            Self::TooDeep(column) => {
                write!(out, "nested deeper than {MAX_DEPTH_LEVELS} levels (column {column})")
            }
            Self::Missing(member) => write!(out, "no '{member}'"),
            Self::NotAString(member) => write!(out, "'{member}' is not a string"),
            Self::NotAnObject(member) => write!(out, "'{member}' is not an object"),
            Self::NoOutcome => out.write_str("neither 'response' nor 'error' is an object"),
            Self::LongId => write!(out, "'custom_id' is longer than {MAX_CUSTOM_ID_BYTES} bytes"),
            Self::RepeatedId(first) => write!(out, "'custom_id' is that of line {first}"),
            Self::TooMany => write!(out, "more than {MAX_BATCH_REQUESTS} requests"),
        }
    }
}
