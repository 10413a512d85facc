//! Quantities as people write them: `10GB`, `7d`, `90s`.

use bytesize::ByteSize;
use std::time::Duration;

/// The unit of a setting's whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain count.
    Count,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// MiB a second.
    MebibytesPerSecond,
    /// Seconds.
    Seconds,
    /// Days.
    Days,
}

/// The seconds of a day.
pub(super) const DAY_SECONDS: u64 = 86_400;

impl Unit {
    /// Returns how the unit stands behind a number; empty for a count.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes a second",
            Self::MebibytesPerSecond => "MiB a second",
            Self::Seconds => "seconds",
            Self::Days => "days",
        }
    }

    /// Returns another way to write a number of this unit.
    #[must_use]
    pub const fn example(self) -> Option<&'static str> {
        match self {
            Self::Count | Self::MebibytesPerSecond => None,
            Self::Bytes | Self::BytesPerSecond => Some("64KiB or 10MB"),
            Self::Seconds => Some("90s, 15m or 2h"),
            Self::Days => Some("7d or 2weeks"),
        }
    }

    /// Parses a number of this unit: a whole number, or one with a unit of the same kind that makes a whole number.
    pub(super) fn parse(self, text: &str) -> Option<u64> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok();
        }
        match self {
            Self::Count | Self::MebibytesPerSecond => None,
            Self::Bytes | Self::BytesPerSecond => text.parse::<ByteSize>().ok().map(|size| size.as_u64()),
            Self::Seconds => whole_seconds(text),
            Self::Days => {
                whole_seconds(text).filter(|seconds| seconds.is_multiple_of(DAY_SECONDS)).map(|it| it / DAY_SECONDS)
            }
        }
    }
}

fn whole_seconds(text: &str) -> Option<u64> {
    let duration = humantime::parse_duration(text).ok()?;
    (duration == Duration::from_secs(duration.as_secs())).then_some(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_numbers_of_the_unit_of_the_setting() {
        for (unit, text, number) in [
            (Unit::Bytes, "1024", Some(1024)),
            (Unit::Bytes, "10GB", Some(10_000_000_000)),
            (Unit::Bytes, "64 KiB", Some(65_536)),
            (Unit::Bytes, "1.5MiB", Some(1_572_864)),
            (Unit::Bytes, "-1", None),
            (Unit::Bytes, "7d", None),
            (Unit::Seconds, "90", Some(90)),
            (Unit::Seconds, "90s", Some(90)),
            (Unit::Seconds, "1h 30m", Some(5400)),
            (Unit::Seconds, "500ms", None),
            (Unit::Seconds, "10GB", None),
            (Unit::Days, "7d", Some(7)),
            (Unit::Days, "2weeks", Some(14)),
            (Unit::Days, "36h", None),
            (Unit::Count, "10k", None),
            (Unit::MebibytesPerSecond, "16", Some(16)),
            (Unit::Seconds, "", None),
            (Unit::Seconds, "+5", None),
        ] {
            assert_eq!(unit.parse(text), number, "{text} {unit:?}");
        }
    }
}
