//! How far usage is exported, and what comes next (billing.md, section 5).
//!
//! An hour is exported when it is over. What rows of the ledger that come later say of it is exported too, as corrections. What
//! was exported in total is therefore what the rows up to [`ExportProgress::through_seq`] say of the hours before
//! [`ExportProgress::until`], and nobody has to keep it.

use super::ledger::LedgerRow;
use super::usage::UsageByGroup;

/// How far usage is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportProgress {
    /// The hours before this second, a full hour in Unix time, are exported.
    pub until: u64,
    /// As the rows of the ledger up to this one have them.
    pub through_seq: u64,
    /// How often rows came later.
    pub corrections: u64,
}

/// How much is asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportBounds {
    /// Hours, at most.
    pub hours: u32,
    /// Rows that came late, at most.
    pub late_rows: u32,
    /// How long an hour is over before it is exported, in seconds.
    pub margin_seconds: u64,
}

/// What is to be exported next.
#[derive(Clone, Debug)]
pub enum NextExport {
    /// Nothing: no hour is over that was not exported.
    Nothing,
    /// Rows that tell of hours that are exported already, in the order of commits.
    Late {
        /// The rows.
        rows: Vec<LedgerRow>,
        /// Up to this row there are no others.
        through_seq: u64,
    },
    /// Hours that are over.
    Hours {
        /// The first second of the first, in Unix time.
        from: u64,
        /// The second behind the last.
        until: u64,
        /// The last row of the ledger that their usage knows of.
        through_seq: u64,
        /// Their usage, by workspace, key and purpose, in slots of an hour.
        usage: UsageByGroup,
    },
}
