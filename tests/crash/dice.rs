//! Random choices that a seed repeats.

use crate::setting;
use std::ops::Range;
use std::time::Duration;

/// No content is larger, in bytes.
pub const MAX_SIZE: usize = 8 << 20;

/// A stream of numbers (`SplitMix64`).
#[derive(Clone, Default)]
pub struct Dice(u64);

impl Dice {
    /// The dice of one test, and the seed to name when it fails.
    pub fn of_test() -> (Self, u64) {
        let seed = setting("VENNA_CRASH_SEED", u64::from(getrandom::u32().unwrap()));
        (Self(seed), seed)
    }

    /// Dice of their own for a thread.
    pub fn fork(&mut self) -> Self {
        Self(self.number())
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number under `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// A size from one byte up to [`MAX_SIZE`], each magnitude as likely as the others.
    pub fn size(&mut self) -> usize {
        let magnitude = 1 << self.below(MAX_SIZE.ilog2() as usize);
        magnitude + self.below(magnitude)
    }

    pub fn moment(&mut self, range: Range<usize>) -> Duration {
        Duration::from_millis((range.start + self.below(range.len())) as u64)
    }
}
