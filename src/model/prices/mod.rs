//! Price lists: the prices of usage, by time (docs/design/billing.md, section 2).
//!
//! A version applies from its `effective_from` until the next one. Line items without a price are free.

mod cost;
mod month;
mod nano_usd;

pub use cost::{MAX_MONTH_QUANTITY, Meter};
pub use month::Month;
pub use nano_usd::NanoUsd;

use std::collections::BTreeSet;
#[cfg(test)]
use std::ops::Range;

/// Attos (10^-18) per one.
pub const ATTO: u128 = 1_000_000_000_000_000_000;
/// The highest price of one [`Unit`], in US dollars.
pub const MAX_USD: u128 = 1000;
/// The largest monthly free allowance, in [`Unit`]s.
pub const MAX_FREE_UNITS: u128 = 1_000_000_000_000_000;
/// Bytes per gibibyte.
const GIBIBYTE: u64 = 1 << 30;
/// Seconds per hour.
const HOUR_SECONDS: u64 = 3600;

/// A metered line item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineItem {
    /// Bytes stored over time, in byte-seconds.
    Storage,
    /// Requests that create, complete or list.
    ClassA,
    /// Requests that retrieve or read content.
    ClassB,
    /// Bytes of committed content.
    Ingress,
    /// Bytes of content that was read.
    Egress,
}

impl LineItem {
    /// Every line item, in listing order.
    pub const ALL: [Self; 5] = [Self::Storage, Self::ClassA, Self::ClassB, Self::Ingress, Self::Egress];

    /// Returns the line item of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|item| item.name() == name)
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Storage => "files.storage",
            Self::ClassA => "files.ops.class_a",
            Self::ClassB => "files.ops.class_b",
            Self::Ingress => "files.ingress",
            Self::Egress => "files.egress",
        }
    }

    /// Returns the name of its smallest unit.
    #[must_use]
    pub const fn quantity_unit(self) -> &'static str {
        match self {
            Self::Storage => "byte_seconds",
            Self::ClassA | Self::ClassB => "requests",
            Self::Ingress | Self::Egress => "bytes",
        }
    }

    /// Returns whether it counts requests, not bytes.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::ClassA | Self::ClassB)
    }

    /// Returns the largest unit of its prices. The other units divide it.
    const fn largest_unit(self) -> Unit {
        match self {
            Self::Storage => Unit::GibibyteHours,
            Self::ClassA | Self::ClassB => Unit::ThousandRequests,
            Self::Ingress | Self::Egress => Unit::Gibibytes,
        }
    }

    const fn is_priced_per(self, unit: Unit) -> bool {
        match self {
            Self::Storage => matches!(unit, Unit::GibibyteHours),
            Self::ClassA | Self::ClassB => matches!(unit, Unit::Requests | Unit::ThousandRequests),
            Self::Ingress | Self::Egress => matches!(unit, Unit::Gibibytes),
        }
    }
}

/// The unit of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 2^30 bytes for an hour.
    GibibyteHours,
    /// 2^30 bytes.
    Gibibytes,
    /// One request.
    Requests,
    /// A thousand requests.
    ThousandRequests,
}

impl Unit {
    /// Returns its size, in byte-seconds, bytes or requests.
    #[must_use]
    pub const fn size(self) -> u64 {
        match self {
            Self::GibibyteHours => GIBIBYTE * HOUR_SECONDS,
            Self::Gibibytes => GIBIBYTE,
            Self::Requests => 1,
            Self::ThousandRequests => 1000,
        }
    }
}

/// The price of one line item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    item: LineItem,
    /// The price of the item's largest unit, in 10^-18 US dollars. All versions use this unit.
    atto_usd: u128,
    /// The monthly free allowance, in the item's smallest unit.
    free: u128,
}

impl Price {
    /// Returns the price of `atto_usd` (10^-18 US dollars) per `unit`, after `free_atto_units` (10^-18 of the unit) of
    /// each month. The allowance is rounded up to a whole byte, byte-second or request.
    ///
    /// # Errors
    /// When the line item has no such unit, or a value exceeds [`MAX_USD`] or [`MAX_FREE_UNITS`].
    pub fn new(item: LineItem, unit: Unit, atto_usd: u128, free_atto_units: u128) -> Result<Self, PriceError> {
        if !item.is_priced_per(unit) {
            return Err(PriceError::Unit);
        }
        if atto_usd > MAX_USD * ATTO || free_atto_units > MAX_FREE_UNITS * ATTO {
            return Err(PriceError::OutOfBounds);
        }
        let size = u128::from(unit.size());
        let units = u128::from(item.largest_unit().size()) / size;
        let free = free_atto_units / ATTO * size + (free_atto_units % ATTO * size).div_ceil(ATTO);
        Ok(Self { item, atto_usd: atto_usd * units, free })
    }
}

