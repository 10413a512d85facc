//! Times and durations on the command line, as people and programs write them.

use crate::clock::Clock;
use chrono::{DateTime, NaiveDate};
use std::ops::RangeInclusive;

/// The seconds of a day.
const DAY_SECONDS: u64 = 86_400;
/// The valid forms, for help texts and errors.
pub const FORMS: &str =
    "now, today, yesterday, a time before now such as 7d or 36h, 2026-12-01, RFC 3339, or Unix seconds";

/// Parses a time. Days are days in UTC and begin at midnight.
pub fn parse(text: &str) -> Result<u64, String> {
    at(text, Clock::system().now_seconds()).ok_or_else(|| format!("expected {FORMS}"))
}

/// Parses a duration within a range of whole seconds: `7d`, `12h`, `1h 30m`, or a number of seconds.
pub fn duration_within(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let seconds = seconds_of(text).ok_or("expected a duration in whole seconds such as 7d, 12h, 30m or 3600")?;
    if range.contains(&seconds) {
        return Ok(seconds);
    }
    Err(format!("expected {} to {} seconds, this is {seconds}", range.start(), range.end()))
}

/// Returns the seconds of a duration.
fn seconds_of(text: &str) -> Option<u64> {
    if is_number(text) {
        return text.parse().ok();
    }
    let duration = humantime::parse_duration(text).ok()?;
    (duration.subsec_nanos() == 0).then_some(duration.as_secs())
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn at(text: &str, now: u64) -> Option<u64> {
    let today = now - now % DAY_SECONDS;
    match text {
        "now" => return Some(now),
        "today" => return Some(today),
        "yesterday" => return today.checked_sub(DAY_SECONDS),
        _ => {}
    }
    if is_number(text) {
        return text.parse().ok();
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return u64::try_from(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()).ok();
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return u64::try_from(time.timestamp()).ok();
    }
    now.checked_sub(seconds_of(text)?)
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

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        for (text, seconds) in [
            ("7d", Some(7 * DAY_SECONDS)),
            ("12h", Some(12 * 3600)),
            ("1h 30m", Some(5400)),
            ("90s", Some(90)),
            ("90", Some(90)),
            ("0", Some(0)),
            ("500ms", None),
            ("1.5h", Some(5400)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(duration_within(text, 0..=u64::MAX).ok(), seconds, "{text}");
        }
        assert_eq!(duration_within("1h", 0..=3600), Ok(3600));
        assert_eq!(duration_within("2h", 0..=3600), Err("expected 0 to 3600 seconds, this is 7200".to_owned()));
    }
}
