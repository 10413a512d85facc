//! The `[[prices]]` tables of the configuration file.

mod decimal;
mod time;

use super::effective::{Effective, Origin, SettingError, Source};
use decimal::{DECIMALS, attos};
use std::fmt;
use std::ops::Range;
use time::unix_seconds;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The name of the tables.
pub(super) const PRICES: &str = "prices";
/// The name of the tables in error messages.
pub(super) const TABLES: &str = "[[prices]]";
/// The highest price of one unit, in US dollars.
const MAX_USD: u64 = 1000;
/// The largest monthly free allowance, in units.
const MAX_FREE_UNITS: u64 = 1_000_000_000_000_000;
/// The only currency.
const CURRENCY: &str = "usd";
/// The seconds of an hour. Prices change at full hours, since usage is aggregated by the hour.
const HOUR_SECONDS: u64 = 3600;
const EFFECTIVE_FROM_KEY: &str = "effective_from";
const CURRENCY_KEY: &str = "currency";
const PER_KEY: &str = "per";
const USD_KEY: &str = "usd";
const FREE_KEY: &str = "free_per_month";

/// The prices that apply from one second on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceConfig {
    /// The first Unix second at which they apply; later than that of the previous version.
    pub effective_from: u64,
    /// The priced line items: all of the previous version, and none twice.
    pub items: Vec<ItemPriceConfig>,
}

/// The price of one line item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemPriceConfig {
    /// The line item.
    pub item: PricedItem,
    /// The unit of the price.
    pub per: PriceUnit,
    /// The price, in 10^-18 US dollars; at most 1000 dollars.
    pub atto_usd: u128,
    /// The monthly free allowance, in 10^-18 of a unit; at most 10^15 units.
    pub free_atto_units: u128,
}

/// A line item that can have a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PricedItem {
    /// `files.storage`
    Storage,
    /// `files.ops.class_a`
    ClassA,
    /// `files.ops.class_b`
    ClassB,
    /// `files.ingress`
    Ingress,
    /// `files.egress`
    Egress,
}

/// The unit of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceUnit {
    /// 2^30 bytes for an hour.
    GibibyteHours,
    /// 2^30 bytes.
    Gibibytes,
    /// One request.
    Requests,
    /// A thousand requests.
    ThousandRequests,
}

impl PricedItem {
    const ALL: [Self; 5] = [Self::Storage, Self::ClassA, Self::ClassB, Self::Ingress, Self::Egress];

    const fn key(self) -> &'static str {
        match self {
            Self::Storage => "files.storage",
            Self::ClassA => "files.ops.class_a",
            Self::ClassB => "files.ops.class_b",
            Self::Ingress => "files.ingress",
            Self::Egress => "files.egress",
        }
    }

    const fn units(self) -> &'static [PriceUnit] {
        match self {
            Self::Storage => &[PriceUnit::GibibyteHours],
            Self::ClassA | Self::ClassB => &[PriceUnit::ThousandRequests, PriceUnit::Requests],
            Self::Ingress | Self::Egress => &[PriceUnit::Gibibytes],
        }
    }
}

impl PriceUnit {
    const fn word(self) -> &'static str {
        match self {
            Self::GibibyteHours => "gibibyte_hours",
            Self::Gibibytes => "gibibytes",
            Self::Requests => "requests",
            Self::ThousandRequests => "1000_requests",
        }
    }
}

