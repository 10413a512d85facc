//! The queries of the administration's lists.

use crate::http::error::{ApiError, echo};
use crate::http::list::{limit, one_of};
use crate::http::query::parameters;
use crate::model::audit::{Action, AuditQuery};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// How many rows one page may be asked to hold.
const PAGE_ROWS: RangeInclusive<u32> = 1..=100;
/// How many it holds when nobody asks.
const DEFAULT_PAGE_ROWS: u32 = 20;

/// What is asked of a list of projects or keys.
#[derive(Debug)]
pub struct PageQuery<Id> {
    /// Only what comes behind this id.
    pub after: Option<Id>,
    /// At most so many.
    pub limit: u32,
    /// Archived ones too.
    pub include_archived: bool,
}

/// Reads the query of a list; parameters that it does not know are ignored.
///
/// # Errors
/// When a parameter is not valid.
pub fn page<Id: FromStr>(query: &str) -> Result<PageQuery<Id>, ApiError> {
    let mut asked = PageQuery { after: None, limit: DEFAULT_PAGE_ROWS, include_archived: false };
    for (name, value) in parameters(query) {
        match &*name {
            "after" => asked.after = Some(id("after", &value)?),
            "limit" => asked.limit = limit(&value, &PAGE_ROWS)?,
            "include_archived" => asked.include_archived = yes_or_no("include_archived", &value)?,
            _ => {}
        }
    }
    Ok(asked)
}

/// Reads the query of the audit log. A value that no entry can have is asked for in vain.
///
/// # Errors
/// When a parameter is not valid.
pub fn audit(query: &str) -> Result<AuditQuery, ApiError> {
    let mut asked = AuditQuery { limit: DEFAULT_PAGE_ROWS, ..AuditQuery::default() };
    for (name, value) in parameters(query) {
        match name.strip_suffix("[]").unwrap_or(&name) {
            "after" => asked.after = Some(id("after", &value)?),
            "before" => asked.before = Some(id("before", &value)?),
            "limit" => asked.limit = limit(&value, &PAGE_ROWS)?,
            "effective_at[gte]" => asked.from = Some(second(&name, &value)?),
            "effective_at[gt]" => asked.from = Some(second(&name, &value)?.saturating_add(1)),
            "effective_at[lt]" => asked.until = Some(second(&name, &value)?),
            "effective_at[lte]" => asked.until = Some(second(&name, &value)?.saturating_add(1)),
            "event_types" => one_of(&name, &mut asked.actions, Action::named(&value))?,
            "actor_ids" => one_of(&name, &mut asked.actors, value.parse().ok())?,
            "project_ids" => one_of(&name, &mut asked.workspaces, value.parse().ok())?,
            "resource_ids" => one_of(&name, &mut asked.objects, Some(value.into_owned()))?,
            // Nobody here has an e-mail address.
            "actor_emails" => one_of(&name, &mut asked.actors, None)?,
            _ => {}
        }
    }
    Ok(asked)
}

fn id<Id: FromStr>(param: &str, value: &str) -> Result<Id, ApiError> {
    let wrong = |_| ApiError::invalid(format!("Invalid '{param}': '{}' is no id of this list.", echo(value)));
    value.parse().map_err(|error| wrong(error).param(param))
}

fn second(param: &str, value: &str) -> Result<u64, ApiError> {
    let wrong = |_| ApiError::invalid(format!("Invalid '{param}': expected Unix seconds, but got '{}'.", echo(value)));
    value.parse().map_err(|error| wrong(error).param(param))
}

fn yes_or_no(param: &str, value: &str) -> Result<bool, ApiError> {
    let wrong = |_| ApiError::invalid(format!("Invalid '{param}': expected true or false, but got '{}'.", echo(value)));
    value.to_ascii_lowercase().parse().map_err(|error| wrong(error).param(param))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::list::MAX_FILTER_VALUES;
    use crate::model::audit::Actor;
    use crate::model::ids::{KeyId, WorkspaceId};

    #[test]
    fn a_page_has_twenty_rows_and_at_most_a_hundred() {
        let of = |query| page::<WorkspaceId>(query).map(|asked| (asked.limit, asked.include_archived)).ok();
        assert_eq!(of(""), Some((20, false)));
        assert_eq!(of("limit=&after=&include_archived="), Some((20, false)));
        assert_eq!(of("limit=100&include_archived=True&other=1"), Some((100, true)));
        for query in ["limit=0", "limit=101", "limit=x", "after=ws_1", "include_archived=maybe"] {
            assert_eq!(of(query), None, "{query}");
        }
    }

    #[test]
    fn filters_are_read_in_every_spelling_of_a_list() {
        let key = KeyId::next(None, 5, [5; 11]);
        let query = format!(
            "event_types[]=api_key.created&event_types%5B%5D=project.created&event_types=group.created&actor_ids[]={key}\
             &effective_at[gt]=5&effective_at[lte]=9&resource_ids[]=a&resource_ids[]=b&limit=3"
        );
        let asked = audit(&query).unwrap();
        assert_eq!(asked.actions.unwrap(), [Action::KeyCreated, Action::WorkspaceCreated]);
        assert_eq!(asked.actors.unwrap(), [Actor::Key(key)]);
        assert_eq!((asked.from, asked.until, asked.limit), (Some(6), Some(10), 3));
        assert_eq!(asked.objects.unwrap(), ["a", "b"]);
    }

    #[test]
    fn an_empty_filter_is_no_filter() {
        let asked = audit("event_types[]=&actor_ids[]=&project_ids=&resource_ids[]=&actor_emails[]=&effective_at[gt]=")
            .unwrap();
        let expected = AuditQuery { limit: DEFAULT_PAGE_ROWS, ..AuditQuery::default() };
        assert_eq!(format!("{asked:?}"), format!("{expected:?}"));
    }

    #[test]
    fn what_no_entry_can_have_is_found_nowhere() {
        assert_eq!(audit("event_types[]=group.created").unwrap().actions, Some(Vec::new()));
        assert_eq!(audit("actor_ids[]=user-1").unwrap().actors, Some(Vec::new()));
        assert_eq!(audit("actor_emails[]=a@b.c").unwrap().actors, Some(Vec::new()));
        assert_eq!(audit("project_ids[]=proj_1").unwrap().workspaces, Some(Vec::new()));
        for query in ["effective_at[gt]=now", "after=x", "limit=0"] {
            assert!(audit(query).is_err(), "{query}");
        }
        let many = vec!["resource_ids[]=a"; MAX_FILTER_VALUES + 1].join("&");
        assert!(audit(&many).is_err());
    }
}
