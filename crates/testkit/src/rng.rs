//! Random numbers that a seed repeats.

use std::ops::Range;
use std::time::Duration;

/// The variable that names the seed of a test.
const SEED_VARIABLE: &str = "VENNA_CRASH_SEED";

/// A random number generator (`SplitMix64`).
#[derive(Clone, Debug, Default)]
pub struct Rng(u64);

impl Rng {
    /// Creates a generator; the same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Creates the generator of a test and returns its seed, to be printed when the test fails. `VENNA_CRASH_SEED`
    /// chooses it.
    pub fn of_test() -> (Self, u64) {
        let seed = crate::setting(SEED_VARIABLE, u64::from(getrandom::u32().unwrap()));
        (Self(seed), seed)
    }

    /// Creates a generator for another thread.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.number())
    }

    /// Returns any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`.
    pub fn below<T: TryFrom<u64> + TryInto<u64>>(&mut self, bound: T) -> T {
        let bound = bound.try_into().ok().unwrap();
        T::try_from(self.number() % bound).ok().unwrap()
    }

    /// Returns a number of the range.
    pub fn within(&mut self, range: Range<usize>) -> usize {
        range.start + self.below(range.end - range.start)
    }

    /// Returns true in `percent` of a hundred calls.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns one of the items; none of an empty slice.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }

    /// Puts the items into a random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            list.swap(place, self.below(place + 1));
        }
    }

    /// Returns a size from one byte to `max_bytes`, each order of magnitude as likely as the others.
    pub fn size(&mut self, max_bytes: usize) -> usize {
        let magnitude = 1 << self.below(max_bytes.ilog2() as usize);
        magnitude + self.below(magnitude)
    }

    /// Returns a duration of the range, which is in milliseconds.
    pub fn duration_ms(&mut self, range: Range<usize>) -> Duration {
        Duration::from_millis(self.within(range) as u64)
    }
}
