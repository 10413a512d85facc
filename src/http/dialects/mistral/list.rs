//! Mistral's list: pages by number, filters, and a total.
//!
//! A list without filters costs what its page and the pages before it hold. One with filters looks through the newest
//! [`MAX_LOOKED_AT`] Files, of one purpose if they leave one, to count; its `total` is null where there are more.

use super::purposes;
use crate::files::{Files, StoreError};
use crate::http::error::ApiError;
use crate::http::list::{integer, one_of};
use crate::http::list_body::ListTurns;
use crate::http::query::parameters;
use crate::model::file::File;
use crate::model::filename::MAX_FILENAME_CHARACTERS;
use crate::model::ids::WorkspaceId;
use crate::model::page::{FileQuery, Order};
use crate::model::purpose::Purpose;
use std::ops::RangeInclusive;

/// The number of Files of one read.
const STEP_FILES: u32 = 500;
/// The maximum number of Files that a list looks at.
pub const MAX_LOOKED_AT: u64 = 100_000;
/// The bounds of `page_size`.
const PAGE_SIZES: RangeInclusive<u64> = 1..=1000;
const DEFAULT_PAGE_SIZE: u64 = 100;

/// The query of a list.
#[derive(Debug)]
pub struct ListQuery {
    /// The Files before the page.
    before: u64,
    page_size: u64,
    wants_total: bool,
    filter: Filter,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Filter {
    /// The only purposes; none for all of them.
    purposes: Option<Vec<Purpose>>,
    /// A part of the name, in lower case.
    search: Option<String>,
    mime_types: Option<Vec<String>>,
}

/// A page of Files; no total if it was not asked for, or if not all Files were looked at.
#[derive(Debug, Default)]
pub struct FoundPage {
    /// The Files, the newest first.
    pub files: Vec<File>,
    /// The number of Files that the query describes.
    pub total: Option<u64>,
}

impl ListQuery {
    /// Reads the query of `GET /v1/files`.
    ///
    /// # Errors
    /// When a parameter is not valid; unknown ones are ignored.
    pub fn parse(query: &str) -> Result<Self, ApiError> {
        let (mut page, mut page_size, mut wants_total) = (0, DEFAULT_PAGE_SIZE, true);
        let (mut sample_types, mut sources, mut purpose) = (None, None, None);
        let mut filter = Filter::default();
        for (name, value) in parameters(query) {
            match &*name {
                "page" => page = integer("page", &value, 0..=MAX_LOOKED_AT)?,
                "page_size" => page_size = integer("page_size", &value, PAGE_SIZES)?,
                "include_total" => wants_total = boolean("include_total", &value)?,
                "sample_type" => one_of("sample_type", &mut sample_types, value.into_owned())?,
                "source" => one_of("source", &mut sources, value.into_owned())?,
                "purpose" => purpose = Some(purposes::named(&value)),
                "search" => filter.search = Some(search(&value)?),
                "mimetypes" => one_of("mimetypes", &mut filter.mime_types, value.to_ascii_lowercase())?,
                _ => {}
            }
        }
        let before = page * page_size;
        if before + page_size > MAX_LOOKED_AT {
            let message = format!("Invalid 'page': pages end with the newest {MAX_LOOKED_AT} files.");
            return Err(ApiError::invalid(message).param("page"));
        }
        if purpose.is_some() || sample_types.is_some() || sources.is_some() {
            let has = |names: &Option<Vec<String>>, name: &str| {
                names.as_ref().is_none_or(|names| names.iter().any(|known| known == name))
            };
            let is_meant = |known: &Purpose| {
                purpose.is_none_or(|purpose| purpose == Some(*known))
                    && has(&sample_types, purposes::sample_type(*known))
                    && has(&sources, purposes::source(*known))
            };
            filter.purposes = Some(Purpose::ALL.into_iter().filter(is_meant).collect());
        }
        Ok(Self { before, page_size, wants_total, filter })
    }

