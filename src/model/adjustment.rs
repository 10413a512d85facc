//! Adjustments: corrections of the bill. The ledger is never changed; what was wrong in it is set right by a row that says how
//! much, why, and who decided it (docs/design/billing.md, section 2).

use super::ids::{KeyId, WorkspaceId};
use super::ledger::LedgerRow;
use super::prices::LineItem;

/// The longest reason, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// What the event id of an adjustment begins with.
const EVENT_PREFIX: &str = "adj:";

/// A correction as it is entered; the store adds when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAdjustment {
    /// What tells it from every other: entered twice under one name, it counts once.
    pub name: String,
    /// The workspace whose bill it is.
    pub workspace: WorkspaceId,
    /// The key that it is put down to, if it is one's.
    pub key: Option<KeyId>,
    /// What was billed wrongly.
    pub item: LineItem,
    /// How much more of it is billed, in its smallest quantities; less when negative.
    pub quantity: i64,
    /// Why.
    pub reason: Reason,
    /// The event of the ledger that it sets right.
    pub reverses: Option<String>,
}

impl NewAdjustment {
    /// The id of its event.
    #[must_use]
    pub fn event_id(&self) -> String {
        format!("{EVENT_PREFIX}{}", self.name)
    }

    /// Whether this row is of the same correction.
    #[must_use]
    pub fn is(&self, row: &LedgerRow) -> bool {
        self.workspace == row.workspace
            && self.key == row.key
            && Some((self.item, self.quantity)) == row.adjusted()
            && Some(self.reason.as_str()) == row.note.as_deref()
            && self.reverses == row.reverses
    }
}

/// Why a bill is corrected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// A reason: 1 to [`MAX_REASON_CHARS`] characters, none of them a control character.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_REASON_CHARS).contains(&text.chars().count()) && !text.trim().is_empty();
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of a correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adjusted {
    /// It stands in the ledger.
    Entered(LedgerRow),
    /// It stood there already.
    Known(LedgerRow),
    /// Another one has its name.
    NameTaken,
    /// The workspace has no event of this id to be set right.
    NoSuchEvent,
}

/// The id of the row that has an event, of which a row may have several.
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
