//! Gemini's list: pages by token, the newest File first.

use crate::files::{Files, StoreError};
use crate::http::error::{ApiError, echo};
use crate::http::list::integer;
use crate::http::list_body::ListTurns;
use crate::http::query::parameters;
use crate::model::file::File;
use crate::model::ids::{FileId, WorkspaceId};
use crate::model::page::{FileQuery, Order, Page};

const PAGE_SIZE: &str = "pageSize";
const PAGE_TOKEN: &str = "pageToken";
const DEFAULT_PAGE_SIZE: u32 = 10;
/// A larger page size counts as this one.
const MAX_PAGE_SIZE: u32 = 100;

/// The query of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct ListQuery {
    limit: u32,
    after: Option<FileId>,
}

impl ListQuery {
    /// Reads the query of `GET /v1/files`. Names are taken in both spellings.
    ///
    /// # Errors
    /// When a parameter is not valid; unknown ones are ignored.
    pub fn parse(query: &str) -> Result<Self, ApiError> {
        let mut parsed = Self { limit: DEFAULT_PAGE_SIZE, after: None };
        for (name, value) in parameters(query) {
            match &*name {
                PAGE_SIZE | "page_size" => parsed.limit = page_size(integer(PAGE_SIZE, &value, 0..=u64::MAX)?),
                PAGE_TOKEN | "page_token" => parsed.after = Some(of_token(&value)?),
                _ => {}
            }
        }
        Ok(parsed)
    }

    /// Reads the page.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn run(self, files: &Files, turns: &ListTurns, workspace: WorkspaceId) -> Result<Page<File>, StoreError> {
        let _turn = turns.0.acquire(workspace).await;
        let Self { limit, after } = self;
        files.list(workspace, FileQuery { purpose: None, limit, order: Order::Descending, after }).await
    }
}

/// Returns the token of the page behind this File.
pub fn token(last: FileId) -> String {
    last.in_lower_case()
}

fn page_size(asked: u64) -> u32 {
    match u32::try_from(asked) {
        Ok(0) => DEFAULT_PAGE_SIZE,
        Ok(asked) => asked.min(MAX_PAGE_SIZE),
        Err(_) => MAX_PAGE_SIZE,
    }
}

fn of_token(token: &str) -> Result<FileId, ApiError> {
    let wrong = || format!("Invalid '{PAGE_TOKEN}': '{}' is no 'nextPageToken' of a list.", echo(token));
    let id = FileId::of_any_dialect(token).ok().filter(|id| id.in_lower_case() == token);
    id.ok_or_else(|| ApiError::invalid(wrong()).param(PAGE_TOKEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_size_and_goes_on_behind_its_token() {
        let id = FileId::of_any_dialect("file-00VbjUjhHGglY7j08O6M3Oj9").unwrap();
        let parse = |query: &str| ListQuery::parse(query).unwrap();
        assert_eq!(parse("alt=json"), ListQuery { limit: 10, after: None });
        assert_eq!(parse("pageSize=0"), ListQuery { limit: 10, after: None });
        assert_eq!(parse("page_size=101"), ListQuery { limit: 100, after: None });
        let query = format!("pageSize=2&pageToken={}", token(id));
        assert_eq!(parse(&query), ListQuery { limit: 2, after: Some(id) });
        for wrong in ["pageSize=-1", "pageSize=x", "pageToken=x", &format!("pageToken={id}")] {
            assert!(ListQuery::parse(wrong).is_err(), "{wrong}");
        }
    }
}
