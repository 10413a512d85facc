//! Costs of usage, in whole nano-dollars that add up.
//!
//! The exact cost of a month so far is a fraction. The cost of a piece of usage is the rounded cost after it minus the
//! rounded cost before it, so the pieces of a month add up to its rounded cost however it is cut. Corrections are usage
//! that may be negative; they credit the cost at their time.

use super::nano_usd::{NANO, NanoUsd};
use super::{ATTO, LineItem, Month, Price, PriceList};

/// The largest quantity of one line item in one month; larger ones count as this. 2^63 bytes over a month are less than
/// 2^85 byte-seconds. At the highest price, the sums below stay under 2^127.
pub const MAX_MONTH_QUANTITY: u128 = 1 << 86;
/// Attos per nano.
const NANO_ATTOS: u128 = ATTO / NANO;

/// A meter that turns the usage of one line item of one workspace into costs, in the order of time.
///
/// It must see each month from its first second. The free allowance is used in that order. Where prices change, earlier
/// usage counts against the allowance of the new ones.
#[derive(Clone, Debug)]
pub struct Meter<'a> {
    prices: &'a PriceList,
    item: LineItem,
    month: Month,
    used: i128,
    cost: Cost,
}

impl<'a> Meter<'a> {
    /// Returns a meter before any usage.
    #[must_use]
    pub fn new(prices: &'a PriceList, item: LineItem) -> Self {
        Self { prices, item, month: Month::of(0), used: 0, cost: Cost::default() }
    }

    /// Returns the cost of a segment that begins at the Unix second `start` and crosses no start of a month or price
    /// version. `quantity` is in byte-seconds, requests or bytes, with corrections. Segments of one time, such as those
    /// of several keys, may follow each other.
    pub fn charge(&mut self, start: u64, quantity: i128) -> NanoUsd {
        let month = Month::of(start);
        if month != self.month {
            (self.month, self.used, self.cost) = (month, 0, Cost::default());
        }
        let before = self.cost.rounded();
        let most = MAX_MONTH_QUANTITY.cast_signed();
        let used = self.used.saturating_add(quantity).clamp(-most, most);
        if let Some(price) = self.prices.price(self.item, start) {
            self.cost.add(charged(used, price) - charged(self.used, price), price);
        }
        self.used = used;
        NanoUsd(self.cost.rounded() - before)
    }
}

/// Returns the billed quantity of a month: the usage above the allowance. Corrections below zero are credited.
fn charged(used: i128, price: &Price) -> i128 {
    if used < 0 { used } else { (used - price.free.cast_signed()).max(0) }
}

/// The exact cost of one line item.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// The whole nano-dollars.
    whole: i128,
    /// The fraction, in units of 1/[`Self::parts`]; never negative.
    rest: u128,
    /// The number of parts in a nano-dollar; 0 while there is no cost.
    parts: u128,
}

impl Cost {
    /// Adds or subtracts the cost of a billed quantity.
    ///
    /// Quantity and price are both cut in two, so that no product needs more than 128 bits. The largest sum of whole
    /// nano-dollars is [`MAX_MONTH_QUANTITY`] requests at `MAX_USD` each, 2^86 * 10^12 < 2^126; all else stays below
    /// 2^112.
    fn add(&mut self, quantity: i128, price: &Price) {
        let unit = u128::from(price.item.largest_unit().size());
        let (units, odd) = (quantity.unsigned_abs() / unit, quantity.unsigned_abs() % unit);
        let (nanos, attos) = (price.atto_usd / NANO_ATTOS, price.atto_usd % NANO_ATTOS);
        let (unit_attos, odd_attos) = (units * attos, odd * price.atto_usd);
        self.parts = unit * NANO_ATTOS;
        let rest = unit_attos % NANO_ATTOS * unit + odd_attos % self.parts;
        let whole = units * nanos + unit_attos / NANO_ATTOS + odd_attos / self.parts + rest / self.parts;
        let (whole, rest) = (whole.cast_signed(), rest % self.parts);
        if quantity < 0 {
            let borrowed = self.rest < rest;
            self.whole -= whole + i128::from(borrowed);
            self.rest = self.rest + if borrowed { self.parts } else { 0 } - rest;
        } else {
            self.whole += whole + i128::from(self.rest + rest >= self.parts);
            self.rest = (self.rest + rest) % self.parts;
        }
    }

