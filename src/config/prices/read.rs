//! Reads the `[[prices]]` tables.

use super::decimal::{DECIMALS, attos};
use super::price::{
    CURRENCY, CURRENCY_KEY, EFFECTIVE_FROM_KEY, FREE_KEY, ItemPriceConfig, MAX_FREE_UNITS, MAX_USD, PER_KEY, PRICES,
    PriceConfig, PricedItem, TABLES, USD_KEY,
};
use super::time::unix_seconds;
use crate::config::effective::{Effective, Origin, SettingError, Source};
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The seconds of an hour. Prices change at full hours, since usage is aggregated by the hour.
const HOUR_SECONDS: u64 = 3600;

/// All versions, oldest first, and each price as `venna check` shows it.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    pub versions: Vec<PriceConfig>,
    pub effective: Vec<Effective>,
}

/// One `[[prices]]` table.
struct Version {
    from: String,
    from_origin: Origin,
    origin: Origin,
    config: PriceConfig,
    effective: Vec<Effective>,
}

/// The value of a key, and its position.
#[derive(Clone, Copy)]
struct Entry<'a> {
    key: &'a str,
    value: &'a DeValue<'a>,
    span: (usize, usize),
}

/// A number as written in the file, and times 10^18.
struct Decimal<'a> {
    text: &'a str,
    attos: u128,
}

/// Reads the `[[prices]]` tables of a file.
pub fn read(source: &Source<'_>, value: &DeValue<'_>, span: Range<usize>) -> Result<Prices, SettingError> {
    let DeValue::Array(tables) = value else {
        return Err(wrong(format!("{PRICES} = {}", shown(value)), source.origin(span), TABLES));
    };
    let mut last = None;
    let mut prices = Prices::default();
    for table in tables {
        let version = Version::read(source, table)?;
        if let Some(last) = &last {
            version.follows(last)?;
        }
        prices.versions.push(version.config.clone());
        prices.effective.extend(version.effective.iter().cloned());
        last = Some(version);
    }
    Ok(prices)
}

impl Version {
    fn read(source: &Source<'_>, table: &Spanned<DeValue<'_>>) -> Result<Self, SettingError> {
        let origin = source.origin(table.span());
        let DeValue::Table(entries) = table.get_ref() else {
            let what = format!("{} in {PRICES}", shown(table.get_ref()));
            return Err(wrong(what, origin, TABLES));
        };
        let from = required(entries, EFFECTIVE_FROM_KEY, TABLES, &origin, &expected_time())?;
        let (from_origin, (from, effective_from)) = (from.origin(source), effective_from(source, from)?);
        let currency = required(entries, CURRENCY_KEY, TABLES, &origin, &quoted(CURRENCY))?;
        if currency.value.as_str() != Some(CURRENCY) {
            return Err(currency.wrong(source, quoted(CURRENCY)));
        }
        let (mut items, mut effective) = (Vec::new(), Vec::new());
        for entry in self::entries(entries).filter(|entry| ![EFFECTIVE_FROM_KEY, CURRENCY_KEY].contains(&entry.key)) {
            let (item, shown) = item_price(source, entry)?;
            items.push(item);
            let value = Some(format!("{from} {} {shown}", entry.key));
            effective.push(Effective { name: PRICES, value, origin: entry.origin(source), set: None });
        }
        if items.is_empty() {
            return Err(wrong(format!("{TABLES} from {from} without a price"), origin, one_of_the_items()));
        }
        Ok(Self { from, from_origin, origin, config: PriceConfig { effective_from, items }, effective })
    }

    /// Checks that it begins after the previous version, and prices all its line items.
    fn follows(&self, last: &Self) -> Result<(), SettingError> {
        if self.config.effective_from <= last.config.effective_from {
            let expected =
                format!("a time after {}, from which on the table before it holds ({})", last.from, last.origin);
            return Err(wrong(format!("{EFFECTIVE_FROM_KEY} = {}", self.from), self.from_origin.clone(), expected));
        }
        let mut priced_before = last.config.items.iter();
        match priced_before.find(|before| !self.config.items.iter().any(|own| own.item == before.item)) {
            None => Ok(()),
            Some(ItemPriceConfig { item, per, .. }) => Err(wrong(
                format!("{TABLES} from {} without {:?}", self.from, item.key()),
                self.origin.clone(),
                format!(
                    "a price for all that the table before it prices ({}); {:?} = {{ {PER_KEY} = {:?}, {USD_KEY} = \"0\" }} \
                     makes it free",
                    last.origin,
                    item.key(),
                    per.word()
                ),
            )),
        }
    }
}

impl Entry<'_> {
    fn origin(&self, source: &Source<'_>) -> Origin {
        source.origin(self.span.0..self.span.1)
    }

    fn wrong(&self, source: &Source<'_>, expected: impl fmt::Display) -> SettingError {
        wrong(format!("{} = {}", self.key, shown(self.value)), self.origin(source), expected)
    }
}

