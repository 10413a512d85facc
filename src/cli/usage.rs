//! `venna usage`.

use super::settings::StoreSettings;
use super::{date, output, quantity, usage_export, workspaces};
use crate::app::{Installation, price_list};
use crate::clock::Clock;
use crate::model::ids::WorkspaceId;
use crate::model::prices::{LineItem, NanoUsd};
use crate::model::usage::Dimensions;
use crate::usage::{Bucket, BucketWidth, CostBucket, CostDimensions, CostGroup, Usage, UsageWindow};
use anyhow::{Result, bail};
use arc_swap::ArcSwap;
use clap::ValueEnum;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

/// The default number of days.
const DEFAULT_DAYS: u64 = 30;
/// The maximum number of days.
const MAX_DAYS: u64 = 3660;
/// The width of a full bar of the chart, in columns.
const BAR_COLUMNS: usize = 40;

/// Shows the bill, with the server running or stopped: daily usage in UTC, and its cost.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct UsageCommand {
    #[command(subcommand)]
    part: Option<Part>,
    /// Only this workspace, by name or id.
    #[arg(long, value_name = "NAME_OR_ID")]
    workspace: Option<String>,
    /// The first day, by a time such as `yesterday`, `7d` or `2026-12-01T08:00:00Z`; by default thirty days ago.
    #[arg(long, value_name = "TIME", value_parser = date::parse)]
    from: Option<u64>,
    /// The end, by a time; by default now.
    #[arg(long, value_name = "TIME", value_parser = date::parse)]
    to: Option<u64>,
    /// The output format.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Prints JSON, like `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Rebuilds the usage cache first, where `venna fsck` finds it wrong.
    #[arg(long)]
    rebuild: bool,
    #[command(flatten)]
    settings: StoreSettings,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Shows the progress of the usage export, with the server running or stopped.
    Export(usage_export::UsageExport),
}

/// An output format of the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for people, with a chart of stored bytes.
    Table,
    /// JSON for programs.
    Json,
    /// Comma-separated values for spreadsheets, with the columns of FOCUS.
    Csv,
}

/// A line of the bill: a line item of a workspace on a day.
#[derive(Debug, Serialize)]
struct Row {
    day: String,
    start_time: u64,
    end_time: u64,
    workspace_id: Option<String>,
    line_item: &'static str,
    /// Text, since it may exceed the numbers of JavaScript.
    quantity: String,
    quantity_unit: &'static str,
    /// Exact dollars.
    cost_usd: String,
    #[serde(skip)]
    cost: NanoUsd,
}

impl UsageCommand {
    pub async fn run(&self) -> Result<()> {
        if let Some(Part::Export(export)) = &self.part {
            return export.run().await;
        }
        let config = self.settings.resolve()?;
        let installation = Installation::open_existing(&config.stores, Clock::system()).await?;
        let usage =
            Usage { prices: Arc::new(ArcSwap::from_pointee(price_list(&config)?)), ..installation.usage.clone() };
        if self.rebuild {
            let rows = usage.rebuild().await?;
            eprintln!("{} of the ledger taken into the cache anew", quantity::counted(rows as u64, "row", "rows"));
        }
        let only = match &self.workspace {
            Some(name) => Some(workspaces::find(&installation, name).await?.id),
            None => None,
        };
        let window = self.window(usage.clock.now_seconds(), only)?;
        let by = CostDimensions { workspace: true, key: false, item: true };
        let rows = rows(&usage.costs(window.clone(), None, by).await?);
        match if self.json { Format::Json } else { self.format } {
            Format::Json => output::list(&rows, true, &[], |_| Vec::new()),
            Format::Csv => Ok(io::stdout().write_all(focus(&rows).as_bytes())?),
            Format::Table => {
                let names = installation.workspaces.list_all().await?;
                let names = names.into_iter().map(|known| (known.id.to_string(), known.name)).collect();
                show(&rows, &names, &usage.buckets(window).await?)
            }
        }
    }

    /// Returns a window of whole days.
    fn window(&self, now: u64, only: Option<WorkspaceId>) -> Result<UsageWindow> {
        let day = BucketWidth::Day.seconds();
        let to = self.to.unwrap_or(now);
        let from = self.from.unwrap_or_else(|| to.saturating_sub(DEFAULT_DAYS * day));
        if from >= to {
            bail!("--from must be earlier than --to");
        }
        let (start, end) = (from - from % day, to.next_multiple_of(day));
        if (end - start) / day > MAX_DAYS {
            bail!("at most {MAX_DAYS} days can be shown");
        }
        let workspaces = only.map(|id| vec![id]);
        Ok(UsageWindow { start, end, width: BucketWidth::Day, workspaces, keys: None, by: Dimensions::default() })
    }
}