    /// Returns the nearest whole nano-dollar; halves are rounded up.
    const fn rounded(&self) -> i128 {
        if self.parts > 0 && self.rest * 2 >= self.parts { self.whole + 1 } else { self.whole }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MAX_FREE_UNITS, MAX_USD, PriceVersion, Unit};
    use super::*;
    use proptest::prelude::*;
    use std::ops::Neg;

    /// 2026-12-01T00:00:00Z.
    const DECEMBER: u64 = 1_796_083_200;
    const MONTH_SECONDS: u64 = 31 * 86_400;
    const JANUARY: u64 = DECEMBER + MONTH_SECONDS;
    const GIBIBYTE_HOUR: i128 = 3600 << 30;

    fn list(versions: &[(u64, Price)]) -> PriceList {
        let version = |(effective_from, price): &(u64, Price)| PriceVersion {
            effective_from: *effective_from,
            prices: vec![*price],
        };
        PriceList::new(versions.iter().map(version).collect()).unwrap()
    }

    fn storage(atto_usd: u128, free_atto_units: u128) -> Price {
        Price::new(LineItem::Storage, Unit::GibibyteHours, atto_usd, free_atto_units).unwrap()
    }

    fn class_a(unit: Unit, atto_usd: u128, free: u128) -> Price {
        Price::new(LineItem::ClassA, unit, atto_usd, free * ATTO).unwrap()
    }

    fn charge_all(prices: &PriceList, item: LineItem, segments: &[(u64, i128)]) -> Vec<i128> {
        let mut meter = Meter::new(prices, item);
        segments.iter().map(|(start, quantity)| meter.charge(*start, *quantity).0).collect()
    }

    #[test]
    fn a_gibibyte_over_the_month_of_the_sample() {
        let prices = list(&[(DECEMBER, storage(ATTO / 10_000_000 * 222, 744 * ATTO))]);
        let costs = [(DECEMBER, 744 * GIBIBYTE_HOUR), (DECEMBER + 1, GIBIBYTE_HOUR), (DECEMBER + 2, GIBIBYTE_HOUR / 2)];
        assert_eq!(charge_all(&prices, LineItem::Storage, &costs), [0, 22_200, 11_100]);
    }

    #[test]
    fn small_prices_are_exact() {
        let prices = list(&[(0, storage(ATTO / 10_000_000_000 * 222, 0))]);
        assert_eq!(charge_all(&prices, LineItem::Storage, &[(0, 1000 * GIBIBYTE_HOUR)]), [22_200]);
        let prices = list(&[(0, storage(1, 0))]);
        let costs = charge_all(
            &prices,
            LineItem::Storage,
            &[(0, GIBIBYTE_HOUR * NANO_ATTOS.cast_signed()), (0, GIBIBYTE_HOUR)],
        );
        assert_eq!(costs, [1, 0]);
    }

    #[test]
    fn a_half_goes_up_and_what_is_less_waits() {
        let prices = list(&[(0, class_a(Unit::Requests, NANO_ATTOS / 4, 0))]);
        assert_eq!(charge_all(&prices, LineItem::ClassA, &[(0, 1), (0, 1), (0, 1), (0, 1), (0, 1)]), [0, 1, 0, 0, 0]);
    }

    #[test]
    fn a_month_begins_with_its_own_allowance_and_no_rest() {
        let prices = list(&[(0, class_a(Unit::Requests, NANO_ATTOS / 2, 3))]);
        let costs = [(DECEMBER, 2), (DECEMBER, 2), (JANUARY, 4), (JANUARY, 1)];
        assert_eq!(charge_all(&prices, LineItem::ClassA, &costs), [0, 1, 1, 0]);
    }

