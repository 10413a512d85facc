//! Random bytes from the operating system: the unguessable part of every id and key, and pauses that nobody shares.

use std::cell::RefCell;
use std::time::Duration;

/// What a thread asks of the kernel at once.
const STOCK_BYTES: usize = 512;

thread_local! {
    static STOCK: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; STOCK_BYTES], used: STOCK_BYTES }) };
}

/// Random bytes, each to be handed out once.
struct Stock {
    bytes: [u8; STOCK_BYTES],
    used: usize,
}

impl Stock {
    #[expect(clippy::expect_used, reason = "without the kernel's generator no id or key may be issued")]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= STOCK_BYTES) };
        if let Some(bytes) = self.bytes.get_mut(self.used..).and_then(|left| left.first_chunk_mut::<N>()) {
            self.used += N;
            return std::mem::replace(bytes, [0; N]);
        }
        getrandom::fill(&mut self.bytes).expect("the kernel's random generator answers");
        self.used = 0;
        self.take()
    }
}

/// `N` random bytes, at most 512.
///
/// # Panics
/// When the kernel's generator fails, which it cannot once the system has started: nothing may be issued then.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    STOCK.with_borrow_mut(Stock::take)
}

/// A uniformly random number below `bound`, which must not be 0, by rejection of the uneven rest.
#[must_use]
pub fn below(bound: u8) -> u8 {
    let even = u8::MAX - u8::MAX % bound;
    loop {
        let [byte] = bytes::<1>();
        if byte < even {
            return byte % bound;
        }
    }
}

/// A random time from nothing to `longest`, so that those who failed together do not come back together (full jitter).
#[must_use]
pub fn pause(longest: Duration) -> Duration {
    longest.mul_f64(f64::from(u32::from_le_bytes(bytes())) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn pauses_are_spread_over_the_whole_time() {
        let longest = Duration::from_secs(10);
        let pauses: Vec<Duration> = (0..2000).map(|_| pause(longest)).collect();
        assert!(pauses.iter().all(|pause| *pause <= longest));
        assert!(
            pauses.iter().any(|pause| *pause < longest / 50) && pauses.iter().any(|pause| *pause > longest * 49 / 50)
        );
    }

    #[test]
    fn nothing_is_handed_out_twice() {
        let ids: HashSet<[u8; 16]> = (0..10_000).map(|_| bytes()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(!ids.contains(&[0; 16]));
        assert_ne!(bytes::<STOCK_BYTES>()[STOCK_BYTES - 8..], [0; 8]);
    }
}
