//! An amount of money.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// Nano-dollars per dollar.
pub(super) const NANO: u128 = 1_000_000_000;
/// Nano-dollars per cent.
const CENT_NANOS: i128 = 10_000_000;

/// An amount of money, in 10^-9 US dollars; negative for a credit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(pub i128);

impl NanoUsd {
    /// Returns the amount of these cents.
    #[must_use]
    pub const fn from_cents(cents: u64) -> Self {
        Self(cents as i128 * CENT_NANOS)
    }

    /// Returns dollars as JSON has them: exact to the nano-dollar up to nine million dollars.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "JSON's readers have no other numbers")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / NANO as f64
    }

    /// Returns the whole cents.
    #[must_use]
    pub const fn cents(self) -> i128 {
        self.0.div_euclid(CENT_NANOS)
    }
}

impl Add for NanoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for NanoUsd {
    /// Formats dollars with all nine decimal digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, amount) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(out, "{sign}{}.{:09}", amount / NANO, amount % NANO)
    }
}
