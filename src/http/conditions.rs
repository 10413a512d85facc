//! Conditional requests (RFC 9110, section 13).

use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The validators of a representation.
#[derive(Clone, Copy, Debug)]
pub struct Validators<'a> {
    /// The strong entity tag, with its quotes.
    pub etag: &'a str,
    /// Unix seconds of the last modification.
    pub modified_at: u64,
}

/// The result of the conditions of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request is answered as one without conditions.
    Proceed,
    /// The client has this representation: 304.
    NotModified,
    /// A precondition does not hold: 412.
    Failed,
}

/// Evaluates the conditions in the order of RFC 9110, section 13.2.2.
#[must_use]
pub fn evaluate(headers: &HeaderMap, current: Validators<'_>) -> Verdict {
    if headers.contains_key(IF_MATCH) {
        if !lists(headers, IF_MATCH, current.etag, Comparison::Strong) {
            return Verdict::Failed;
        }
    } else if date(headers, &IF_UNMODIFIED_SINCE).is_some_and(|since| current.modified_at > since) {
        return Verdict::Failed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        return if lists(headers, IF_NONE_MATCH, current.etag, Comparison::Weak) {
            Verdict::NotModified
        } else {
            Verdict::Proceed
        };
    }
    if date(headers, &IF_MODIFIED_SINCE).is_some_and(|since| current.modified_at <= since) {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Tells whether a `Range` header applies: there is no `If-Range`, or it names this representation (section 13.1.5).
#[must_use]
pub fn range_applies(headers: &HeaderMap, current: Validators<'_>) -> bool {
    let Some(value) = headers.get(IF_RANGE) else { return true };
    value.as_bytes() == current.etag.as_bytes() || date(headers, &IF_RANGE) == Some(current.modified_at)
}

/// The comparison of entity tags (section 8.8.3.2).
#[derive(Clone, Copy)]
enum Comparison {
    Strong,
    Weak,
}

/// Tells whether a list of entity tags, or `*`, contains `etag`.
fn lists(headers: &HeaderMap, name: HeaderName, etag: &str, comparison: Comparison) -> bool {
    let tags = headers.get_all(name);
    tags.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim).any(|tag| {
        let tag = match comparison {
            Comparison::Strong => tag,
            Comparison::Weak => tag.strip_prefix("W/").unwrap_or(tag),
        };
        tag == "*" || tag == etag
    })
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let date = httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()?;
    date.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// Writes a date of HTTP.
#[must_use]
pub fn http_date(unix_seconds: u64) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(unix_seconds)).unwrap_or(SystemTime::UNIX_EPOCH);
    httpdate::fmt_http_date(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: Validators<'_> = Validators { etag: "\"abc\"", modified_at: 1_795_374_000 };

    fn verdict(headers: &[(HeaderName, &str)]) -> Verdict {
        evaluate(&headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect(), CURRENT)
    }

    #[test]
    fn entity_tags() {
        assert_eq!(verdict(&[]), Verdict::Proceed);
        assert_eq!(verdict(&[(IF_NONE_MATCH, "\"abc\"")]), Verdict::NotModified);
        assert_eq!(verdict(&[(IF_NONE_MATCH, "\"x\", W/\"abc\"")]), Verdict::NotModified);
        assert_eq!(verdict(&[(IF_NONE_MATCH, "*")]), Verdict::NotModified);
        assert_eq!(verdict(&[(IF_NONE_MATCH, "\"x\"")]), Verdict::Proceed);
        assert_eq!(verdict(&[(IF_MATCH, "\"abc\"")]), Verdict::Proceed);
        assert_eq!(verdict(&[(IF_MATCH, "W/\"abc\"")]), Verdict::Failed);
        assert_eq!(verdict(&[(IF_MATCH, "\"x\"")]), Verdict::Failed);
    }

    #[test]
    fn dates_count_only_without_tags() {
        let (now, before) = (http_date(CURRENT.modified_at), http_date(CURRENT.modified_at - 1));
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, &now)]), Verdict::NotModified);
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, &before)]), Verdict::Proceed);
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, &now), (IF_NONE_MATCH, "\"x\"")]), Verdict::Proceed);
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, &before)]), Verdict::Failed);
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, &now)]), Verdict::Proceed);
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, &before), (IF_MATCH, "*")]), Verdict::Proceed);
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, "yesterday")]), Verdict::Proceed);
    }

    #[test]
    fn a_range_of_something_else_is_not_heeded() {
        let applies = |value: &str| range_applies(&[(IF_RANGE, value.parse().unwrap())].into_iter().collect(), CURRENT);
        assert!(applies("\"abc\"") && applies(&http_date(CURRENT.modified_at)));
        assert!(!applies("W/\"abc\"") && !applies("\"x\"") && !applies(&http_date(CURRENT.modified_at + 1)));
        assert!(range_applies(&HeaderMap::new(), CURRENT));
    }
}
