//! The query parameters of the administration's lists.

use super::rate_limit::RateLimit;
use crate::http::error::{ApiError, echo};
use crate::http::list::{self, MAX_TIME, id_of, integer, limit, one_of};
use crate::http::query::parameters;
use crate::model::audit::{Action, AuditQuery, MAX_OBJECT_ID_CHARS};
use crate::model::page::{Order, Page};
use crate::model::person::is_email;
use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The accepted numbers of rows of a page.
const PAGE_ROWS: RangeInclusive<u32> = 1..=100;
/// The number of rows of a page without a `limit`.
const DEFAULT_PAGE_ROWS: u32 = 20;

/// The filter of keys by the access of their owners to the project.
const OWNER_PROJECT_ACCESS: &str = "owner_project_access";

/// The query of the audit log, before people are looked up by their e-mail addresses.
#[derive(Debug)]
pub struct AuditFilter {
    /// The query without those addresses.
    pub query: AuditQuery,
    /// The e-mail addresses of the actors to include.
    pub actor_emails: Option<Vec<String>>,
}

/// The query of a list of projects or keys.
#[derive(Debug)]
pub struct PageQuery<Id> {
    /// The last id of the previous page.
    pub after: Option<Id>,
    /// The maximum number of rows.
    pub limit: u32,
    /// Archived projects are included.
    pub include_archived: bool,
}

/// Reads the query of a list; unknown parameters are ignored.
///
/// # Errors
/// When a parameter is not valid.
pub fn page<Id: FromStr>(query: &str) -> Result<PageQuery<Id>, ApiError> {
    let mut parsed = PageQuery { after: None, limit: DEFAULT_PAGE_ROWS, include_archived: false };
    for (name, value) in parameters(query) {
        match &*name {
            "after" => parsed.after = Some(id("after", &value)?),
            "limit" => parsed.limit = limit(&value, &PAGE_ROWS)?,
            "include_archived" => parsed.include_archived = yes_or_no("include_archived", &value)?,
            _ => {}
        }
    }
    Ok(parsed)
}

/// Reads whether the list has keys whose owners have access to the project. All owners have it, so otherwise the list
/// is empty.
///
/// # Errors
/// When the value is not one of OpenAI's.
pub fn owners_with_access(query: &str) -> Result<bool, ApiError> {
    let parsed = parameters(query).filter(|(name, _)| name == OWNER_PROJECT_ACCESS).last();
    match parsed.as_ref().map(|(_, value)| &**value) {
        None | Some("active" | "any") => Ok(true),
        Some("inactive") => Ok(false),
        Some(other) => Err(ApiError::unsupported(OWNER_PROJECT_ACCESS, other, &["active", "inactive", "any"])),
    }
}

/// Reads the e-mail addresses that filter a list of people; none without a filter.
///
/// # Errors
/// When there are too many, or one cannot be an address.
pub fn emails(query: &str) -> Result<Option<Vec<String>>, ApiError> {
    let mut emails = None;
    for (name, value) in parameters(query).filter(|(name, _)| matches!(&**name, "emails" | "emails[]")) {
        one_of(&name, &mut emails, email(&name, value)?)?;
    }
    Ok(emails)
}

/// Reads the order of a list; ascending by default.
///
/// # Errors
/// When the value is not an order.
pub fn order(query: &str) -> Result<Order, ApiError> {
    let parsed = parameters(query).filter(|(name, _)| name == "order").last();
    parsed.map_or(Ok(Order::Ascending), |(_, value)| list::order(&value))
}

/// Reads the page of the list of rate limits.
///
/// # Errors
/// When a parameter is not valid.
pub fn rate_limits(query: &str) -> Result<Page<RateLimit>, ApiError> {
    let (mut rows, mut most) = (RateLimit::ALL.to_vec(), *PAGE_ROWS.end());
    let mut keep = |param: &str, value: &str, behind: bool| -> Result<(), ApiError> {
        let cursor = RateLimit::ALL.iter().position(|rate| rate.id() == value);
        let wrong = || ApiError::invalid(format!("Invalid '{param}': '{}' is no id of this list.", echo(value)));
        let cursor = cursor.ok_or_else(|| wrong().param(param))?;
        let kept = |at: usize| if behind { at > cursor } else { at < cursor };
        let place = |rate: &RateLimit| RateLimit::ALL.iter().position(|other| other == rate).unwrap_or_default();
        rows.retain(|rate| kept(place(rate)));
        Ok(())
    };
    for (name, value) in parameters(query) {
        match &*name {
            "after" => keep("after", &value, true)?,
            "before" => keep("before", &value, false)?,
            "limit" => most = limit(&value, &PAGE_ROWS)?,
            _ => {}
        }
    }
    Ok(Page::cut(rows, most))
}

/// Reads the query of the audit log.
///
/// # Errors
/// When a parameter is not valid.
pub fn audit(query: &str) -> Result<AuditFilter, ApiError> {
    let mut actor_emails = None;
    let mut parsed = AuditQuery { limit: DEFAULT_PAGE_ROWS, ..AuditQuery::default() };
    for (name, value) in parameters(query) {
        match name.strip_suffix("[]").unwrap_or(&name) {
            "after" => parsed.after = Some(id("after", &value)?),
            "before" => parsed.before = Some(id("before", &value)?),
            "limit" => parsed.limit = limit(&value, &PAGE_ROWS)?,
            "effective_at[gte]" => parsed.from = Some(second(&name, &value)?),
            "effective_at[gt]" => parsed.from = Some(second(&name, &value)?.saturating_add(1)),
            "effective_at[lt]" => parsed.until = Some(second(&name, &value)?),
            "effective_at[lte]" => parsed.until = Some(second(&name, &value)?.saturating_add(1)),
            "event_types" => one_of(&name, &mut parsed.actions, action(&name, &value)?)?,
            "actor_ids" => one_of(
                &name,
                &mut parsed.actors,
                id_of(&name, &value, "an actor: a key, a person, `command_line` or `anonymous`")?,
            )?,
            "project_ids" => one_of(&name, &mut parsed.workspaces, id_of(&name, &value, "a project")?)?,
            "resource_ids" => one_of(&name, &mut parsed.objects, object_id(&name, &value)?)?,
            "actor_emails" => one_of(&name, &mut actor_emails, email(&name, value)?)?,
            _ => {}
        }
    }
    Ok(AuditFilter { query: parsed, actor_emails })
}

