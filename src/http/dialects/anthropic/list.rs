//! Anthropic's lists: by page token, by ids, and in the first shape by the id before or after the page. The newest File
//! is first.

use super::caller::Shape;
use crate::files::{Files, StoreError};
use crate::http::error::{ApiError, echo};
use crate::http::list::{MAX_FILTER_VALUES, limit};
use crate::http::list_body::ListTurns;
use crate::http::query::parameters;
use crate::model::file::File;
use crate::model::ids::{FileId, WorkspaceId};
use crate::model::page::{FileQuery, Order, Page};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The bounds of `limit`.
const LIMITS: RangeInclusive<u32> = 1..=1000;
const DEFAULT_LIMIT: u32 = 20;
const PAGE: &str = "page";
const IDS: &str = "ids[]";
/// The beginning of a token, before the digits of the last File of the page before.
const TOKEN: &str = "page_";
/// The beginning of an id, which a token leaves out.
const ID: &str = "file_";

/// The query of a list.
#[derive(Debug, PartialEq, Eq)]
pub enum ListQuery {
    /// The Files with these ids, as far as they exist.
    Ids(BTreeSet<FileId>),
    /// A page of the newest Files behind this one.
    Behind(Option<FileId>, u32),
    /// A page of the oldest Files before this one.
    Before(FileId, u32),
    /// Nothing: Files of a scope, which no File here has.
    Nothing,
}

impl ListQuery {
    /// Reads the query of `GET /v1/files`.
    ///
    /// # Errors
    /// When a parameter is not valid, or two exclude each other; unknown ones are ignored.
    pub fn parse(query: &str, shape: Shape) -> Result<Self, ApiError> {
        let (mut ids, mut limited, mut token, mut cursors) = (None, None, None, Vec::new());
        let mut has_scope = false;
        for (name, value) in parameters(query) {
            match &*name {
                "limit" => limited = Some(limit(&value, &LIMITS)?),
                PAGE => token = Some(of_token(&value)?),
                IDS => add_id(ids.get_or_insert_default(), &value)?,
                "after_id" | "before_id" => cursors.push(cursor(&name, &value, shape)?),
                "scope_id" => has_scope = true,
                _ => {}
            }
        }
        let limit = limited.unwrap_or(DEFAULT_LIMIT);
        match (ids, token, cursors.as_slice()) {
            (Some(_), Some(_), _) => Err(excluded(IDS, PAGE)),
            (Some(_), ..) if limited.is_some() => Err(excluded(IDS, "limit")),
            (Some(_), _, [_, ..]) => Err(excluded(IDS, "after_id")),
            (_, Some(_), [_, ..]) => Err(excluded(PAGE, "after_id")),
            (_, _, [_, _, ..]) => Err(excluded("after_id", "before_id")),
            _ if has_scope => Ok(Self::Nothing),
            (Some(ids), None, []) => Ok(Self::Ids(ids.into_iter().flatten().collect())),
            (None, token, []) => Ok(Self::Behind(token, limit)),
            (None, None, [Cursor::After(id)]) => Ok(Self::Behind(Some(*id), limit)),
            (None, None, [Cursor::Before(id)]) => Ok(Self::Before(*id, limit)),
        }
    }

    /// Reads the page, the newest File first.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn run(self, files: &Files, turns: &ListTurns, workspace: WorkspaceId) -> Result<Page<File>, StoreError> {
        let _turn = turns.0.acquire(workspace).await;
        let query = |order, after, limit| files.list(workspace, FileQuery { purpose: None, limit, order, after });
        match self {
            Self::Nothing => Ok(Page::empty()),
            Self::Behind(after, limit) => query(Order::Descending, after, limit).await,
            Self::Before(id, limit) => {
                let mut page = query(Order::Ascending, Some(id), limit).await?;
                page.rows.reverse();
                Ok(page)
            }
            Self::Ids(ids) => {
                let mut rows = Vec::new();
                for id in ids.into_iter().rev() {
                    rows.extend(files.retrieve(workspace, id).await?);
                }
                Ok(Page { rows, has_more: false })
            }
        }
    }
}

