//! The billing month: a calendar month in UTC.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime};
use std::fmt;

/// A month, by its first day. Times after the calendar's end count as its last month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(NaiveDate);

impl Month {
    /// Returns the month of a Unix second.
    #[must_use]
    pub fn of(second: u64) -> Self {
        let time = i64::try_from(second).ok().and_then(|second| DateTime::from_timestamp(second, 0));
        let day = time.map_or(NaiveDate::MAX, |time| time.date_naive());
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Returns the next month.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX))
    }

    /// Returns its first Unix second; `u64::MAX` after the calendar's last month.
    #[must_use]
    pub fn start(self) -> u64 {
        if self.0 == NaiveDate::MAX {
            return u64::MAX;
        }
        u64::try_from(self.0.and_time(NaiveTime::MIN).and_utc().timestamp()).unwrap_or_default()
    }
}

impl fmt::Display for Month {
    /// Formats it as `2026-12`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY_SECONDS: u64 = 86_400;

    #[test]
    fn known_months() {
        for (second, month, start) in [
            (0, "1970-01", 0),
            (951_782_399, "2000-02", 949_363_200),
            (951_868_799, "2000-02", 949_363_200),
            (951_868_800, "2000-03", 951_868_800),
            (1_709_251_199, "2024-02", 1_706_745_600),
            (1_796_083_199, "2026-11", 1_793_491_200),
            (1_796_083_200, "2026-12", 1_796_083_200),
            (4_107_542_399, "2100-02", 4_105_123_200),
            (4_107_542_400, "2100-03", 4_107_542_400),
            (253_402_300_799, "9999-12", 253_399_622_400),
        ] {
            let found = Month::of(second);
            assert_eq!((found.to_string(), found.start()), (month.to_owned(), start), "{second}");
        }
    }

    #[test]
    fn every_month_of_the_next_eight_centuries_has_its_days() {
        let (mut month, mut start) = (Month::of(0), 0);
        for year in 1970..2770 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (index, days) in [31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].iter().enumerate() {
                assert_eq!((month.to_string(), month.start()), (format!("{year}-{:02}", index + 1), start));
                start += days * DAY_SECONDS;
                assert_eq!((Month::of(start - 1), Month::of(start)), (month, month.next()));
                month = month.next();
            }
        }
    }

    proptest! {
        #[test]
        fn a_second_lies_in_its_month(second: u64) {
            let month = Month::of(second);
            prop_assert!(month.start() <= second);
            prop_assert!(second < month.next().start() || month.next().start() == u64::MAX);
            prop_assert_eq!(Month::of(month.start()), month);
        }
    }
}