    /// Reads the page.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn run(&self, files: &Files, turns: &ListTurns, workspace: WorkspaceId) -> Result<FoundPage, StoreError> {
        let purpose = match self.filter.purposes.as_deref() {
            Some([]) => return Ok(FoundPage { files: Vec::new(), total: self.wants_total.then_some(0) }),
            Some([only]) => Some(*only),
            _ => None,
        };
        let is_counted = self.wants_total && self.filter == Filter::default();
        let known_total = if is_counted { Some(files.count(workspace).await?) } else { None };
        let must_count = self.wants_total && !is_counted;
        let mut step = FileQuery { purpose, limit: STEP_FILES, order: Order::Descending, after: None };
        let takes_all = !must_count && self.filter.is_of_store();
        let (mut found, mut matches, mut looked_at) = (Vec::new(), 0, 0);
        let page = self.before..self.before + self.page_size;
        loop {
            if takes_all {
                step.limit = u32::try_from(page.end - matches).unwrap_or(STEP_FILES).min(STEP_FILES);
            }
            let turn = turns.0.acquire(workspace).await;
            let read = files.list(workspace, step).await?;
            drop(turn);
            looked_at += read.rows.len() as u64;
            step.after = read.rows.last().map(|file| file.id);
            for file in read.rows.into_iter().filter(|file| self.filter.describes(file)) {
                if page.contains(&matches) {
                    found.push(file);
                }
                matches += 1;
            }
            let is_full = matches >= page.end;
            if !read.has_more || looked_at >= MAX_LOOKED_AT || (is_full && !must_count) {
                let total = known_total.or_else(|| (must_count && !read.has_more).then_some(matches));
                return Ok(FoundPage { files: found, total });
            }
        }
    }
}

impl Filter {
    /// Returns whether the store reads the described Files and no others.
    fn is_of_store(&self) -> bool {
        let is_of_one = self.purposes.as_ref().is_none_or(|purposes| purposes.len() == 1);
        is_of_one && self.search.is_none() && self.mime_types.is_none()
    }

    fn describes(&self, file: &File) -> bool {
        let is_named = |part: &String| file.filename.as_str().to_lowercase().contains(part.as_str());
        self.purposes.as_ref().is_none_or(|purposes| purposes.contains(&file.purpose))
            && self.search.as_ref().is_none_or(is_named)
            && self.mime_types.as_ref().is_none_or(|known| known.iter().any(|known| known == file.mime_type.as_str()))
    }
}

fn boolean(param: &str, value: &str) -> Result<bool, ApiError> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ApiError::unsupported(param, value, &["true", "false"])),
    }
}

fn search(value: &str) -> Result<String, ApiError> {
    if value.chars().count() > MAX_FILENAME_CHARACTERS {
        let message = format!("Invalid 'search': expected at most {MAX_FILENAME_CHARACTERS} characters.");
        return Err(ApiError::invalid(message).param("search"));
    }
    Ok(value.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_purpose_type_and_source_meet() {
        let purposes = |query| ListQuery::parse(query).unwrap().filter.purposes;
        assert_eq!(purposes(""), None);
        assert_eq!(purposes("purpose=ocr"), Some(vec![Purpose::UserData]));
        assert_eq!(purposes("purpose=poetry"), Some(Vec::new()));
        assert_eq!(
            purposes("sample_type=batch_request&sample_type=batch_result"),
            Some(vec![Purpose::Batch, Purpose::BatchOutput])
        );
        assert_eq!(purposes("sample_type=batch_request&source=mistral"), Some(Vec::new()));
        assert_eq!(purposes("source=repository"), Some(Vec::new()));
    }

    #[test]
    fn a_page_is_within_its_bounds() {
        for query in ["page=0", "page=999", "page=99&page_size=1000", "include_total=False", "search=&page="] {
            assert!(ListQuery::parse(query).is_ok(), "{query}");
        }
        for query in
            ["page=-1", "page=1000", "page=100&page_size=1000", "page_size=0", "page_size=1001", "include_total=x"]
        {
            assert!(ListQuery::parse(query).is_err(), "{query}");
        }
    }
}
