//! Tells refusals of one message from failures that would meet every message, and decides the fate of a message that is
//! refused repeatedly.

use crate::sinks::SinkError;

/// Statuses by which a receiver refuses a message for its content. Others (an unknown key, a wrong address, a busy or
/// broken server) would meet every message.
const CONTENT_REFUSALS: [u16; 5] = [400, 409, 410, 413, 422];
/// The status for a message that is too long.
const TOO_LARGE: u16 = 413;
/// The maximum of attempts for a message that is refused for its content.
const MAX_TRIES: u32 = 3;
/// The maximum of consecutive messages that are set aside: a receiver that refuses each of them refuses all.
const MAX_IN_A_ROW: u32 = 5;

/// The decision about a message that was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send it again later.
    Retry,
    /// Send it in two halves, if it can be split.
    Halve(u16),
    /// Set it aside, and send the next one.
    SetAside(u16),
}

/// The consecutive refusals of a receiver.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refusals {
    /// The message that was refused last, and the number of refusals.
    last: Option<(u64, u32)>,
    set_aside: u32,
}

impl Refusals {
    /// Records an acknowledgement.
    pub(super) fn acknowledged(&mut self) {
        *self = Self::default();
    }

    /// Decides about the message `seq`, which was not acknowledged.
    pub(super) fn refused(&mut self, seq: u64, error: &SinkError) -> Verdict {
        let SinkError::Refused { status, .. } = error else { return Verdict::Retry };
        if !CONTENT_REFUSALS.contains(status) {
            return Verdict::Retry;
        }
        let tries = self.last.filter(|(last, _)| *last == seq).map_or(1, |(_, tries)| tries + 1);
        self.last = Some((seq, tries));
        if *status == TOO_LARGE {
            return Verdict::Halve(*status);
        }
        self.refused_unsplittable(*status)
    }

    /// Decides about a refused message that cannot be split.
    pub(super) fn refused_unsplittable(&mut self, status: u16) -> Verdict {
        let tries = self.last.map_or(0, |(_, tries)| tries);
        if tries < MAX_TRIES || self.set_aside == MAX_IN_A_ROW {
            return Verdict::Retry;
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
            assert!((0..9).all(|_| refusals.refused(1, &refused(status)) == Verdict::Retry), "{status}");
        }
        assert!((0..9).all(|_| refusals.refused(1, &SinkError::TimedOut) == Verdict::Retry));
    }

    #[test]
    fn a_message_is_set_aside_after_some_tries_and_not_all_are() {
        let mut refusals = Refusals::default();
        let verdicts = |refusals: &mut Refusals, seq| [0; 3].map(|_| refusals.refused(seq, &refused(422)));
        for seq in 1..=5 {
            let [first, second, third] = verdicts(&mut refusals, seq);
            assert_eq!((first, second, third), (Verdict::Retry, Verdict::Retry, Verdict::SetAside(422)), "{seq}");
        }
        assert!(verdicts(&mut refusals, 6).iter().all(|verdict| *verdict == Verdict::Retry), "it refuses all");
        refusals.acknowledged();
        assert_eq!(verdicts(&mut refusals, 7)[2], Verdict::SetAside(422));
    }

    #[test]
    fn what_is_too_large_is_halved_at_once_and_else_set_aside_like_others() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.refused(1, &refused(413)), Verdict::Halve(413));
        assert_eq!(refusals.refused_unsplittable(413), Verdict::Retry);
        refusals.refused(1, &refused(413));
        refusals.refused(1, &refused(413));
        assert_eq!(refusals.refused_unsplittable(413), Verdict::SetAside(413));
    }
}
