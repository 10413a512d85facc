//! The `[[prices]]` tables of the configuration file.

mod decimal;
mod price;
mod read;
mod reference;
mod time;

pub use price::{ItemPriceConfig, PriceConfig, PriceUnit, PricedItem};
pub(super) use price::{PRICES, TABLES};
pub(super) use read::{Prices, read};
pub(super) use reference::reference;

#[cfg(test)]
mod tests {
    use super::super::effective::{Effective, Origin};
    use super::super::tests::file_of;
    use super::super::{Config, Layers};
    use super::reference::SAMPLE;
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
