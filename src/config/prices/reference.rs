//! The section on prices of `docs/config.md`.

use super::decimal::DECIMALS;
use super::price::{
    CURRENCY, CURRENCY_KEY, EFFECTIVE_FROM_KEY, FREE_KEY, MAX_FREE_UNITS, MAX_USD, PER_KEY, PricedItem, TABLES, USD_KEY,
};

/// Returns the section of `docs/config.md`.
pub fn reference() -> String {
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
pub const SAMPLE: &str = r#"[[prices]]
effective_from = "2026-12-01T00:00:00Z"
currency = "usd"
"files.storage"     = { per = "gibibyte_hours", usd = "0.0000222", free_per_month = "744" }
"files.ops.class_a" = { per = "1000_requests",  usd = "0.0045" }
"files.egress"      = { per = "gibibytes",      usd = "0.02", free_per_month = "10" }
"#;
