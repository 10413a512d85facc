//! The expiry of a File that moves to another server: pure, without I/O.

/// The shortest and the longest lifetime that a client may ask for, in seconds (docs/contract.md, section 3).
const ASKED_SECONDS: std::ops::RangeInclusive<u64> = 3600..=2_592_000;

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
        Some(left) if left < *ASKED_SECONDS.start() => Lifetime::TooShort,
        Some(left) if left > *ASKED_SECONDS.end() => Lifetime::Default,
        Some(left) => Lifetime::Seconds(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
