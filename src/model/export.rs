//! How far usage is exported, and what comes next (docs/design/billing.md, section 5).
//!
//! An hour is exported when it is over. What rows of the ledger that come later say of it is exported too, as corrections. What
//! was exported in total is therefore what the rows up to [`ExportProgress::through_seq`] say of the hours before
//! [`ExportProgress::until`], and nobody has to keep it.
//!
//! Events that are too many for one transaction are written in several. Between them the progress has an [`ExportPart`].

use super::ledger::LedgerRow;
use super::prices::LineItem;
use super::usage::{Group, UsageByGroup};

/// How far usage is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportProgress {
    /// The hours before this second, a full hour in Unix time, are exported.
    pub until: u64,
    /// As the rows of the ledger up to this one have them.
    pub through_seq: u64,
    /// How often rows came later.
    pub corrections: u64,
    /// How much is exported of what comes next, when it takes several transactions; none between them.
    pub part: Option<ExportPart>,
}

/// What is exported of an hour, or of corrections, of which the rest is to follow. Its events are those of the ledger up to one
/// row, in the order of their places, so that the rest is known after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportPart {
    /// All of the events tell of the ledger as the rows up to this one have it.
    pub through_seq: u64,
    /// How many transactions there were: the first is 1.
    pub number: u64,
    /// The last event that is written.
    pub after: ExportPlace,
}

/// The place of an event among those that are exported together: what it tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExportPlace {
    /// The first second of the hour, in Unix time.
    pub hour: u64,
    /// Who used it.
    pub group: Group,
    /// What was used.
    pub item: LineItem,
}

impl ExportProgress {
    /// Returns the part that is exported of the hour that comes next, if there is one.
    #[must_use]
    pub fn part_of_hour(&self) -> Option<ExportPart> {
        self.part.filter(|part| part.after.hour >= self.until)
    }

    /// Returns the part that is exported of corrections, if there is one.
    #[must_use]
    pub fn part_of_corrections(&self) -> Option<ExportPart> {
        self.part.filter(|part| part.after.hour < self.until)
    }
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
    /// Rows that tell of hours that are exported already, in the order of commits; all of them that are not, when a part of
    /// what they add is.
    Late {
        /// The rows.
        rows: Vec<LedgerRow>,
        /// Up to this row there are no others.
        through_seq: u64,
    },
    /// Hours that are over; the one of which a part is exported, and no other, when there is one.
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
