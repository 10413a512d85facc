//! Adjustments: corrections of the bill. The ledger is append-only, so an error is corrected by another row that states
//! quantity, reason and actor (docs/design/billing.md, section 2).

use super::ids::{KeyId, WorkspaceId};
use super::ledger::LedgerRow;
use super::prices::LineItem;

/// The longest reason, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// The prefix of the event id of an adjustment.
const EVENT_PREFIX: &str = "adj:";

/// A correction before it is stored. The store adds its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAdjustment {
    /// The idempotent name: a second entry under it is not billed.
    pub name: String,
    /// The workspace whose bill is corrected.
    pub workspace: WorkspaceId,
    /// The key that the quantity is attributed to.
    pub key: Option<KeyId>,
    /// The line item that is corrected.
    pub item: LineItem,
    /// The quantity added to the bill, in the item's smallest unit; negative for a credit.
    pub quantity: i64,
    /// The reason of the correction.
    pub reason: Reason,
    /// The event id of the ledger row that is reversed.
    pub reverses: Option<String>,
}

impl NewAdjustment {
    /// Returns the id of its ledger event.
    #[must_use]
    pub fn event_id(&self) -> String {
        format!("{EVENT_PREFIX}{}", self.name)
    }

    /// Returns whether `row` records the same correction.
    #[must_use]
    pub fn is(&self, row: &LedgerRow) -> bool {
        self.workspace == row.workspace
            && self.key == row.key
            && Some((self.item, self.quantity)) == row.adjusted()
            && Some(self.reason.as_str()) == row.note.as_deref()
            && self.reverses == row.reverses
    }
}

/// The reason of a correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Parses a reason of 1 to [`MAX_REASON_CHARS`] characters without control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_REASON_CHARS).contains(&text.chars().count()) && !text.trim().is_empty();
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The outcome of a correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adjusted {
    /// The ledger has the correction now.
    Entered(LedgerRow),
    /// The ledger had the correction before.
    Known(LedgerRow),
    /// Another correction has this name.
    NameTaken,
    /// The workspace has no event with the id in `reverses`.
    NoSuchEvent,
}

/// Returns the ledger row's id of an event id. A row may have several events.
#[must_use]
pub fn row_of_event(event_id: &str) -> String {
    if let Some(file) = event_id.strip_prefix("in:") {
        return format!("st+:{file}");
    }
    event_id.strip_suffix(":egress").unwrap_or(event_id).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_on_one_line() {
        for text in ["", "  ", "two\nlines", "\u{1b}[2J", &"x".repeat(MAX_REASON_CHARS + 1)] {
            assert_eq!(Reason::parse(text), None, "{text:?}");
        }
        for text in ["refund", &"ü".repeat(MAX_REASON_CHARS)] {
            assert_eq!(Reason::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn an_event_is_of_a_row() {
        for (event, row) in [("in:file-1", "st+:file-1"), ("rd:p:7:egress", "rd:p:7"), ("st-:file-1", "st-:file-1")] {
            assert_eq!(row_of_event(event), row);
        }
    }
}
