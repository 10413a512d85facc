//! Costs: usage at the prices of its time, in daily buckets that add up exactly to the month.

use super::{BucketWidth, Usage, UsageWindow};
use crate::metadata::MetadataError;
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::prices::{LineItem, Meter, Month, NanoUsd, PriceList};
use crate::model::usage::{BucketUsage, Dimensions, Group, Series, SlotWidth, UsageQuery};
use std::collections::BTreeMap;

/// The seconds of an hour. Prices change at full hours only.
const HOUR_SECONDS: usize = 3600;

/// The dimensions to group costs by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostDimensions {
    /// Groups by workspace.
    pub workspace: bool,
    /// Groups by key.
    pub key: bool,
    /// Groups by line item.
    pub item: bool,
}

/// The values of the grouped dimensions; none for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CostGroup {
    /// The workspace.
    pub workspace: Option<WorkspaceId>,
    /// The key.
    pub key: Option<KeyId>,
    /// The line item.
    pub item: Option<LineItem>,
}

/// A cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The amount.
    pub amount: NanoUsd,
    /// The quantity, with corrections; meaningless for several line items together.
    pub quantity: i128,
}

/// The costs of a day, in UTC.
#[derive(Clone, Debug, Default)]
pub struct CostBucket {
    /// Its first Unix second.
    pub start: u64,
    /// The Unix second after its last.
    pub end: u64,
    /// The costs by group.
    pub groups: BTreeMap<CostGroup, Cost>,
}

impl Usage {
    /// Returns the costs of the days of a window, in order. Free allowances are used month by month in the order of
    /// time, by all keys of a workspace together, whichever keys are queried.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn costs(
        &self,
        window: UsageWindow,
        items: Option<Vec<LineItem>>,
        by: CostDimensions,
    ) -> Result<Vec<CostBucket>, MetadataError> {
        let now = self.clock.now_seconds();
        let begin = Month::of(window.start).start();
        let query = UsageQuery {
            start: begin,
            end: window.end,
            width: SlotWidth::Hour,
            workspaces: window.workspaces.clone(),
            keys: None,
            by: Dimensions { workspace: true, key: by.key || window.keys.is_some(), purpose: false },
        };
        let day = BucketWidth::Day.seconds();
        let step = usize::try_from(day).unwrap_or(usize::MAX);
        let mut buckets: Vec<CostBucket> = (window.start..window.end)
            .step_by(step)
            .map(|start| CostBucket { start, end: start + day, groups: BTreeMap::new() })
            .collect();
        let hours: Vec<(u64, u64)> =
            (begin..window.end).step_by(HOUR_SECONDS).map(|start| (start, start + SlotWidth::Hour.seconds())).collect();
        let is_wanted = |item: &LineItem| items.as_ref().is_none_or(|items| items.contains(item));
        let (days, prices) = (Days { window: &window, by }, self.prices.load_full());
        self.usage_by_pages(query, |page| {
            for (workspace, keys) in by_workspace(page) {
                let cut = |(key, series): (_, Series)| (key, series.buckets(&hours, SlotWidth::Hour, now));
                let keys: Vec<(Option<KeyId>, Vec<BucketUsage>)> = keys.into_iter().map(cut).collect();
                for item in LineItem::ALL.into_iter().filter(is_wanted) {
                    days.add(&mut buckets, workspace, item, charge(&prices, item, &hours, &keys));
                }
            }
        })
        .await?;
        Ok(buckets)
    }
}

/// The parameters of a cost query.
struct Days<'a> {
    window: &'a UsageWindow,
    by: CostDimensions,
}

impl Days<'_> {
    /// Adds the charges of a workspace and line item to the days of the window.
    fn add(
        &self,
        buckets: &mut [CostBucket],
        workspace: Option<WorkspaceId>,
        item: LineItem,
        charged: Vec<(u64, Option<KeyId>, Cost)>,
    ) {
        let Self { window, by } = self;
        for (hour, key, cost) in charged {
            let wanted = hour >= window.start
                && window.keys.as_ref().is_none_or(|keys| key.is_some_and(|key| keys.contains(&key)));
            let day = hour.saturating_sub(window.start) / BucketWidth::Day.seconds();
            let place = usize::try_from(day).unwrap_or(usize::MAX);
            let Some(bucket) = buckets.get_mut(place).filter(|_| wanted) else { continue };
            let group = CostGroup {
                workspace: workspace.filter(|_| by.workspace),
                key: key.filter(|_| by.key),
                item: Some(item).filter(|_| by.item),
            };
            let sum = bucket.groups.entry(group).or_default();
            sum.amount = sum.amount + cost.amount;
            sum.quantity += cost.quantity;
        }
    }
}

type Keys = BTreeMap<Option<KeyId>, Series>;

fn by_workspace(usage: BTreeMap<Group, Series>) -> BTreeMap<Option<WorkspaceId>, Keys> {
    let mut workspaces: BTreeMap<Option<WorkspaceId>, Keys> = BTreeMap::new();
    for (group, series) in usage {
        workspaces.entry(group.workspace).or_default().insert(group.key, series);
    }
    workspaces
}

/// Returns usage and cost of a line item by hour and key.
fn charge(
    prices: &PriceList,
    item: LineItem,
    hours: &[(u64, u64)],
    keys: &[(Option<KeyId>, Vec<BucketUsage>)],
) -> Vec<(u64, Option<KeyId>, Cost)> {
    let (mut meter, mut charged) = (Meter::new(prices, item), Vec::new());
    for (place, (hour, _)) in hours.iter().enumerate() {
        for (key, used) in keys {
            let quantity = used.get(place).map(|used| used.quantity(item)).unwrap_or_default();
            let amount = meter.charge(*hour, quantity);
            if quantity != 0 {
                charged.push((*hour, *key, Cost { amount, quantity }));
            }
        }
    }
    charged
}
