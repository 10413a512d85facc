//! Refusals that are about a message from refusals that are about its sender or its time, and what becomes of a message that is
//! refused again and again.

use crate::sinks::SinkError;

/// Statuses by which a receiver refuses a message for what it says. Others (a key that is not known, a wrong address, a server
/// that is busy or broken) would meet every message.
const ABOUT_THE_MESSAGE: [u16; 5] = [400, 409, 410, 413, 422];
/// The status for a message that is too long.
const TOO_LARGE: u16 = 413;
/// How often a message is sent that is refused for what it says.
const MAX_TRIES: u32 = 3;
/// Messages that are set aside one after the other: a receiver that refuses each of them refuses all.
const MAX_IN_A_ROW: u32 = 5;

/// What to do with a message that was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send it again later.
    Wait,
    /// Send it in two halves, where it can be cut.
    Halve(u16),
    /// Set it aside, and send the next one.
    SetAside(u16),
}

/// The refusals of a receiver, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refusals {
    /// The message that was refused last, and how often.
    last: Option<(u64, u32)>,
    set_aside: u32,
}

impl Refusals {
    /// A message was acknowledged.
    pub(super) fn acknowledged(&mut self) {
        *self = Self::default();
    }

    /// The message of this number was not acknowledged.
    pub(super) fn refused(&mut self, seq: u64, error: &SinkError) -> Verdict {
        let SinkError::Refused { status, .. } = error else { return Verdict::Wait };
        if !ABOUT_THE_MESSAGE.contains(status) {
            return Verdict::Wait;
        }
        let tries = self.last.filter(|(last, _)| *last == seq).map_or(1, |(_, tries)| tries + 1);
        self.last = Some((seq, tries));
        if *status == TOO_LARGE {
            return Verdict::Halve(*status);
        }
        self.give_up(*status)
    }

    /// A message was refused that cannot be cut.
    pub(super) fn give_up(&mut self, status: u16) -> Verdict {
        let tries = self.last.map_or(0, |(_, tries)| tries);
        if tries < MAX_TRIES || self.set_aside == MAX_IN_A_ROW {
            return Verdict::Wait;
        }
        self.set_aside += 1;
        Verdict::SetAside(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn refused(status: u16) -> SinkError {
        SinkError::Refused { status, retry_after: None }
    }

    #[test]
    fn what_would_meet_every_message_sets_none_aside() {
        let mut refusals = Refusals::default();
        for status in [301, 401, 403, 404, 405, 408, 415, 425, 429, 500, 502, 503, 504] {
            assert!((0..9).all(|_| refusals.refused(1, &refused(status)) == Verdict::Wait), "{status}");
        }
        assert!((0..9).all(|_| refusals.refused(1, &SinkError::TimedOut) == Verdict::Wait));
    }

    #[test]
    fn a_message_is_set_aside_after_some_tries_and_not_all_are() {
        let mut refusals = Refusals::default();
        let verdicts = |refusals: &mut Refusals, seq| [0; 3].map(|_| refusals.refused(seq, &refused(422)));
        for seq in 1..=5 {
            let [first, second, third] = verdicts(&mut refusals, seq);
            assert_eq!((first, second, third), (Verdict::Wait, Verdict::Wait, Verdict::SetAside(422)), "{seq}");
        }
        assert!(verdicts(&mut refusals, 6).iter().all(|verdict| *verdict == Verdict::Wait), "it refuses all");
        refusals.acknowledged();
        assert_eq!(verdicts(&mut refusals, 7)[2], Verdict::SetAside(422));
    }

    #[test]
    fn what_is_too_large_is_halved_at_once_and_else_set_aside_like_others() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.refused(1, &refused(413)), Verdict::Halve(413));
        assert_eq!(refusals.give_up(413), Verdict::Wait);
        refusals.refused(1, &refused(413));
        refusals.refused(1, &refused(413));
        assert_eq!(refusals.give_up(413), Verdict::SetAside(413));
    }
}