/// All versions, oldest first, and each price as `venna check` shows it.
#[derive(Debug, Default)]
pub(super) struct Prices {
    pub(super) versions: Vec<PriceConfig>,
    pub(super) effective: Vec<Effective>,
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
pub(super) fn read(source: &Source<'_>, value: &DeValue<'_>, span: Range<usize>) -> Result<Prices, SettingError> {
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
            effective.push(Effective { name: PRICES, value, origin: entry.origin(source) });
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

/// Returns the section of `docs/config.md`.
pub(super) fn reference() -> String {
    let mut section = format!(
        "\n## Prices\n\nWhat usage costs stands in the file only, after all settings, as `{TABLES}` tables, one for each time from which on prices hold. \
         Without any, all costs are 0.\n\n```toml\n{SAMPLE}```\n\n\
         - `{EFFECTIVE_FROM_KEY}`: the first second, RFC 3339 in UTC. Tables stand in order of time, no two at one time. Earlier usage \
         keeps its price; before the first table everything is free.\n\
         - `{CURRENCY_KEY}`: `\"{CURRENCY}\"`.\n\
         - A line item, in quotes: `{PER_KEY}` its unit, `{USD_KEY}` the price of one, from 0 to {MAX_USD}; `{FREE_KEY}` how many \
         cost nothing in each calendar month (UTC), from 0 to {MAX_FREE_UNITS}, none when not set. Numbers are decimal, in \
         quotes, with at most {DECIMALS} digits after the point, and are taken exactly; an allowance that ends within a byte, a \
         byte-second or a request is raised to a whole one.\n\
         - A table names every line item that the one before it names; a price of `\"0\"` makes one free.\n\
         - The allowance of a month is used up in order of time. Where prices change within a month, what was used before counts \
         against the new allowance.\n\n\
         | line item | what is counted | units |\n|---|---|---|\n"
    );
    for item in PricedItem::ALL {
        let counted = match item {
            PricedItem::Storage => "bytes kept, over time",
            PricedItem::ClassA => "requests that create, complete or list",
            PricedItem::ClassB => "requests that retrieve or read content",
            PricedItem::Ingress => "bytes of content that are committed",
            PricedItem::Egress => "bytes of content that are read",
        };
        let units = item.units().iter().map(|unit| format!("`{}`", unit.word())).collect::<Vec<_>>().join(", ");
        section.push_str(&format!("| `{}` | {counted} | {units} |\n", item.key()));
    }
    section
}

/// The sample of the section.
const SAMPLE: &str = r#"[[prices]]
effective_from = "2026-12-01T00:00:00Z"
currency = "usd"
"files.storage"     = { per = "gibibyte_hours", usd = "0.0000222", free_per_month = "744" }
"files.ops.class_a" = { per = "1000_requests",  usd = "0.0045" }
"files.egress"      = { per = "gibibytes",      usd = "0.02", free_per_month = "10" }
"#;

#[cfg(test)]
mod tests {
    use super::super::tests::file_of;
    use super::super::{Config, Layers};
    use super::*;

    fn resolve(text: &str) -> Result<(Vec<PriceConfig>, Vec<String>), String> {
        let file = file_of(text);
        let layers = Layers { file: Some(file.path().to_owned()), ..Layers::default() };
        let (config, effective) = Config::resolve(&layers).map_err(|error| error.to_string())?;
        let rows = effective.into_iter().filter(|effective| effective.name == PRICES);
        let row = |row: Effective| match row.origin {
            Origin::File(_, line) => format!("{line}: {}", row.value.unwrap_or_default()),
            other => other.to_string(),
        };
        Ok((config.prices, rows.map(row).collect()))
    }

    /// A table with these lines after a good head of three.
    fn table(lines: &str) -> String {
        format!("[[prices]]\neffective_from = \"2026-12-01T00:00:00Z\"\ncurrency = \"usd\"\n{lines}\n")
    }

    #[test]
    fn the_sample_is_read_exactly() {
        let (prices, rows) = resolve(&format!("log_level = \"warn\"\n\n{SAMPLE}")).unwrap();
        let one = 1_000_000_000_000_000_000;
        let price = |item, per, atto_usd, free| ItemPriceConfig { item, per, atto_usd, free_atto_units: free * one };
        let mut items = prices[0].items.clone();
        items.sort_by_key(|item| item.item.key());
        assert_eq!((prices.len(), prices[0].effective_from), (1, 1_796_083_200));
        assert_eq!(
            items,
            [
                price(PricedItem::Egress, PriceUnit::Gibibytes, one / 50, 10),
                price(PricedItem::ClassA, PriceUnit::ThousandRequests, 4_500_000_000_000_000, 0),
                price(PricedItem::Storage, PriceUnit::GibibyteHours, 22_200_000_000_000, 744),
            ]
        );
        let mut rows = rows;
        rows.sort();
        assert_eq!(
            rows,
            [
                "6: 2026-12-01T00:00:00Z files.storage 0.0000222 usd per gibibyte_hours, 744 free per month",
                "7: 2026-12-01T00:00:00Z files.ops.class_a 0.0045 usd per 1000_requests",
                "8: 2026-12-01T00:00:00Z files.egress 0.02 usd per gibibytes, 10 free per month",
            ]
        );
    }

    #[test]
    fn without_tables_there_are_no_prices() {
        assert_eq!(resolve("log_level = \"warn\"\n").unwrap(), (vec![], vec![]));
    }

    #[test]
    fn later_tables_price_at_least_as_much() {
        let later = "[[prices]]\neffective_from = 2027-01-01T01:00:00Z\ncurrency = \"usd\"\n\
                     \"files.egress\" = { per = \"gibibytes\", usd = \"0\" }\n\
                     \"files.ops.class_b\" = { per = \"requests\", usd = \"0.1\" }\n";
        let first = table("\"files.egress\" = { per = \"gibibytes\", usd = \"1\" }");
        let (prices, rows) = resolve(&format!("{first}{later}")).unwrap();
        assert_eq!(
            prices.iter().map(|version| version.effective_from).collect::<Vec<_>>(),
            [1_796_083_200, 1_798_765_200]
        );
        assert_eq!(rows[1], "8: 2027-01-01T01:00:00Z files.egress 0 usd per gibibytes");
        for from in ["2026-12-01T00:00:00Z", "2026-11-30T23:00:00Z"] {
            let message = resolve(&format!("{first}{}", later.replace("2027-01-01T01:00:00Z", from))).unwrap_err();
            assert!(message.contains(&format!("effective_from = {from} (")) && message.contains(":6)"), "{message}");
            assert!(message.contains("a time after 2026-12-01T00:00:00Z") && message.contains(":1)"), "{message}");
        }
        let message = resolve(&format!("{first}{}", later.replace("files.egress", "files.ingress"))).unwrap_err();
        for part in
            ["without \"files.egress\"", ":5)", ":1)", "\"files.egress\" = { per = \"gibibytes\", usd = \"0\" }"]
        {
            assert!(message.contains(part), "{message} names {part}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let price = |text: &str| table(&format!("\n\"files.egress\" = {{ {text} }}"));
        let head = |text: &str| format!("{text}\n\"files.egress\" = {{ per = \"gibibytes\", usd = \"1\" }}\n");
        for (text, line, parts) in [
            (
                table("\"files.disk\" = { per = \"gibibyte_hours\", usd = \"1\" }"),
                4,
                &["files.disk", "\"files.storage\""][..],
            ),
            (table("files.egress = { per = \"gibibytes\", usd = \"1\" }"), 4, &["\"files\"", "in quotes"]),
            (table("until = \"2027-01-01T00:00:00Z\""), 4, &["\"until\" in [[prices]]"]),
            (table("\"files.egress\" = \"1\""), 4, &["files.egress = \"1\"", "{ per = \"gibibytes\", usd ="]),
            (table(""), 1, &["without a price", "\"files.egress\""]),
            (price("usd = \"1\""), 5, &["files.egress without per", "\"gibibytes\""]),
            (price("per = \"gibibytes\""), 5, &["files.egress without usd", "a decimal number in quotes"]),
            (price("per = \"gibibytes\", usd = \"1\", free = \"1\""), 5, &["\"free\" in the price", "free_per_month"]),
            (
                price("per = \"gibibyte_hours\", usd = \"1\""),
                5,
                &["per = \"gibibyte_hours\"", "\"gibibytes\" for files.egress"],
            ),
            (price("per = 1, usd = \"1\""), 5, &["per = 1", "\"gibibytes\""]),
            (price("per = \"gibibytes\", usd = \"-1\""), 5, &["usd = \"-1\"", "from \"0\" to \"1000\""]),
            (price("per = \"gibibytes\", usd = 0.5"), 5, &["usd = 0.5", "in quotes"]),
            (price("per = \"gibibytes\", usd = \"1\", free_per_month = \"1e3\""), 5, &["free_per_month = \"1e3\""]),
            (price("per = \"gibibytes\", usd = \"1\", free_per_month = 1"), 5, &["free_per_month = 1 ", "in quotes"]),
            (head("\n[[prices]]\ncurrency = \"usd\""), 2, &["without effective_from", "2026-12-01T00:00:00Z"]),
            (head("\n[[prices]]\neffective_from = \"2026-12-01T00:00:00Z\""), 2, &["without currency", "\"usd\""]),
            (head("[[prices]]\neffective_from = 1"), 2, &["effective_from = 1", "2026-12-01T00:00:00Z"]),
            (table("").replace("usd", "eur"), 3, &["currency = \"eur\"", "\"usd\""]),
            ("\nprices = 1\n".to_owned(), 2, &["prices = 1 ", "[[prices]]"]),
            ("\n[prices]\ncurrency = \"usd\"\n".to_owned(), 2, &["prices = a table", "[[prices]]"]),
            ("prices = [\n 1 ]\n".to_owned(), 2, &["1 in prices", "[[prices]]"]),
            ("\nprice = 1\n".to_owned(), 2, &["\"price\"", "[[prices]]"]),
        ] {
            let message = resolve(&text).unwrap_err();
            for part in parts {
                assert!(message.contains(part), "{text}: {message} names {part}");
            }
            assert!(message.contains(&format!(":{line})")), "{text}: {message} names line {line}");
        }
    }
}
