//! Builds the price list from the configuration.

use crate::config::{Config, ItemPriceConfig, PriceUnit, PricedItem};
use crate::model::prices::{LineItem, Price, PriceError, PriceList, PriceVersion, Unit};

/// Returns the price list.
///
/// # Errors
/// None for prices that [`Config::resolve`] accepts.
pub fn price_list(config: &Config) -> Result<PriceList, PriceError> {
    let versions = config.prices.iter().map(|version| {
        let prices = version.items.iter().map(price).collect::<Result<_, _>>()?;
        Ok(PriceVersion { effective_from: version.effective_from, prices })
    });
    PriceList::new(versions.collect::<Result<_, _>>()?)
}

/// Returns the line item of a setting.
pub const fn line_item(item: PricedItem) -> LineItem {
    match item {
        PricedItem::Storage => LineItem::Storage,
        PricedItem::ClassA => LineItem::ClassA,
        PricedItem::ClassB => LineItem::ClassB,
        PricedItem::Ingress => LineItem::Ingress,
        PricedItem::Egress => LineItem::Egress,
    }
}

fn price(config: &ItemPriceConfig) -> Result<Price, PriceError> {
    let unit = match config.per {
        PriceUnit::GibibyteHours => Unit::GibibyteHours,
        PriceUnit::Gibibytes => Unit::Gibibytes,
        PriceUnit::Requests => Unit::Requests,
        PriceUnit::ThousandRequests => Unit::ThousandRequests,
    };
    Price::new(line_item(config.item), unit, config.atto_usd, config.free_atto_units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;
    use crate::model::prices::{Meter, Month, NanoUsd};

    #[expect(clippy::disallowed_methods, reason = "a file of a test")]
    fn list_of(text: &str) -> PriceList {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let layers = Layers { file: Some(file.path().to_owned()), ..Layers::default() };
        price_list(&Config::resolve(&layers).unwrap().0).unwrap()
    }

    /// Every line item in every unit, at the highest price and the largest allowance that a file may have.
    #[test]
    fn all_that_a_file_may_say_makes_a_price_list() {
        let limits = "usd = '1000', free_per_month = '1000000000000000'";
        let table = |from: &str, unit: &str| {
            format!(
                "[[prices]]\neffective_from = '{from}'\ncurrency = 'usd'\n\
                 'files.storage' = {{ per = 'gibibyte_hours', {limits} }}\n\
                 'files.ops.class_a' = {{ per = '{unit}', {limits} }}\n\
                 'files.ops.class_b' = {{ per = '{unit}', {limits} }}\n\
                 'files.ingress' = {{ per = 'gibibytes', {limits} }}\n\
                 'files.egress' = {{ per = 'gibibytes', {limits} }}\n"
            )
        };
        let first = table("1970-01-01T00:00:00Z", "1000_requests");
        let list = list_of(&(first + &table("9999-12-31T23:00:00Z", "requests")));
        assert_eq!(list.next_cut(253_402_297_199), 253_402_297_200);
    }

    #[test]
    fn every_line_item_has_its_own_price() {
        let lines = LineItem::ALL.into_iter().zip(1..).map(|(item, usd)| {
            let unit = match item {
                LineItem::Storage => "gibibyte_hours",
                LineItem::ClassA | LineItem::ClassB => "1000_requests",
                LineItem::Ingress | LineItem::Egress => "gibibytes",
            };
            format!("'{}' = {{ per = '{unit}', usd = '0.{usd}', free_per_month = '2' }}\n", item.name())
        });
        let head = "[[prices]]\neffective_from = '2026-12-01T00:00:00Z'\ncurrency = 'usd'\n";
        let list = list_of(&(head.to_owned() + &lines.collect::<String>()));
        let december = Month::of(1_796_083_200).start();
        for (item, usd) in LineItem::ALL.into_iter().zip(1..) {
            let three = match item {
                LineItem::Storage => (3 * 3600) << 30,
                LineItem::ClassA | LineItem::ClassB => 3000,
                LineItem::Ingress | LineItem::Egress => 3 << 30,
            };
            assert_eq!(Meter::new(&list, item).charge(december, three), NanoUsd(usd * 100_000_000), "{item:?}");
            assert_eq!(Meter::new(&list, item).charge(december - 1, three), NanoUsd(0), "{item:?}");
        }
    }
}
