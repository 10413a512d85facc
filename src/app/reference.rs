//! The configuration values that the API reference shows.

use super::prices::line_item;
use crate::config::{Config, ItemPriceConfig, PriceUnit};
use crate::http::reference::{Facts, PriceLine};

/// Attos (10^-18) per one.
const ATTO: u128 = 1_000_000_000_000_000_000;
/// The number of decimal digits of an atto.
const ATTO_DIGITS: usize = 18;

/// Returns the facts of a server with the URL `url`.
pub fn facts(config: &Config, url: &str) -> Facts {
    let limits = &config.limits;
    let versions = config.prices.iter();
    let lines = versions.flat_map(|version| version.items.iter().map(|item| price_line(version.effective_from, item)));
    Facts {
        origin: url.to_owned(),
        max_file_bytes: limits.max_file_bytes,
        max_concurrent_uploads: limits.max_concurrent_uploads,
        max_project_uploads: limits.max_workspace_uploads,
        upload_ttl_seconds: config.files.upload_ttl.as_secs(),
        strict_jsonl: config.files.strict_jsonl,
        body_pace: (limits.body_min_bytes_per_second, limits.body_window.as_secs()),
        max_failed_logins_per_minute: limits.max_failed_logins_per_minute,
        prices: lines.collect(),
    }
}

fn price_line(effective_from: u64, price: &ItemPriceConfig) -> PriceLine {
    PriceLine {
        effective_from,
        line_item: line_item(price.item).name(),
        usd: decimal(price.atto_usd),
        per: match price.per {
            PriceUnit::GibibyteHours => "gibibyte_hours",
            PriceUnit::Gibibytes => "gibibytes",
            PriceUnit::Requests => "requests",
            PriceUnit::ThousandRequests => "thousand_requests",
        },
        free_per_month: decimal(price.free_atto_units),
    }
}

/// Formats a number of attos as the shortest decimal.
fn decimal(atto: u128) -> String {
    let (whole, fraction) = (atto / ATTO, atto % ATTO);
    let text = format!("{whole}.{fraction:0ATTO_DIGITS$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_and_short() {
        for (atto, text) in
            [(0, "0"), (ATTO, "1"), (90 * ATTO / 1000, "0.09"), (1, "0.000000000000000001"), (1200 * ATTO, "1200")]
        {
            assert_eq!(decimal(atto), text);
        }
    }
}
