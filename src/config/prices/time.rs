//! RFC 3339 times in UTC, as seconds.

/// The first year whose seconds are counted.
pub(super) const FIRST_YEAR: u64 = 1970;
const DAY_SECONDS: u64 = 86_400;

/// Seconds since the Unix epoch of `YYYY-MM-DDTHH:MM:SSZ`. Leap seconds have none of their own.
pub(super) fn unix_seconds(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let real = hour < 24 && minute < 60 && second < 60;
    real.then_some(days_since_epoch(year, month, day)? * DAY_SECONDS + hour * 3600 + minute * 60 + second)
}

/// Three numbers of so many digits.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut number = |digits: usize| {
        let part =
            parts.next().filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        part.parse().ok()
    };
    let [first, second, third] = digits.map(&mut number);
    let numbers = [first?, second?, third?];
    parts.next().is_none().then_some(numbers)
}

fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    let real = year >= FIRST_YEAR && (1..=12).contains(&month) && (1..=days_of_month(year, month)).contains(&day);
    let years: u64 = (FIRST_YEAR..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    let months: u64 = (1..month).map(|month| days_of_month(year, month)).sum();
    real.then(|| years + months + day - 1)
}

const fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
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
