//! The query parameters of usage, costs and the ledger.

use crate::http::error::{ApiError, echo};
use crate::http::list::{MAX_TIME, id_of, integer, one_of};
use crate::http::query::parameters;
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::ledger::LINES_PER_ROW;
use crate::model::prices::LineItem;
use crate::model::usage::Dimensions;
use crate::usage::{BucketWidth, CostDimensions, UsageWindow};

/// The maximum number of ledger rows of a page, and the default.
const PAGE_LEDGER_ROWS: (u64, u64) = (10_000, 1000);
/// The default number of days of a page of costs, and the maximum.
const PAGE_COSTS: (u64, u64) = (7, 180);
/// The prefix of the name of a page; the first second of its first bucket follows.
const PAGE_PREFIX: &str = "page_";

/// Reads the query of `GET /v1/organization/usage/files`: the window of the requested page, and the name of the next
/// page.
///
/// # Errors
/// When a parameter is missing or not valid; unknown parameters are ignored.
pub fn window(query: &str, now: u64) -> Result<(UsageWindow, Option<String>), ApiError> {
    let parsed = WindowQuery::read(query, &["project_id", "api_key_id", "purpose"])?;
    let by = |dimension: &str| parsed.group_by.iter().any(|name| name == dimension);
    let by = Dimensions { workspace: by("project_id"), key: by("api_key_id"), purpose: by("purpose") };
    let page = parsed.width.unwrap_or(BucketWidth::Day).page();
    parsed.into_window(by, now, page)
}

/// The window of a page of costs, the filter of line items, the dimensions of groups, and the name of the next page.
pub type CostQuery = (UsageWindow, Option<Vec<LineItem>>, CostDimensions, Option<String>);

/// Reads the query of `GET /v1/organization/costs`, whose buckets are days.
///
/// # Errors
/// When a parameter is missing or not valid; unknown parameters are ignored.
pub fn costs(query: &str, now: u64) -> Result<CostQuery, ApiError> {
    let mut parsed = WindowQuery::read(query, &["project_id", "line_item", "api_key_id"])?;
    if let Some(other) = parsed.width.filter(|width| *width != BucketWidth::Day) {
        return Err(ApiError::unsupported("bucket_width", other.name(), &[BucketWidth::Day.name()]));
    }
    let by = |dimension: &str| parsed.group_by.iter().any(|name| name == dimension);
    let by = CostDimensions { workspace: by("project_id"), key: by("api_key_id"), item: by("line_item") };
    let items = parsed.line_items.take();
    let (window, next_page) = parsed.into_window(Dimensions::default(), now, PAGE_COSTS)?;
    Ok((window, items, by, next_page))
}

/// Reads the query of `GET /v1/organization/usage/ledger`: the last row of the previous page, and the number of rows.
///
/// # Errors
/// When a parameter is not valid.
pub fn ledger(query: &str) -> Result<(u64, u32), ApiError> {
    let (mut after_seq, mut limit) = (0, PAGE_LEDGER_ROWS.1);
    for (name, value) in parameters(query) {
        match &*name {
            "after_seq" => after_seq = integer("after_seq", &value, 0..=i64::MAX as u64)?,
            "limit" => limit = integer("limit", &value, 1..=PAGE_LEDGER_ROWS.0)?,
            _ => {}
        }
    }
    Ok((after_seq / LINES_PER_ROW, u32::try_from(limit).unwrap_or(u32::MAX)))
}

/// The parameters of a query of usage or costs.
#[derive(Debug, Default)]
struct WindowQuery {
    start_time: Option<u64>,
    end_time: Option<u64>,
    width: Option<BucketWidth>,
    group_by: Vec<String>,
    project_ids: Option<Vec<WorkspaceId>>,
    api_key_ids: Option<Vec<KeyId>>,
    line_items: Option<Vec<LineItem>>,
    limit: Option<String>,
    page: Option<String>,
}

