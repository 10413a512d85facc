//! Detection of clock jumps. After a jump forward, expired Files and Uploads are not removed until the jump is
//! confirmed.

use std::fmt;
use std::str::FromStr;

/// The tolerated gain of the clock over the uptime, and over the server's clock where a database's decides, in
/// milliseconds: one hour.
pub const MAX_JUMP_MS: u64 = 3_600_000;
/// The tolerated gain of the clock while no server of this boot was running, in milliseconds: seven days.
pub const MAX_ABSENCE_MS: u64 = 7 * 86_400_000;
/// The interval of clock readings, in milliseconds.
pub const NOTE_MS: u64 = 60_000;
/// The time after which the readings of a boot are forgotten, in milliseconds: 30 days.
pub const FORGET_BOOT_MS: u64 = 30 * 86_400_000;

/// A reading of the clock and of the uptime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub wall_ms: u64,
    /// Milliseconds since the boot.
    pub uptime_ms: u64,
}

/// The readings by which the clock is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockFacts {
    /// The current reading of the clock that decides expiry.
    pub now: Moment,
    /// The last stored reading of this boot.
    pub own: Option<Moment>,
    /// The newest stored reading of any boot, in milliseconds since the Unix epoch.
    pub newest_ms: Option<u64>,
    /// The server's own clock in milliseconds, where the clock of a database decides.
    pub witness_ms: Option<u64>,
}

/// A jump of the clock forward, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump {
    /// The latest plausible time, without the tolerance.
    pub expected_ms: u64,
    /// The time that the clock showed.
    pub found_ms: u64,
}

impl ClockFacts {
    /// Returns the jump of the clock forward; none when it is plausible.
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

    /// Returns whether the reading should be stored: once in [`NOTE_MS`], and when the clock was set back.
    #[must_use]
    pub fn is_worth_noting(&self) -> bool {
        self.own.is_none_or(|own| self.now.wall_ms.abs_diff(own.wall_ms) >= NOTE_MS)
    }
}

/// Formats the jump as rows store it: two numbers.
impl fmt::Display for ClockJump {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.expected_ms, self.found_ms)
    }
}

/// The text is not a stored jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected two numbers")]
pub struct MalformedJump;

impl FromStr for ClockJump {
    type Err = MalformedJump;

    fn from_str(text: &str) -> Result<Self, MalformedJump> {
        let (expected, found) = text.split_once(' ').ok_or(MalformedJump)?;
        let number = |text: &str| text.parse().map_err(|_| MalformedJump);
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
        assert_eq!("5".parse::<ClockJump>(), Err(MalformedJump));
    }
}