    #[test]
    fn what_a_correction_takes_away_is_given_back_at_the_price_of_its_time() {
        let prices = list(&[
            (DECEMBER, class_a(Unit::Requests, NANO_ATTOS, 2)),
            (DECEMBER + 9, class_a(Unit::Requests, 3 * NANO_ATTOS, 2)),
        ]);
        let costs = [(DECEMBER, 10), (DECEMBER + 1, -4), (DECEMBER + 9, -5), (DECEMBER + 10, -2), (DECEMBER + 11, 4)];
        assert_eq!(charge_all(&prices, LineItem::ClassA, &costs), [8, -4, -12, -3, 6]);
        let prices = list(&[(0, class_a(Unit::Requests, NANO_ATTOS / 4, 0))]);
        assert_eq!(charge_all(&prices, LineItem::ClassA, &[(0, 3), (0, -1), (0, -1), (0, -3)]), [1, 0, -1, 0]);
        assert_eq!(
            (NanoUsd(-1).to_string(), NanoUsd(-NANO.cast_signed()).to_string()),
            ("-0.000000001".into(), "-1.000000000".into())
        );
    }

    #[test]
    fn units_may_change_with_the_prices() {
        let prices = list(&[
            (DECEMBER, class_a(Unit::ThousandRequests, ATTO, 0)),
            (DECEMBER + 9, class_a(Unit::Requests, ATTO / 1000, 0)),
        ]);
        assert_eq!(charge_all(&prices, LineItem::ClassA, &[(DECEMBER, 7), (DECEMBER + 9, 7)]), [7_000_000; 2]);
    }

    #[test]
    fn what_was_used_before_counts_against_the_new_allowance() {
        let prices = |free| {
            list(&[
                (DECEMBER, class_a(Unit::Requests, NANO_ATTOS, 10)),
                (DECEMBER + 9, class_a(Unit::Requests, 5 * NANO_ATTOS, free)),
            ])
        };
        let costs = [(DECEMBER, 14), (DECEMBER + 9, 6)];
        assert_eq!(charge_all(&prices(16), LineItem::ClassA, &costs), [4, 20]);
        assert_eq!(charge_all(&prices(100), LineItem::ClassA, &costs), [4, 0]);
        assert_eq!(charge_all(&prices(0), LineItem::ClassA, &costs), [4, 30]);
        let late = list(&[(DECEMBER + 9, class_a(Unit::Requests, NANO_ATTOS, 16))]);
        assert_eq!(charge_all(&late, LineItem::ClassA, &costs), [0, 4]);
    }

    #[test]
    fn without_a_price_everything_is_free() {
        for item in LineItem::ALL {
            assert_eq!(charge_all(&PriceList::default(), item, &[(DECEMBER, i128::MAX), (JANUARY, 1)]), [0, 0]);
        }
        let prices = list(&[(0, storage(ATTO, 0))]);
        assert_eq!(charge_all(&prices, LineItem::Egress, &[(DECEMBER, 1 << 40)]), [0]);
    }

    #[test]
    fn the_largest_usage_at_the_highest_price_is_exact() {
        let full = (1 << 63) * i128::from(MONTH_SECONDS);
        let prices = list(&[(0, storage(MAX_USD * ATTO, 0))]);
        let cost = NanoUsd(charge_all(&prices, LineItem::Storage, &[(DECEMBER, full)])[0]);
        let dollars = (1_u128 << 33) * 744 * MAX_USD;
        assert_eq!(cost.to_string(), format!("{dollars}.000000000"));
        let twice = charge_all(&prices, LineItem::Storage, &[(DECEMBER, full), (DECEMBER, full)]);
        assert_eq!(twice, [cost.0, cost.0]);
    }

