//! The billing month: a calendar month in UTC.

use std::fmt;

/// Seconds of a day; UTC as Unix counts it has no others.
const DAY_SECONDS: u64 = 86_400;
/// Days from 0000-03-01 to the Unix epoch. Years that begin in March end with their leap day.
const EPOCH_DAY: u64 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: u64 = 146_097;

/// A month since the Unix epoch, counted from year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u64);

impl Month {
    /// The month of a second since the Unix epoch.
    #[must_use]
    pub const fn of(second: u64) -> Self {
        let day = second / DAY_SECONDS + EPOCH_DAY;
        let (era, era_day) = (day / ERA_DAYS, day % ERA_DAYS);
        let era_year = (era_day - era_day / 1460 + era_day / 36_524 - era_day / 146_096) / 365;
        let year_day = era_day - days_before_year(era_year);
        Self((era * 400 + era_year) * 12 + (5 * year_day + 2) / 153 + 2)
    }

    /// The month after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Its first second since the Unix epoch; the last there is for months beyond.
    #[must_use]
    pub const fn start(self) -> u64 {
        let march_month = self.0 - 2;
        let (year, month) = (march_month / 12, march_month % 12);
        let day = year / 400 * ERA_DAYS + days_before_year(year % 400) + (153 * month + 2) / 5;
        (day - EPOCH_DAY).saturating_mul(DAY_SECONDS)
    }
}

/// Days of the years of an era before this one, each from March to February.
const fn days_before_year(era_year: u64) -> u64 {
    365 * era_year + era_year / 4 - era_year / 100
}

impl fmt::Display for Month {
    /// As `2026-12`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