impl WindowQuery {
    fn read(query: &str, dimensions: &[&str]) -> Result<Self, ApiError> {
        let mut parsed = Self::default();
        for (name, value) in parameters(query) {
            match name.strip_suffix("[]").unwrap_or(&name) {
                "start_time" => parsed.start_time = Some(integer("start_time", &value, 0..=MAX_TIME)?),
                "end_time" => parsed.end_time = Some(integer("end_time", &value, 0..=MAX_TIME)?),
                "bucket_width" => parsed.width = Some(width(&value)?),
                "group_by" if dimensions.contains(&&*value) => parsed.group_by.push(value.into_owned()),
                "group_by" => return Err(ApiError::unsupported("group_by", &value, dimensions)),
                "project_ids" => {
                    one_of("project_ids", &mut parsed.project_ids, id_of("project_ids", &value, "a project")?)?;
                }
                "api_key_ids" => {
                    one_of("api_key_ids", &mut parsed.api_key_ids, id_of("api_key_ids", &value, "an API key")?)?;
                }
                "line_items" => one_of("line_items", &mut parsed.line_items, line_item(&value)?)?,
                "limit" => parsed.limit = Some(value.into_owned()),
                "page" => parsed.page = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(parsed)
    }

    fn into_window(
        self,
        by: Dimensions,
        now: u64,
        (default_limit, most): (u64, u64),
    ) -> Result<(UsageWindow, Option<String>), ApiError> {
        let width = self.width.unwrap_or(BucketWidth::Day);
        let seconds = width.seconds();
        let start = self.start_time.ok_or_else(|| ApiError::missing("start_time"))?;
        let first = start - start % seconds;
        let last = self.end_time.unwrap_or(now).next_multiple_of(seconds);
        if self.end_time.is_some_and(|end_time| end_time <= start) {
            return Err(ApiError::invalid("'end_time' must be later than 'start_time'.").param("end_time"));
        }
        let limit = self.limit.map_or(Ok(default_limit), |text| integer("limit", &text, 1..=most))?;
        let begin = match self.page {
            Some(page) => page_start(&page, first, last, seconds)?,
            None => first,
        };
        let end = begin.saturating_add(limit * seconds).min(last).max(begin);
        let next_page = (end < last).then(|| format!("{PAGE_PREFIX}{end}"));
        let window = UsageWindow { start: begin, end, width, workspaces: self.project_ids, keys: self.api_key_ids, by };
        Ok((window, next_page))
    }
}

/// Returns the first second of a page.
fn page_start(page: &str, first: u64, last: u64, seconds: u64) -> Result<u64, ApiError> {
    let begin = page.strip_prefix(PAGE_PREFIX).and_then(|digits| digits.parse::<u64>().ok());
    let begin = begin.filter(|begin| (first..last).contains(begin) && begin.is_multiple_of(seconds));
    begin.ok_or_else(|| {
        let message =
            format!("Invalid 'page': '{}' is no page of this list. Send the one that 'next_page' names.", echo(page));
        ApiError::invalid(message).param("page")
    })
}

fn line_item(value: &str) -> Result<LineItem, ApiError> {
    let known = LineItem::ALL.map(LineItem::name);
    LineItem::named(value).ok_or_else(|| ApiError::unsupported("line_items", value, &known))
}

fn width(value: &str) -> Result<BucketWidth, ApiError> {
    let found = BucketWidth::ALL.into_iter().find(|width| width.name() == value);
    found.ok_or_else(|| ApiError::unsupported("bucket_width", value, &BucketWidth::ALL.map(BucketWidth::name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_374_123;

    fn bounds(query: &str) -> (u64, u64, Option<String>) {
        let (window, next) = window(query, NOW).unwrap();
        (window.start, window.end, next)
    }

    #[test]
    fn windows_snap_outwards_and_pages_follow_one_another() {
        assert_eq!(bounds("start_time=86401&end_time=172801"), (86_400, 259_200, None));
        assert_eq!(bounds("start_time=59&end_time=61&bucket_width=1m"), (0, 120, None));
        let (start, end, next) = bounds("start_time=0&end_time=864000&limit=4");
        assert_eq!((start, end, next.as_deref()), (0, 345_600, Some("page_345600")));
        let last = bounds("start_time=0&end_time=864000&limit=6&page=page_345600");
        assert_eq!(last, (345_600, 864_000, None));
        let (_, end, _) = bounds(&format!("start_time={}&bucket_width=1h", NOW - 7000));
        assert_eq!(end, NOW.next_multiple_of(3600), "until now");
        assert_eq!(bounds(&format!("start_time={}", NOW + 90_000)).1, (NOW + 90_000) / 86_400 * 86_400, "nothing yet");
    }

    #[test]
    fn an_error_names_the_parameter() {
        for (query, param) in [
            ("", "start_time"),
            ("start_time=x", "start_time"),
            ("start_time=-1", "start_time"),
            ("start_time=253402300800", "start_time"),
            ("start_time=5&end_time=5", "end_time"),
            ("start_time=0&bucket_width=1w", "bucket_width"),
            ("start_time=0&group_by[]=model", "group_by"),
            ("start_time=0&limit=32", "limit"),
            ("start_time=0&limit=0", "limit"),
            ("start_time=0&bucket_width=1h&limit=169", "limit"),
            ("start_time=0&page=page_1", "page"),
            ("start_time=0&page=2", "page"),
            ("start_time=0&project_ids[]=proj_1", "project_ids"),
            ("start_time=0&api_key_ids=sk-1", "api_key_ids"),
            ("start_time=0&line_items[]=nonsense", "line_items"),
        ] {
            let error = window(query, NOW).unwrap_err();
            assert!(format!("{error:?}").contains(&format!("Some(\"{param}\")")), "{query}: {error:?}");
        }
    }

    #[test]
    fn an_empty_filter_is_no_filter() {
        let empty = "start_time=0&end_time=&project_ids[]=&api_key_ids[]=&group_by[]=&bucket_width=&limit=&page=";
        assert_eq!(format!("{:?}", window(empty, NOW).unwrap()), format!("{:?}", window("start_time=0", NOW).unwrap()));
        let items = |query| costs(query, NOW).unwrap().1;
        assert_eq!(items("start_time=0&line_items[]="), None);
        assert!(window("start_time=", NOW).is_err(), "what must be there must have a value");
    }

    #[test]
    fn groups_are_read_in_every_spelling_of_a_list() {
        let query = "start_time=0&group_by[]=project_id&group_by%5B%5D=purpose&group_by=api_key_id";
        let by = window(query, NOW).unwrap().0.by;
        assert_eq!(by, Dimensions { workspace: true, key: true, purpose: true });
    }
}