/// An end of a page in the first shape.
enum Cursor {
    After(FileId),
    Before(FileId),
}

/// Returns the token of the page behind this File.
pub fn token(last: FileId) -> String {
    let id = last.underscored();
    format!("{TOKEN}{}", id.strip_prefix(ID).unwrap_or(&id))
}

fn of_token(token: &str) -> Result<FileId, ApiError> {
    let id = token.strip_prefix(TOKEN).and_then(|digits| FileId::of_any_dialect(&format!("{ID}{digits}")).ok());
    let wrong = || format!("Invalid '{PAGE}': '{}' is no 'next_page' of a list.", echo(token));
    id.ok_or_else(|| ApiError::invalid(wrong()).param(PAGE))
}

fn cursor(name: &str, value: &str, shape: Shape) -> Result<Cursor, ApiError> {
    if shape == Shape::Current {
        let message =
            format!("'{name}' belongs to the beta. Lists go on with 'page', the 'next_page' of the list before.");
        return Err(ApiError::invalid(message).param(name));
    }
    let wrong = |_| ApiError::invalid(format!("Invalid '{name}': '{}' is no id of a file.", echo(value))).param(name);
    let id = FileId::of_any_dialect(value).map_err(wrong)?;
    Ok(if name == "after_id" { Cursor::After(id) } else { Cursor::Before(id) })
}

/// Adds an id to those of a list. What is no id is one that no File has.
fn add_id(ids: &mut BTreeSet<Option<FileId>>, value: &str) -> Result<(), ApiError> {
    ids.insert(FileId::of_any_dialect(value).ok());
    if ids.len() > MAX_FILTER_VALUES {
        let message = format!("Invalid '{IDS}': expected at most {MAX_FILTER_VALUES} ids.");
        return Err(ApiError::invalid(message).param(IDS));
    }
    Ok(())
}

fn excluded(one: &str, other: &str) -> ApiError {
    ApiError::invalid(format!("'{one}' and '{other}' exclude each other.")).param(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "file_00VbjUjhHGglY7j08O6M3Oj9";

    fn id() -> FileId {
        FileId::of_any_dialect(ID).unwrap()
    }

    #[test]
    fn a_page_goes_on_behind_its_token() {
        let parse = |query: &str| ListQuery::parse(query, Shape::Current).unwrap();
        assert_eq!(parse(""), ListQuery::Behind(None, 20));
        assert_eq!(parse(&format!("limit=1000&page={}", token(id()))), ListQuery::Behind(Some(id()), 1000));
        assert_eq!(parse(&format!("ids%5B%5D={ID}&ids[]={ID}&ids[]=x")), ListQuery::Ids(BTreeSet::from([id()])));
        assert_eq!(parse("scope_id=sesn_1"), ListQuery::Nothing);
    }

    #[test]
    fn the_ids_of_ends_are_of_the_first_shape() {
        let (before, after) = (format!("before_id={ID}&limit=2"), format!("after_id={ID}"));
        for shape in [Shape::Beta, Shape::Agents] {
            assert_eq!(ListQuery::parse(&before, shape).unwrap(), ListQuery::Before(id(), 2));
            assert_eq!(ListQuery::parse(&after, shape).unwrap(), ListQuery::Behind(Some(id()), 20));
            assert!(ListQuery::parse(&format!("{before}&{after}"), shape).is_err());
        }
        for query in [before, after] {
            assert!(ListQuery::parse(&query, Shape::Current).is_err());
        }
    }

    #[test]
    fn what_is_not_valid_is_refused() {
        let many: Vec<_> = (0..101).map(|number| format!("ids[]=file_{number:024}")).collect();
        let page = token(id());
        for query in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "page=x",
            "page=page_",
            &format!("page=page_{ID}"),
            &format!("ids[]={ID}&limit=2"),
            &format!("ids[]={ID}&page={page}"),
            &many.join("&"),
            "after_id=x",
            &format!("after_id={ID}&page={page}"),
            &format!("after_id={ID}&ids[]={ID}"),
        ] {
            assert!(ListQuery::parse(query, Shape::Beta).is_err(), "{query}");
        }
    }
}
