//! The searches of the audit log.

use crate::model::audit::{Action, AuditQuery};
use crate::model::ids::AuditId;
use std::collections::BTreeSet;

/// A column of the audit log and its wanted values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The column.
    pub column: &'static str,
    /// The values, each once. No entry is wanted when there is none.
    pub values: BTreeSet<String>,
}

/// The filters of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// The most selective filter, whose values are searched one by one in an index. The index by action leaves out
    /// deletes of Files, which most entries are.
    pub searched: Option<Filter>,
    /// The other filters, which are conditions on the found entries.
    pub others: Vec<Filter>,
}

impl Filters {
    /// Returns the filters of a query.
    pub fn of(query: &AuditQuery) -> Self {
        let filters = [
            filter("object_id", query.objects.as_deref(), Clone::clone),
            filter("actor", query.actors.as_deref(), ToString::to_string),
            filter("workspace_id", query.workspaces.as_deref(), ToString::to_string),
            filter("action", query.actions.as_deref(), |action| action.name().to_owned()),
        ];
        let mut others: Vec<Filter> = filters.into_iter().flatten().collect();
        let has_index =
            |filter: &Filter| filter.column != "action" || !filter.values.contains(Action::FileDeleted.name());
        let searched = others.first().is_some_and(has_index).then(|| others.remove(0));
        Self { searched, others }
    }
}

/// Returns the condition under which the index of a column is used, for a searched filter.
pub fn index_condition(column: &str) -> Option<String> {
    (column == "action").then(|| format!("action <> '{}'", Action::FileDeleted.name()))
}

/// Returns whether a page is read in ascending order and reversed: a page before an entry.
pub const fn is_ascending(query: &AuditQuery) -> bool {
    query.before.is_some() && query.after.is_none()
}

/// Returns an id that is not greater than the id of any entry from this Unix second on, and greater than all before.
pub fn first_id(seconds: u64) -> AuditId {
    AuditId::next(None, seconds.saturating_mul(1000), [0; 11])
}

fn filter<T>(column: &'static str, wanted: Option<&[T]>, text: impl Fn(&T) -> String) -> Option<Filter> {
    wanted.map(|wanted| Filter { column, values: wanted.iter().map(text).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::WorkspaceId;

    #[test]
    fn the_most_selective_filter_is_searched_unless_it_is_of_deletes() {
        let searched = |query: &AuditQuery| Filters::of(query).searched.map(|filter| filter.column);
        let of = |action| AuditQuery { actions: Some(vec![action]), ..AuditQuery::default() };
        assert_eq!(searched(&AuditQuery::default()), None);
        assert_eq!((searched(&of(Action::KeyCreated)), searched(&of(Action::FileDeleted))), (Some("action"), None));
        assert_eq!(Filters::of(&of(Action::FileDeleted)).others.len(), 1);
        let workspaces = Some(vec![WorkspaceId::next(None, 1, [0; 11])]);
        let query = AuditQuery { workspaces, ..of(Action::FileDeleted) };
        assert_eq!((searched(&query), Filters::of(&query).others.len()), (Some("workspace_id"), 1));
    }
}