    #[test]
    fn what_is_beyond_all_bounds_costs_no_more() {
        let dearest = class_a(Unit::Requests, MAX_USD * ATTO, 0);
        let prices = list(&[(0, dearest), (1, dearest)]);
        let costs = charge_all(&prices, LineItem::ClassA, &[(0, i128::MAX / 2), (0, i128::MAX), (1, i128::MAX)]);
        assert_eq!(costs, [(MAX_MONTH_QUANTITY * MAX_USD * NANO).cast_signed(), 0, 0]);
        let free = list(&[(0, class_a(Unit::ThousandRequests, MAX_USD * ATTO, MAX_FREE_UNITS))]);
        assert_eq!(
            charge_all(&free, LineItem::ClassA, &[(0, 1_000_000_000_000_000_001)]),
            [(MAX_USD * 1_000_000).cast_signed()]
        );
    }

    fn any_price() -> impl Strategy<Value = (u128, u128)> {
        let usd = prop_oneof![0..=MAX_USD * ATTO, 0..=ATTO, 0..1000_u128];
        let free = prop_oneof![Just(0), 0..=MAX_FREE_UNITS * ATTO, 0..=ATTO * 1000];
        (usd, free)
    }

    fn any_quantity() -> impl Strategy<Value = i128> {
        prop_oneof![0..10_i128, 0..GIBIBYTE_HOUR * 10, 0..1_i128 << 80]
    }

    /// Usage by second of a month, in order.
    fn any_usage() -> impl Strategy<Value = Vec<(u64, i128)>> {
        prop::collection::btree_map(
            0..MONTH_SECONDS,
            prop_oneof![4 => any_quantity(), 1 => any_quantity().prop_map(Neg::neg)],
            1..12,
        )
        .prop_map(|usage| usage.into_iter().map(|(second, quantity)| (DECEMBER + second, quantity)).collect())
    }

    fn any_versions() -> impl Strategy<Value = Vec<(u64, Price)>> {
        let second = (0..2 * MONTH_SECONDS).prop_map(|second| DECEMBER - MONTH_SECONDS + second);
        prop::collection::btree_map(second, any_price(), 0..5).prop_map(|versions| {
            versions.into_iter().map(|(second, (usd, free))| (second, storage(usd, free))).collect()
        })
    }

    /// Costs of buckets between these seconds, each the sum of its segments.
    fn bucket_costs(prices: &PriceList, usage: &[(u64, i128)], seconds: &[u64]) -> Vec<NanoUsd> {
        let mut meter = Meter::new(prices, LineItem::Storage);
        let bucket = |pair: &[u64]| {
            let segments = prices.segments(pair[0]..pair[1]);
            let cost = segments.map(|segment| {
                let used = usage.iter().filter(|(second, _)| segment.contains(second));
                meter.charge(segment.start, used.map(|(_, quantity)| quantity).sum())
            });
            cost.sum()
        };
        seconds.windows(2).map(bucket).collect()
    }

    /// The beginning and end of the month, and these seconds between them.
    fn buckets(inner: &std::collections::BTreeSet<u64>) -> Vec<u64> {
        let inner = inner.iter().map(|second| DECEMBER + second);
        std::iter::once(DECEMBER).chain(inner).chain([JANUARY]).collect()
    }

    /// The cost of the month in parts of a nano-dollar, one unit of usage after the other.
    fn brute_force(versions: &[(u64, Price)], usage: &[(u64, u128)]) -> i128 {
        let (mut used, mut parts) = (0, 0);
        for (second, quantity) in usage {
            for _ in 0..*quantity {
                let in_force = versions.iter().rev().find(|(from, _)| from <= second);
                parts += in_force.filter(|(_, price)| used >= price.free).map_or(0, |(_, price)| price.atto_usd);
                used += 1;
            }
        }
        let nano = GIBIBYTE_HOUR.unsigned_abs() * NANO_ATTOS;
        ((2 * parts + nano) / (2 * nano)).cast_signed()
    }

