//! Random bytes from the operating system: the unguessable part of every id and key.

use std::cell::RefCell;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn nothing_is_handed_out_twice() {
        let ids: HashSet<[u8; 16]> = (0..10_000).map(|_| bytes()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(!ids.contains(&[0; 16]));
        assert_ne!(bytes::<STOCK_BYTES>()[STOCK_BYTES - 8..], [0; 8]);
    }
}