fn rows(buckets: &[CostBucket]) -> Vec<Row> {
    let row = |bucket: &CostBucket, group: &CostGroup, quantity: i128, cost: NanoUsd| {
        let item = group.item.unwrap_or(LineItem::Storage);
        Row {
            day: output::day(bucket.start),
            start_time: bucket.start,
            end_time: bucket.end,
            workspace_id: group.workspace.map(|id| id.to_string()),
            line_item: item.name(),
            quantity: quantity.to_string(),
            quantity_unit: item.quantity_unit(),
            cost_usd: cost.to_string(),
            cost,
        }
    };
    let of = |bucket: &CostBucket| -> Vec<Row> {
        bucket.groups.iter().map(|(group, cost)| row(bucket, group, cost.quantity, cost.amount)).collect()
    };
    buckets.iter().flat_map(of).collect()
}

/// Prints a table of the sums that are not zero, and a chart of stored bytes by day.
fn show(rows: &[Row], names: &HashMap<String, String>, buckets: &[Bucket]) -> Result<()> {
    let mut out = io::stdout();
    let table = sums(rows).into_iter().map(|((workspace, item, unit), (quantity, cost))| {
        let workspace = names.get(workspace).map_or(workspace, String::as_str).to_owned();
        vec![workspace, item.to_owned(), quantity::of_item(quantity, unit), cost.to_string()]
    });
    writeln!(out, "{}", output::table(&["WORKSPACE", "LINE ITEM", "QUANTITY", "USD"], table))?;
    let days = buckets.iter().map(|bucket| (bucket.start, mean_bytes(bucket)));
    let days: Vec<(u64, i128)> = days.skip_while(|(_, bytes)| *bytes == 0).collect();
    let most = days.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default();
    if most > 0 {
        writeln!(out, "\nstored bytes by day, on average")?;
        for (start, bytes) in days {
            let columns = usize::try_from(bytes * BAR_COLUMNS as i128 / most).unwrap_or_default();
            writeln!(out, "{}  {:<BAR_COLUMNS$}  {}", output::day(start), "#".repeat(columns), quantity::bytes(bytes))?;
        }
    }
    Ok(())
}

/// Returns the sums by workspace, line item and unit that are not zero.
fn sums(rows: &[Row]) -> BTreeMap<(&str, &str, &str), (i128, NanoUsd)> {
    let mut sums: BTreeMap<(&str, &str, &str), (i128, NanoUsd)> = BTreeMap::new();
    for row in rows {
        let name = (row.workspace_id.as_deref().unwrap_or_default(), row.line_item, row.quantity_unit);
        let sum = sums.entry(name).or_default();
        sum.0 += row.quantity.parse::<i128>().unwrap_or_default();
        sum.1 = sum.1 + row.cost;
    }
    sums.retain(|_, (quantity, cost)| *quantity != 0 || *cost != NanoUsd::default());
    sums
}

fn mean_bytes(bucket: &Bucket) -> i128 {
    let byte_seconds: i128 = bucket.groups.iter().map(|(_, used)| used.byte_seconds).sum();
    byte_seconds.checked_div(i128::from(bucket.elapsed_seconds)).unwrap_or_default()
}

/// Formats comma-separated values with the columns of FOCUS 1.0, the open specification of cost and usage.
fn focus(rows: &[Row]) -> String {
    let mut text = String::from(
        "ChargePeriodStart,ChargePeriodEnd,BillingCurrency,BilledCost,EffectiveCost,ChargeCategory,ProviderName,\
         ServiceName,SubAccountId,SkuId,ConsumedQuantity,ConsumedUnit\r\n",
    );
    for row in rows {
        let account = row.workspace_id.as_deref().unwrap_or_default();
        text.push_str(&format!(
            "{}T00:00:00Z,{}T00:00:00Z,USD,{cost},{cost},Usage,Venna,Files,{account},{},{},{}\r\n",
            row.day,
            output::day(row.end_time),
            row.line_item,
            row.quantity,
            row.quantity_unit,
            cost = row.cost_usd,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(item: LineItem, quantity: i128, cost: i128) -> Row {
        Row {
            day: String::new(),
            start_time: 0,
            end_time: 0,
            workspace_id: None,
            line_item: item.name(),
            quantity: quantity.to_string(),
            quantity_unit: item.quantity_unit(),
            cost_usd: String::new(),
            cost: NanoUsd(cost),
        }
    }

    #[test]
    fn what_adds_up_to_nothing_is_left_out() {
        let rows = [
            row(LineItem::Ingress, 5, 1),
            row(LineItem::Ingress, 2, 1),
            row(LineItem::Egress, 5, 0),
            row(LineItem::Egress, -5, 0),
            row(LineItem::ClassA, 0, 7),
        ];
        let sums = sums(&rows);
        let items: Vec<_> = sums.iter().map(|((_, item, _), (quantity, cost))| (*item, *quantity, cost.0)).collect();
        assert_eq!(items, [("files.ingress", 7, 2), ("files.ops.class_a", 0, 7)]);
    }
}
