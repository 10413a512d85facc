//! The expiry of a File that moves to another server: pure, without I/O.

use crate::model::expiry::EXPIRES_AFTER_SECONDS;

/// The time by which a File may outlive its source, in seconds. An upload that went on has the lifetime that it began
/// with, and to send it again for less than this costs more than it is worth.
const TOLERATED_SECONDS: u64 = 600;

/// The lifetime of a File on the new server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The default of its purpose.
    Default,
    /// So many seconds.
    Seconds(u64),
    /// It ends before any lifetime that may be asked for.
    TooShort,
}

/// Returns the lifetime of a File that expires at `expires_at` and moves at `now_seconds`. What lives longer than may
/// be asked for gets the default.
pub fn lifetime(expires_at: Option<u64>, now_seconds: u64) -> Lifetime {
    match expires_at.map(|at| at.saturating_sub(now_seconds)) {
        None => Lifetime::Default,
        Some(left) if left < *EXPIRES_AFTER_SECONDS.start() => Lifetime::TooShort,
        Some(left) if left > *EXPIRES_AFTER_SECONDS.end() => Lifetime::Default,
        Some(left) => Lifetime::Seconds(left),
    }
}

/// Returns whether the File of an upload that went on outlives its source, and another one would not. `asked` is the
/// lifetime that the upload asked for, and `got` the expiry of its File.
pub fn outlives(expires_at: Option<u64>, asked: Option<u64>, got: Option<u64>, now_seconds: u64) -> bool {
    let Some(wanted) = expires_at else { return false };
    let is_late = match got {
        Some(got) => got > wanted.saturating_add(TOLERATED_SECONDS),
        // A server that was asked and has no expiry would have none again.
        None => asked.is_none(),
    };
    is_late && lifetime(expires_at, now_seconds) != Lifetime::Default
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day, in seconds.
    const DAY: u64 = 86_400;

    #[test]
    fn a_file_outlives_its_source_if_its_upload_went_on_late() {
        let wanted = 20 * DAY;
        let outlives = |asked, got, now| outlives(Some(wanted), asked, got, now);
        assert!(outlives(Some(20 * DAY), Some(wanted + DAY), DAY));
        assert!(!outlives(Some(20 * DAY), Some(wanted + TOLERATED_SECONDS), TOLERATED_SECONDS), "it is not worth it");
        assert!(!outlives(Some(20 * DAY), None, DAY), "the server has no expiries");
        assert!(outlives(None, None, DAY), "its expiry was too far away when the upload began");
        assert!(outlives(Some(20 * DAY), Some(wanted + DAY), wanted), "it is gone, and nothing takes its place");
        assert!(!super::outlives(Some(40 * DAY), None, None, DAY), "its expiry is too far away");
        assert!(!super::outlives(None, None, None, DAY));
    }

    #[test]
    fn an_expiry_is_kept_where_it_may_be_asked_for() {
        assert_eq!(lifetime(None, 5), Lifetime::Default);
        assert_eq!(lifetime(Some(3605), 5), Lifetime::Seconds(3600));
        assert_eq!(lifetime(Some(3604), 5), Lifetime::TooShort);
        assert_eq!(lifetime(Some(4), 5), Lifetime::TooShort);
        assert_eq!(lifetime(Some(2_592_005), 5), Lifetime::Seconds(2_592_000));
        assert_eq!(lifetime(Some(2_592_006), 5), Lifetime::Default);
    }
}
