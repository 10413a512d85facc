//! The decision whether a correction of the bill is entered.

use crate::model::adjustment::{Adjusted, NewAdjustment};
use crate::model::ledger::LedgerRow;

/// Returns why a correction is not entered: the ledger has a row of its name, or not the event that it reverses.
/// `named` is the row of its name, `reversed` that of the event.
pub fn refuse(new: &NewAdjustment, named: Option<LedgerRow>, reversed: Option<&LedgerRow>) -> Option<Adjusted> {
    if let Some(known) = named {
        return Some(if new.is(&known) { Adjusted::Known(known) } else { Adjusted::NameTaken });
    }
    let event = new.reverses.as_ref()?;
    let is_there = reversed
        .is_some_and(|row| row.workspace == new.workspace && row.lines().iter().any(|line| line.event_id == *event));
    (!is_there).then_some(Adjusted::NoSuchEvent)
}

/// Returns the bytes and the count of the row of a correction.
pub const fn amounts(new: &NewAdjustment) -> (i64, i64) {
    if new.item.is_counted() { (0, new.quantity) } else { (new.quantity, 0) }
}