    proptest! {
        #[test]
        fn buckets_add_up_to_the_month(
            versions in any_versions(),
            usage in any_usage(),
            cuts in prop::collection::btree_set(1..MONTH_SECONDS, 0..12),
        ) {
            let prices = list(&versions);
            let whole = bucket_costs(&prices, &usage, &[DECEMBER, JANUARY]);
            let parts = bucket_costs(&prices, &usage, &buckets(&cuts));
            prop_assert_eq!(parts.into_iter().sum::<NanoUsd>(), whole[0]);
        }

        #[test]
        fn a_change_affects_only_what_comes_after_it(
            versions in any_versions(),
            change in 1..MONTH_SECONDS,
            (usd, free) in any_price(),
            usage in any_usage(),
            cuts in prop::collection::btree_set(1..MONTH_SECONDS, 0..12),
        ) {
            let change = DECEMBER + change;
            let before: Vec<_> = versions.into_iter().filter(|(from, _)| *from < change).collect();
            let after: Vec<_> = before.iter().copied().chain([(change, storage(usd, free))]).collect();
            let seconds = buckets(&cuts);
            let costs = bucket_costs(&list(&before), &usage, &seconds).into_iter().zip(bucket_costs(&list(&after), &usage, &seconds));
            for (end, (before, after)) in seconds.iter().skip(1).zip(costs).filter(|(end, _)| **end <= change) {
                prop_assert_eq!(before, after, "the bucket that ends at {}", end);
            }
        }

        #[test]
        fn an_allowance_only_makes_cheaper_and_never_pays(
            (usd, free) in any_price(),
            usage in any_usage(),
        ) {
            let cost = |free| bucket_costs(&list(&[(0, storage(usd, free))]), &usage, &[DECEMBER, JANUARY])[0];
            let used: i128 = usage.iter().map(|(_, quantity)| quantity).sum();
            prop_assert!(cost(free) <= cost(0));
            if used < 0 {
                prop_assert_eq!(cost(free), cost(0));
            } else if used.unsigned_abs() <= storage(usd, free).free {
                prop_assert_eq!(cost(free), NanoUsd(0));
            }
        }

        #[test]
        fn every_byte_second_is_priced_by_itself(
            prices in prop::collection::btree_map(0..5_u64, (0..MAX_USD * ATTO, 0..60_u128), 0..4),
            usage in prop::collection::vec(0..20_u128, 5),
        ) {
            let byte_second = ATTO / GIBIBYTE_HOUR.unsigned_abs();
            let version = |(from, (usd, free)): (u64, (u128, u128))| (DECEMBER + from, storage(usd, free * byte_second));
            let versions: Vec<_> = prices.into_iter().map(version).collect();
            let usage: Vec<_> = (DECEMBER..).zip(usage).collect();
            let prices = list(&versions);
            let mut meter = Meter::new(&prices, LineItem::Storage);
            for (second, quantity) in &usage {
                meter.charge(*second, quantity.cast_signed());
            }
            prop_assert_eq!(NanoUsd(meter.cost.rounded()).0, brute_force(&versions, &usage));
        }

        #[test]
        fn nothing_overflows(
            item in prop::sample::select(&LineItem::ALL[..]),
            requests: bool,
            less in 0..1000_u128,
            quantities in prop::collection::vec(prop_oneof![any_quantity(), Just(i128::MAX), Just(i128::MIN), Just(MAX_MONTH_QUANTITY.cast_signed() - 1)], 1..20),
        ) {
            let unit = if requests && item.is_priced_per(Unit::Requests) { Unit::Requests } else { item.largest_unit() };
            let prices = list(&[(0, Price::new(item, unit, MAX_USD * ATTO - less, less).unwrap())]);
            let mut meter = Meter::new(&prices, item);
            let costs: Vec<NanoUsd> = quantities.into_iter().map(|quantity| meter.charge(DECEMBER, quantity)).collect();
            prop_assert_eq!(costs.into_iter().sum::<NanoUsd>(), NanoUsd(meter.cost.rounded()));
        }
    }
}