/// The prices that apply from one second on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceVersion {
    /// The first Unix second at which they apply.
    pub effective_from: u64,
    /// The prices, at most one for each line item.
    pub prices: Vec<Price>,
}

/// The reason why prices are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The line item has no such unit.
    #[error("the line item cannot be priced in this unit")]
    Unit,
    /// A price or an allowance exceeds its maximum.
    #[error("a price or a free allowance is out of bounds")]
    OutOfBounds,
    /// A version does not begin after the previous one.
    #[error("a price version does not begin after the previous one")]
    Order,
    /// A version prices a line item twice.
    #[error("a price version has two prices for one line item")]
    Twice,
    /// A version omits a line item of the previous one.
    #[error("a price version omits a line item of the previous one")]
    Gap,
}

/// All versions of the prices. An empty list makes everything free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceList(Vec<PriceVersion>);

impl PriceList {
    /// Returns the list of these versions, oldest first.
    ///
    /// # Errors
    /// When they are out of order, price a line item twice, or omit one that was priced before.
    pub fn new(versions: Vec<PriceVersion>) -> Result<Self, PriceError> {
        let (mut before, mut priced) = (None, BTreeSet::new());
        for version in &versions {
            let items: BTreeSet<LineItem> = version.prices.iter().map(|price| price.item).collect();
            if before.is_some_and(|before| before >= version.effective_from) {
                return Err(PriceError::Order);
            }
            if items.len() != version.prices.len() {
                return Err(PriceError::Twice);
            }
            if !items.is_superset(&priced) {
                return Err(PriceError::Gap);
            }
            (before, priced) = (Some(version.effective_from), items);
        }
        Ok(Self(versions))
    }

    /// Returns whether everything is always free.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the price at a Unix second.
    fn price(&self, item: LineItem, second: u64) -> Option<&Price> {
        let version = self.0.get(self.begun(second).checked_sub(1)?)?;
        version.prices.iter().find(|price| price.item == item)
    }

    /// Returns the number of versions that have begun at a Unix second.
    fn begun(&self, second: u64) -> usize {
        self.0.partition_point(|version| version.effective_from <= second)
    }
}

#[cfg(test)]
impl PriceList {
    /// Returns the first second after `second` at which a price may change: the start of a month or of a version.
    #[must_use]
    pub fn next_cut(&self, second: u64) -> u64 {
        let month = Month::of(second).next().start();
        let later = self.0.get(self.begun(second)..).unwrap_or_default();
        later.first().map_or(month, |version| version.effective_from.min(month))
    }

