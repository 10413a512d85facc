//! The progress of usage exports (docs/design/billing.md, section 5).
//!
//! An hour is exported once it is over. Ledger rows that arrive later are exported as corrections. The exported total
//! is exactly what the rows up to [`ExportProgress::through_seq`] say of the hours before [`ExportProgress::until`], so
//! it need not be stored.
//!
//! Events that exceed one transaction are written in several. Between them the progress has an [`ExportPart`].

use super::ledger::LedgerRow;
use super::prices::LineItem;
use super::usage::{Group, UsageByGroup};

/// The progress of the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportProgress {
    /// The Unix second, a full hour, before which all hours are exported.
    pub until: u64,
    /// The last ledger row that the exported hours reflect.
    pub through_seq: u64,
    /// The number of exported correction batches.
    pub corrections: u64,
    /// The part that is exported of the next step; none unless it takes several transactions.
    pub part: Option<ExportPart>,
}

/// The exported part of an hour, or of corrections. Its events reflect the ledger up to one row and are in the order of
/// their positions, so that the rest is known after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportPart {
    /// The last ledger row that the events reflect.
    pub through_seq: u64,
    /// The number of transactions so far; 1 after the first.
    pub number: u64,
    /// The position of the last written event.
    pub after: ExportPlace,
}

/// The position of an event within one export step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExportPlace {
    /// The first Unix second of the hour.
    pub hour: u64,
    /// The group that used it.
    pub group: Group,
    /// The line item.
    pub item: LineItem,
}

impl ExportProgress {
    /// Returns the exported part of the next hour.
    #[must_use]
    pub fn part_of_hour(&self) -> Option<ExportPart> {
        self.part.filter(|part| part.after.hour >= self.until)
    }

    /// Returns the exported part of corrections.
    #[must_use]
    pub fn part_of_corrections(&self) -> Option<ExportPart> {
        self.part.filter(|part| part.after.hour < self.until)
    }
}

/// The bounds of one export step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportBounds {
    /// The maximum number of hours.
    pub hours: u32,
    /// The maximum number of late rows.
    pub late_rows: u32,
    /// The delay after the end of an hour before it is exported, in seconds.
    pub margin_seconds: u64,
}

/// The next export step.
#[derive(Clone, Debug)]
pub enum NextExport {
    /// No hour is due.
    Nothing,
    /// Late rows of exported hours, in the order of commits. While a part of their corrections is exported, all of
    /// them.
    Late {
        /// The rows.
        rows: Vec<LedgerRow>,
        /// The ledger row up to which there are no other late rows.
        through_seq: u64,
    },
    /// Hours that are over. While a part of an hour is exported, that hour alone.
    Hours {
        /// The first Unix second of the first hour.
        from: u64,
        /// The Unix second after the last hour.
        until: u64,
        /// The last ledger row that the usage reflects.
        through_seq: u64,
        /// Their usage, by workspace, key and purpose, in slots of an hour.
        usage: UsageByGroup,
    },
}
