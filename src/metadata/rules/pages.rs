//! The bounds of pages, in the terms of SQL.

use crate::model::page::Order;
use std::fmt::Display;

/// A text that sorts before every id.
const BEFORE_ALL_IDS: &str = "";
/// A text that sorts behind every id, whose characters are digits, letters, `-` and `_`.
const BEHIND_ALL_IDS: &str = "~";

/// The bound of a page in the order of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageBound {
    /// The comparison that holds between an id of the page and [`Self::edge`].
    pub comparison: &'static str,
    /// The direction of the page.
    pub direction: &'static str,
    /// The id behind which the page begins, or a text before all ids in this order.
    pub edge: String,
}

impl PageBound {
    /// Returns the bound of the page behind `after`, or of the first page.
    pub fn behind(after: Option<impl Display>, order: Order) -> Self {
        let (comparison, direction, first) = match order {
            Order::Ascending => (">", "ASC", BEFORE_ALL_IDS),
            Order::Descending => ("<", "DESC", BEHIND_ALL_IDS),
        };
        Self { comparison, direction, edge: after.map_or_else(|| first.to_owned(), |id| id.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::KeyId;

    #[test]
    fn the_first_page_begins_at_the_edge_of_its_order() {
        let id = KeyId::next(None, 1, [0; 11]);
        let edge = |after: Option<KeyId>, order| PageBound::behind(after, order).edge;
        assert!(edge(None, Order::Ascending) < id.to_string() && edge(None, Order::Descending) > id.to_string());
        assert_eq!(edge(Some(id), Order::Descending), id.to_string());
    }
}