fn email(param: &str, value: Cow<'_, str>) -> Result<String, ApiError> {
    let wrong = || ApiError::invalid(format!("'{}' is not an e-mail address.", echo(&value))).param(param);
    if is_email(&value) { Ok(value.into_owned()) } else { Err(wrong()) }
}

fn object_id(param: &str, value: &str) -> Result<String, ApiError> {
    let is_id = value.len() <= MAX_OBJECT_ID_CHARS && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let wrong = || ApiError::invalid(format!("'{}' is not the id of an object.", echo(value))).param(param);
    is_id.then(|| value.to_owned()).ok_or_else(wrong)
}

fn action(param: &str, value: &str) -> Result<Action, ApiError> {
    Action::named(value).ok_or_else(|| ApiError::unsupported(param, value, &Action::ALL.map(Action::name)))
}

fn id<Id: FromStr>(param: &str, value: &str) -> Result<Id, ApiError> {
    let wrong = |_| ApiError::invalid(format!("Invalid '{param}': '{}' is no id of this list.", echo(value)));
    value.parse().map_err(|error| wrong(error).param(param))
}

fn second(param: &str, value: &str) -> Result<u64, ApiError> {
    integer(param, value, 0..=MAX_TIME)
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
        let of = |query| page::<WorkspaceId>(query).map(|parsed| (parsed.limit, parsed.include_archived)).ok();
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
            "event_types[]=api_key.created&event_types%5B%5D=project.created&actor_ids[]={key}\
             &effective_at[gt]=5&effective_at[lte]=9&resource_ids[]=a&resource_ids[]=b&limit=3"
        );
        let parsed = audit(&query).unwrap().query;
        assert_eq!(parsed.actions.unwrap(), [Action::KeyCreated, Action::WorkspaceCreated]);
        assert_eq!(parsed.actors.unwrap(), [Actor::Key(key)]);
        assert_eq!((parsed.from, parsed.until, parsed.limit), (Some(6), Some(10), 3));
        assert_eq!(parsed.objects.unwrap(), ["a", "b"]);
        let of = |query| audit(query).unwrap().actor_emails;
        assert_eq!((of("actor_emails[]=a@b.c"), of("limit=1")), (Some(vec!["a@b.c".to_owned()]), None));
        let of = |query| emails(query).unwrap();
        assert_eq!((of("emails=a@b&emails[]="), of("emails[]=")), (Some(vec!["a@b".to_owned()]), None));
        for wrong in ["a", "@", "a@", "@b", "a%00@b", "a @b"] {
            assert!(emails(&format!("emails[]={wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rate_limits_are_paged_like_a_list() {
        let of = |query| rate_limits(query).map(|page| (page.rows, page.has_more)).ok();
        assert_eq!(of("after=&before="), Some((RateLimit::ALL.to_vec(), false)));
        assert_eq!(of("limit=1"), Some((vec![RateLimit::Requests], true)));
        assert_eq!(of("after=rl-requests&limit=1"), Some((vec![RateLimit::Uploads], false)));
        assert_eq!(of("before=rl-uploads"), Some((vec![RateLimit::Requests], false)));
        assert_eq!(of("after=rl-uploads"), Some((Vec::new(), false)));
        assert_eq!((of("after=rl-x"), of("limit=0")), (None, None));
        let access = |query| owners_with_access(query).ok();
        assert_eq!((access("owner_project_access=any"), access("owner_project_access=")), (Some(true), Some(true)));
        assert_eq!((access("owner_project_access=inactive"), access("owner_project_access=x")), (Some(false), None));
        assert_eq!((order("order=desc").ok(), order("").ok()), (Some(Order::Descending), Some(Order::Ascending)));
        assert!(order("order=up").is_err());
    }

    #[test]
    fn an_empty_filter_is_no_filter() {
        let parsed =
            audit("event_types[]=&actor_ids[]=&project_ids=&resource_ids[]=&actor_emails[]=&effective_at[gt]=")
                .unwrap();
        let query = AuditQuery { limit: DEFAULT_PAGE_ROWS, ..AuditQuery::default() };
        let expected = AuditFilter { query, actor_emails: None };
        assert_eq!(format!("{parsed:?}"), format!("{expected:?}"));
    }

    #[test]
    fn a_value_that_no_entry_can_have_is_refused_by_name() {
        for (query, param) in [
            ("event_types[]=group.created", "event_types[]"),
            ("event_types=api_key.created&event_types=x", "event_types"),
            ("actor_ids[]=user-1", "actor_ids[]"),
            ("project_ids[]=proj_1", "project_ids[]"),
            ("resource_ids[]=a%C2%90", "resource_ids[]"),
            ("effective_at[gt]=now", "effective_at[gt]"),
            ("after=x", "after"),
            ("limit=0", "limit"),
        ] {
            let error = format!("{:?}", audit(query).unwrap_err());
            assert!(error.contains(&format!("param: Some(\"{param}\")")), "{query}: {error}");
        }
        let many = vec!["resource_ids[]=a"; MAX_FILTER_VALUES + 1].join("&");
        assert!(audit(&many).is_err());
    }
}
