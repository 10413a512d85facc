//! Jumps of the clock: by how much it may move on before what has expired by it is ended for good.

use std::fmt;
use std::str::FromStr;

/// The most that the clock may move on beyond the time that passed on the machine, or be ahead of the clock of the server
/// beside that of a database, in milliseconds: one hour.
pub const MAX_JUMP_MS: u64 = 3_600_000;
/// The most that the clock may move on while no server of this boot was there to see it, in milliseconds: seven days.
pub const MAX_ABSENCE_MS: u64 = 7 * 86_400_000;
/// How often the clock is noted, in milliseconds.
pub const NOTE_MS: u64 = 60_000;
/// How long a boot that was not heard of again is remembered, in milliseconds: 30 days.
pub const FORGET_BOOT_MS: u64 = 30 * 86_400_000;

/// What the clock showed when so much time had passed since the machine was booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub wall_ms: u64,
    /// Milliseconds since the boot.
    pub uptime_ms: u64,
}

/// What is known of the clock when it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockFacts {
    /// The clock that decides what has expired, now.
    pub now: Moment,
    /// What was noted in this boot.
    pub own: Option<Moment>,
    /// The newest that was noted in any boot, in milliseconds since the Unix epoch.
    pub newest_ms: Option<u64>,
    /// Another clock, now: that of the server where the clock of a database decides.
    pub witness_ms: Option<u64>,
}

/// A clock that shows more than it can, and what it could show at most; in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump {
    /// What it could show, without the tolerance.
    pub expected_ms: u64,
    /// What it showed when that was found.
    pub found_ms: u64,
}

impl ClockFacts {
    /// Returns how the clock jumped forward, if it did.
    #[must_use]
    pub fn jump(&self) -> Option<ClockJump> {
        let since_own = self.own.map(|own| {
            let passed_ms = self.now.uptime_ms.saturating_sub(own.uptime_ms);
            (own.wall_ms.saturating_add(passed_ms), MAX_JUMP_MS)
        });
        let since_any = self.newest_ms.filter(|_| self.own.is_none()).map(|newest_ms| (newest_ms, MAX_ABSENCE_MS));
        let beside = self.witness_ms.map(|witness_ms| (witness_ms, MAX_JUMP_MS));
        let found_ms = self.now.wall_ms;
        [since_own, since_any, beside]
            .into_iter()
            .flatten()
            .find(|(expected_ms, tolerance_ms)| found_ms > expected_ms.saturating_add(*tolerance_ms))
            .map(|(expected_ms, _)| ClockJump { expected_ms, found_ms })
    }

    /// Returns whether this moment is to be noted: the clock is noted once in [`NOTE_MS`], and when it was set back.
    #[must_use]
    pub fn is_worth_noting(&self) -> bool {
        self.own.is_none_or(|own| self.now.wall_ms.abs_diff(own.wall_ms) >= NOTE_MS)
    }
}

/// Its form in rows: two numbers.
impl fmt::Display for ClockJump {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.expected_ms, self.found_ms)
    }
}

/// The text is not a jump in its form of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected two numbers")]
pub struct NotAJump;

impl FromStr for ClockJump {
    type Err = NotAJump;

    fn from_str(text: &str) -> Result<Self, NotAJump> {
        let (expected, found) = text.split_once(' ').ok_or(NotAJump)?;
        let number = |text: &str| text.parse().map_err(|_| NotAJump);
        Ok(Self { expected_ms: number(expected)?, found_ms: number(found)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;
    const NOW_MS: u64 = 1_795_374_000_000;

    fn facts(wall_ms: u64, uptime_ms: u64) -> ClockFacts {
        ClockFacts { now: Moment { wall_ms, uptime_ms }, own: None, newest_ms: None, witness_ms: None }
    }

    #[test]
    fn a_clock_that_moves_on_with_the_machine_has_not_jumped() {
        let own = Some(Moment { wall_ms: NOW_MS, uptime_ms: 1000 });
        for (wall_ms, uptime_ms) in [
            (NOW_MS + 30 * 24 * HOUR_MS, 1000 + 30 * 24 * HOUR_MS),
            (NOW_MS + HOUR_MS, 1000),
            (NOW_MS - 9 * HOUR_MS, 2000),
            (NOW_MS, 0),
        ] {
            assert_eq!(ClockFacts { own, ..facts(wall_ms, uptime_ms) }.jump(), None, "{wall_ms} {uptime_ms}");
        }
        let jumped = ClockFacts { own, newest_ms: Some(NOW_MS), ..facts(NOW_MS + 3 * HOUR_MS, 1000 + HOUR_MS) };
        let found_ms = NOW_MS + 3 * HOUR_MS;
        assert_eq!(jumped.jump(), Some(ClockJump { expected_ms: NOW_MS + HOUR_MS, found_ms }));
    }

    #[test]
    fn a_week_may_pass_while_nobody_is_there() {
        assert_eq!(facts(u64::MAX, 0).jump(), None, "a first start has nothing to compare with");
        let newest_ms = Some(NOW_MS);
        assert_eq!(ClockFacts { newest_ms, ..facts(NOW_MS + MAX_ABSENCE_MS, 5) }.jump(), None);
        assert!(ClockFacts { newest_ms, ..facts(NOW_MS + MAX_ABSENCE_MS + 1, 5) }.jump().is_some());
    }

    #[test]
    fn the_clock_of_a_database_is_compared_with_that_of_the_server() {
        let witness_ms = Some(NOW_MS);
        assert_eq!(ClockFacts { witness_ms, ..facts(NOW_MS + HOUR_MS, 5) }.jump(), None);
        let jump = ClockFacts { witness_ms, ..facts(NOW_MS + HOUR_MS + 1, 5) }.jump().unwrap();
        assert_eq!(jump.to_string().parse(), Ok(jump));
        assert_eq!("5".parse::<ClockJump>(), Err(NotAJump));
    }
}