/// Returns the time as written in the file, and in Unix seconds.
fn effective_from(source: &Source<'_>, entry: Entry<'_>) -> Result<(String, u64), SettingError> {
    let text = match entry.value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
        _ => None,
    };
    let read = text.and_then(|text| unix_seconds(&text).map(|seconds| (text, seconds)));
    let read = read.filter(|(_, seconds)| seconds.is_multiple_of(HOUR_SECONDS));
    read.ok_or_else(|| entry.wrong(source, expected_time()))
}

fn expected_time() -> String {
    "a full hour in UTC since 1970, for example \"2026-12-01T00:00:00Z\"".to_owned()
}

/// Returns one price of a table, and its text for people.
fn item_price(source: &Source<'_>, entry: Entry<'_>) -> Result<(ItemPriceConfig, String), SettingError> {
    let Some(item) = PricedItem::ALL.into_iter().find(|item| item.key() == entry.key) else {
        return Err(wrong(format!("{:?} in {TABLES}", entry.key), entry.origin(source), one_of_the_items()));
    };
    let words = item.units().iter().map(|unit| quoted(unit.word())).collect::<Vec<_>>().join(" or ");
    let DeValue::Table(entries) = entry.value else {
        return Err(entry.wrong(source, format!("{{ {PER_KEY} = {words}, {USD_KEY} = \"0.01\" }}")));
    };
    if let Some(unknown) = self::entries(entries).find(|own| ![PER_KEY, USD_KEY, FREE_KEY].contains(&own.key)) {
        let what = format!("{:?} in the price of {}", unknown.key, item.key());
        return Err(wrong(what, unknown.origin(source), format!("{PER_KEY}, {USD_KEY} or {FREE_KEY}")));
    }
    let (owner, origin) = (format!("the price of {}", item.key()), entry.origin(source));
    let per = required(entries, PER_KEY, &owner, &origin, &words)?;
    let unit = item.units().iter().find(|unit| per.value.as_str() == Some(unit.word()));
    let unit = *unit.ok_or_else(|| per.wrong(source, format!("{words} for {}", item.key())))?;
    let usd = decimal(source, required(entries, USD_KEY, &owner, &origin, &expected_decimal(MAX_USD))?, MAX_USD)?;
    let free = self::entry(entries, FREE_KEY).map(|free| decimal(source, free, MAX_FREE_UNITS)).transpose()?;
    let mut shown = format!("{} {CURRENCY} per {}", usd.text, unit.word());
    if let Some(free) = &free {
        shown.push_str(&format!(", {} free per month", free.text));
    }
    let free_atto_units = free.map_or(0, |free| free.attos);
    Ok((ItemPriceConfig { item, per: unit, atto_usd: usd.attos, free_atto_units }, shown))
}

fn decimal<'a>(source: &Source<'_>, entry: Entry<'a>, max: u64) -> Result<Decimal<'a>, SettingError> {
    let text = entry.value.as_str();
    let number = text.and_then(|text| Some(Decimal { text, attos: attos(text, max)? }));
    number.ok_or_else(|| entry.wrong(source, expected_decimal(max)))
}

fn expected_decimal(max: u64) -> String {
    format!("a decimal number in quotes from \"0\" to \"{max}\" with at most {DECIMALS} digits after the point")
}

fn entries<'a>(table: &'a DeTable<'_>) -> impl Iterator<Item = Entry<'a>> {
    table.iter().map(|(key, value)| {
        let span = key.span();
        Entry { key: key.get_ref(), value: value.get_ref(), span: (span.start, span.end) }
    })
}

fn entry<'a>(table: &'a DeTable<'_>, key: &str) -> Option<Entry<'a>> {
    entries(table).find(|entry| entry.key == key)
}

/// Returns a required entry of `owner`.
fn required<'a>(
    table: &'a DeTable<'_>,
    key: &str,
    owner: &str,
    origin: &Origin,
    expected: &str,
) -> Result<Entry<'a>, SettingError> {
    entry(table, key).ok_or_else(|| wrong(format!("{owner} without {key}"), origin.clone(), expected))
}

/// Formats a value as the end of a sentence.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Array(_) => "an array".to_owned(),
        other => format!("a {}", other.type_str()),
    }
}

fn one_of_the_items() -> String {
    format!("one of {}, in quotes", PricedItem::ALL.map(|item| quoted(item.key())).join(", "))
}

fn quoted(word: &str) -> String {
    format!("{word:?}")
}

fn wrong(what: impl Into<String>, origin: Origin, expected: impl fmt::Display) -> SettingError {
    SettingError::Price { what: what.into(), origin, expected: expected.to_string() }
}
