//! Random bytes from the operating system: the unguessable part of every id and key.

/// `N` random bytes.
///
/// # Panics
/// When the kernel's generator fails, which it cannot once the system has started: nothing may be issued then.
#[must_use]
#[expect(clippy::expect_used, reason = "without the kernel's generator no id or key may be issued")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the kernel's random generator answers");
    bytes
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