    /// Cuts a window into the segments that a [`Meter`] takes: each lies in one month and one version.
    pub fn segments(&self, window: Range<u64>) -> impl Iterator<Item = Range<u64>> + '_ {
        let mut start = window.start;
        std::iter::from_fn(move || {
            let segment = start..self.next_cut(start).min(window.end);
            start = segment.end;
            (!segment.is_empty()).then_some(segment)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-12-01T00:00:00Z.
    const DECEMBER: u64 = 1_796_083_200;
    const DAY: u64 = 86_400;

    fn storage(usd: u128) -> Price {
        Price::new(LineItem::Storage, Unit::GibibyteHours, usd * ATTO, 0).unwrap()
    }

    fn egress() -> Price {
        Price::new(LineItem::Egress, Unit::Gibibytes, ATTO, 0).unwrap()
    }

    fn version(effective_from: u64, prices: &[Price]) -> PriceVersion {
        PriceVersion { effective_from, prices: prices.to_vec() }
    }

    #[test]
    fn every_line_item_is_found_by_its_name() {
        for item in LineItem::ALL {
            assert_eq!(LineItem::named(item.name()), Some(item));
        }
        assert_eq!(LineItem::named("files.ops"), None);
    }

    #[test]
    fn every_unit_of_an_item_divides_its_largest() {
        let units = [Unit::GibibyteHours, Unit::Gibibytes, Unit::Requests, Unit::ThousandRequests];
        for item in LineItem::ALL {
            let own = units.into_iter().filter(|unit| item.is_priced_per(*unit));
            assert!(own.clone().any(|unit| unit == item.largest_unit()), "{item:?}");
            assert!(own.clone().all(|unit| item.largest_unit().size() % unit.size() == 0), "{item:?}");
            for unit in units.into_iter().filter(|unit| !item.is_priced_per(*unit)) {
                assert_eq!(Price::new(item, unit, 0, 0), Err(PriceError::Unit), "{item:?} {unit:?}");
            }
        }
    }

    #[test]
    fn prices_and_allowances_have_bounds() {
        let of = |usd, free| Price::new(LineItem::Ingress, Unit::Gibibytes, usd, free);
        assert!(of(MAX_USD * ATTO, MAX_FREE_UNITS * ATTO).is_ok());
        assert_eq!(of(MAX_USD * ATTO + 1, 0), Err(PriceError::OutOfBounds));
        assert_eq!(of(0, MAX_FREE_UNITS * ATTO + 1), Err(PriceError::OutOfBounds));
    }

    #[test]
    fn an_allowance_is_raised_to_a_whole_byte() {
        let free = |free| Price::new(LineItem::Egress, Unit::Gibibytes, 0, free).unwrap().free;
        assert_eq!(free(10 * ATTO), 10 << 30);
        assert_eq!(free(ATTO / 2), 1 << 29);
        assert_eq!(free(ATTO / 10), 107_374_183);
        assert_eq!((free(0), free(1)), (0, 1));
    }

    #[test]
    fn versions_stand_in_order_and_leave_nothing_out() {
        let list = |versions: &[PriceVersion]| PriceList::new(versions.to_vec()).map(|_| ());
        let first = version(10, &[storage(1)]);
        assert_eq!(list(&[]), Ok(()));
        assert_eq!(list(&[first.clone(), version(11, &[egress(), storage(0)])]), Ok(()));
        assert_eq!(list(&[first.clone(), version(10, &[storage(2)])]), Err(PriceError::Order));
        assert_eq!(list(&[first.clone(), version(9, &[storage(2)])]), Err(PriceError::Order));
        assert_eq!(list(&[first.clone(), version(11, &[egress()])]), Err(PriceError::Gap));
        assert_eq!(list(&[version(10, &[storage(1), storage(2)])]), Err(PriceError::Twice));
    }

    #[test]
    fn a_version_holds_from_its_second_until_the_next() {
        let list = PriceList::new(vec![version(10, &[storage(1)]), version(20, &[storage(2)])]).unwrap();
        let at = |second| list.price(LineItem::Storage, second).copied();
        assert_eq!((at(9), at(10), at(19)), (None, Some(storage(1)), Some(storage(1))));
        assert_eq!((at(20), at(u64::MAX)), (Some(storage(2)), Some(storage(2))));
        assert_eq!(list.price(LineItem::Egress, 20), None);
    }

    #[test]
    fn windows_are_cut_at_months_and_versions() {
        let versions = [DECEMBER - DAY, DECEMBER, DECEMBER + 5].map(|second| version(second, &[storage(1)]));
        let list = PriceList::new(versions.to_vec()).unwrap();
        let cut = |window: Range<u64>| list.segments(window).map(|segment| segment.end).collect::<Vec<_>>();
        assert_eq!(cut(DECEMBER - 2 * DAY..DECEMBER + 7), [DECEMBER - DAY, DECEMBER, DECEMBER + 5, DECEMBER + 7]);
        assert_eq!(cut(DECEMBER..DECEMBER + 5), [DECEMBER + 5]);
        assert_eq!(cut(DECEMBER + 6..DECEMBER + 40 * DAY), [DECEMBER + 31 * DAY, DECEMBER + 40 * DAY]);
        assert_eq!(cut(DECEMBER..DECEMBER), [0; 0]);
        assert_eq!(PriceList::default().next_cut(DECEMBER), DECEMBER + 31 * DAY);
        let none = PriceList::default();
        assert_eq!(none.segments(u64::MAX - 1..u64::MAX).count(), 1);
    }
}
