//! RFC 3339 times in UTC, as Unix seconds.

use chrono::NaiveDateTime;

const FORMAT: &str = "%Y-%m-%dT%H:%M:%SZ";

/// Returns the Unix second of `YYYY-MM-DDTHH:MM:SSZ`; none for leap seconds.
pub(super) fn unix_seconds(text: &str) -> Option<u64> {
    let time = NaiveDateTime::parse_from_str(text, FORMAT).ok()?;
    let seconds = time.and_utc().timestamp();
    // The parser accepts missing zeros and leap seconds; the round trip rejects them.
    let canonical = chrono::DateTime::from_timestamp(seconds, 0)?.format(FORMAT).to_string();
    (canonical == text).then(|| u64::try_from(seconds).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_whole_seconds_of_utc_since_1970() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T23:59:59Z", Some(951_868_799)),
            ("2026-12-01T00:00:00Z", Some(1_796_083_200)),
            ("2026-12-01T12:34:56Z", Some(1_796_128_496)),
            ("2100-03-01T00:00:00Z", Some(4_107_542_400)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799)),
            ("1969-12-31T23:59:59Z", None),
            ("2100-02-29T00:00:00Z", None),
            ("2026-04-31T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-00-01T00:00:00Z", None),
            ("2026-12-00T00:00:00Z", None),
            ("2026-12-01T24:00:00Z", None),
            ("2016-12-31T23:59:60Z", None),
            ("2026-12-01T00:00:00.5Z", None),
            ("2026-12-01T00:00:00.0Z", None),
            ("2026-12-01T00:60:00Z", None),
            ("2026-12-01T00:00Z", None),
            ("2026-12-1T00:00:00Z", None),
            ("2026-12-01-01T00:00:00Z", None),
            ("+026-12-01T00:00:00Z", None),
            ("2026-12-01 00:00:00Z", None),
            ("2026-12-01t00:00:00z", None),
            ("2026-12-01T00:00:00+01:00", None),
            ("2026-12-01T00:00:00", None),
            ("2026-12-01", None),
            ("1796083200", None),
            ("", None),
        ] {
            assert_eq!(unix_seconds(text), expected, "{text}");
        }
    }
}
