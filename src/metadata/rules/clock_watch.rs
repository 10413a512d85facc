//! The decision whether the clock is trusted to end what has expired.

use crate::model::clock_jump::{ClockFacts, ClockJump};

/// The step that follows from the facts about the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockStep {
    /// Expiry is held, and stays held.
    Held,
    /// Expiry is to be held for this jump.
    Hold(ClockJump),
    /// Expiry was held, and goes on.
    Resume,
    /// Expiry goes on.
    GoOn,
}

/// Returns the step for these facts, if expiry is held for the jump `held`.
pub fn step(facts: &ClockFacts, held: Option<ClockJump>) -> ClockStep {
    match (facts.jump(), held) {
        (Some(_), Some(_)) => ClockStep::Held,
        (Some(jump), None) => ClockStep::Hold(jump),
        (None, Some(_)) => ClockStep::Resume,
        (None, None) => ClockStep::GoOn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock_jump::Moment;

    #[test]
    fn expiry_is_held_while_the_clock_has_jumped() {
        let own = Some(Moment { wall_ms: 0, uptime_ms: 0 });
        let now = Moment { wall_ms: 0, uptime_ms: 0 };
        let plausible = ClockFacts { now, own, newest_ms: None, witness_ms: None };
        let jumped = ClockFacts { now: Moment { wall_ms: u64::MAX, uptime_ms: 0 }, ..plausible };
        let jump = jumped.jump().unwrap();
        assert_eq!((step(&jumped, None), step(&jumped, Some(jump))), (ClockStep::Hold(jump), ClockStep::Held));
        assert_eq!((step(&plausible, Some(jump)), step(&plausible, None)), (ClockStep::Resume, ClockStep::GoOn));
    }
}
