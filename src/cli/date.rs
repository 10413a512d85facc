//! Times on the command line, as people and programs write them.

use crate::clock::Clock;
use chrono::{DateTime, NaiveDate};
use std::time::Duration;

/// The seconds of a day.
const DAY_SECONDS: u64 = 86_400;
/// The valid forms, for help texts and errors.
pub const FORMS: &str =
    "now, today, yesterday, a time before now such as 7d or 36h, 2026-12-01, RFC 3339, or Unix seconds";

/// Parses a time. Days are days in UTC and begin at midnight.
pub fn parse(text: &str) -> Result<u64, String> {
    at(text, Clock::system().now_seconds()).ok_or_else(|| format!("expected {FORMS}"))
}

fn at(text: &str, now: u64) -> Option<u64> {
    let today = now - now % DAY_SECONDS;
    match text {
        "now" => return Some(now),
        "today" => return Some(today),
        "yesterday" => return today.checked_sub(DAY_SECONDS),
        _ => {}
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return u64::try_from(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()).ok();
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return u64::try_from(time.timestamp()).ok();
    }
    let before: Duration = humantime::parse_duration(text).ok()?;
    now.checked_sub(before.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-12-02T13:00:00Z.
    const NOW: u64 = 1_796_216_400;

    #[test]
    fn times_are_taken_as_people_and_programs_write_them() {
        for (text, seconds) in [
            ("now", Some(NOW)),
            ("today", Some(NOW - 13 * 3600)),
            ("yesterday", Some(NOW - 37 * 3600)),
            ("7d", Some(NOW - 7 * DAY_SECONDS)),
            ("1h 30m", Some(NOW - 5400)),
            ("1796216400", Some(NOW)),
            ("2026-12-02", Some(NOW - 13 * 3600)),
            ("2026-12-02T13:00:00Z", Some(NOW)),
            ("2026-12-02T15:00:00+02:00", Some(NOW)),
            ("someday", None),
            ("", None),
            ("-5", None),
            ("1960-01-01", None),
            ("9999y", None),
        ] {
            assert_eq!(at(text, NOW), seconds, "{text}");
        }
    }
}
