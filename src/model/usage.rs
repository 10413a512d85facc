//! Usage: the ledger, aggregated over time (docs/design/billing.md, sections 1 to 3). Integers only.

use super::ids::{KeyId, WorkspaceId};
use super::prices::LineItem;
use super::purpose::Purpose;
use std::collections::BTreeMap;

/// The width of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotWidth {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl SlotWidth {
    /// Returns the width in seconds.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }
}

/// A query of usage.
#[derive(Clone, Debug)]
pub struct UsageQuery {
    /// The first Unix second; a multiple of the width.
    pub start: u64,
    /// The Unix second after the last; a multiple of the width.
    pub end: u64,
    /// The width of the slots.
    pub width: SlotWidth,
    /// The workspaces to include.
    pub workspaces: Option<Vec<WorkspaceId>>,
    /// The keys to include.
    pub keys: Option<Vec<KeyId>>,
    /// The dimensions to group by.
    pub by: Dimensions,
}

impl UsageQuery {
    /// Returns the only workspace of the query; none for several.
    #[must_use]
    pub fn only_workspace(&self) -> Option<WorkspaceId> {
        match self.workspaces.as_deref() {
            Some([only]) => Some(*only),
            _ => None,
        }
    }
}

/// The dimensions of a grouping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dimensions {
    /// Groups by workspace.
    pub workspace: bool,
    /// Groups by key.
    pub key: bool,
    /// Groups by purpose.
    pub purpose: bool,
}

/// The values of the grouped dimensions. Values that are not grouped by, or unknown, are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The workspace.
    pub workspace: Option<WorkspaceId>,
    /// The key.
    pub key: Option<KeyId>,
    /// The name of the purpose.
    pub purpose: Option<&'static str>,
}

impl Group {
    /// Returns the group of these values.
    #[must_use]
    pub fn of(workspace: Option<WorkspaceId>, key: Option<KeyId>, purpose: Option<Purpose>) -> Self {
        Self { workspace, key, purpose: purpose.map(Purpose::name) }
    }
}

/// The usage in one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// The change of stored bytes.
    pub delta_bytes: i128,
    /// The change of the number of Files.
    pub delta_files: i128,
    /// The byte-seconds of these changes until the end of the slot, with corrections.
    pub byte_seconds: i128,
    /// Requests of class A.
    pub ops_class_a: i128,
    /// Requests of class B.
    pub ops_class_b: i128,
    /// Bytes received.
    pub ingress_bytes: i128,
    /// Bytes sent.
    pub egress_bytes: i128,
}

impl Slot {
    /// Adds usage of the same slot.
    pub fn add(&mut self, other: Self) {
        self.delta_bytes += other.delta_bytes;
        self.delta_files += other.delta_files;
        self.byte_seconds += other.byte_seconds;
        self.ops_class_a += other.ops_class_a;
        self.ops_class_b += other.ops_class_b;
        self.ingress_bytes += other.ingress_bytes;
        self.egress_bytes += other.egress_bytes;
    }

    /// Adds a correction.
    pub const fn adjust(&mut self, item: LineItem, quantity: i64) {
        let figure = match item {
            LineItem::Storage => &mut self.byte_seconds,
            LineItem::ClassA => &mut self.ops_class_a,
            LineItem::ClassB => &mut self.ops_class_b,
            LineItem::Ingress => &mut self.ingress_bytes,
            LineItem::Egress => &mut self.egress_bytes,
        };
        *figure += quantity as i128;
    }
}

/// The usage of a group, by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// The bytes stored at the start of the window.
    pub opening_bytes: i128,
    /// The number of Files at the start of the window.
    pub opening_files: i128,
    /// The slots with usage, by their first second.
    pub slots: BTreeMap<u64, Slot>,
}

/// The usage of all groups.
pub type UsageByGroup = BTreeMap<Group, Series>;

/// The usage of a group in a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketUsage {
    /// The byte-seconds stored until now.
    pub byte_seconds: i128,
    /// The maximum of stored bytes, at the bucket's start and the slots' ends.
    pub peak_bytes: i128,
    /// The bytes stored at its end.
    pub end_bytes: i128,
    /// The number of Files at its end.
    pub end_files: i128,
    /// The other usage.
    pub happened: Slot,
}

impl BucketUsage {
    /// Returns the quantity of a line item, in its smallest unit. Corrections may make it negative.
    #[must_use]
    pub const fn quantity(&self, item: LineItem) -> i128 {
        match item {
            LineItem::Storage => self.byte_seconds,
            LineItem::ClassA => self.happened.ops_class_a,
            LineItem::ClassB => self.happened.ops_class_b,
            LineItem::Ingress => self.happened.ingress_bytes,
            LineItem::Egress => self.happened.egress_bytes,
        }
    }

    /// Returns whether the bucket has no usage. Files that ended in its first second do not count.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let Slot { ops_class_a, ops_class_b, ingress_bytes, egress_bytes, .. } = self.happened;
        let counted = [self.byte_seconds, self.end_files, ops_class_a, ops_class_b, ingress_bytes, egress_bytes];
        counted.iter().all(|figure| *figure == 0)
    }
}

impl Series {
    /// Returns the usage between the bounds of buckets, in order. Bounds are multiples of the width, and time after
    /// `now` has no usage yet.
    #[must_use]
    pub fn buckets(&self, bounds: &[(u64, u64)], width: SlotWidth, now: u64) -> Vec<BucketUsage> {
        let (mut level_bytes, mut level_files) = (self.opening_bytes, self.opening_files);
        let mut buckets = Vec::with_capacity(bounds.len());
        for (start, end) in bounds {
            let mut bucket = BucketUsage { peak_bytes: level_bytes, ..BucketUsage::default() };
            let mut from = *start;
            for (slot_start, slot) in self.slots.range(*start..*end) {
                let slot_end = slot_start + width.seconds();
                let until = slot_end.min(now).max(*slot_start);
                bucket.byte_seconds += level_bytes * passed(from, until, now) + slot.byte_seconds;
                // Changes count until the end of the slot, which may lie in the future.
                bucket.byte_seconds -= slot.delta_bytes * i128::from(slot_end - until);
                level_bytes += slot.delta_bytes;
                level_files += slot.delta_files;
                bucket.peak_bytes = bucket.peak_bytes.max(level_bytes);
                bucket.happened.add(*slot);
                from = until;
            }
            bucket.byte_seconds += level_bytes * passed(from, *end, now);
            (bucket.end_bytes, bucket.end_files) = (level_bytes, level_files);
            buckets.push(bucket);
        }
        buckets
    }
}

/// Returns the seconds of the interval that have passed.
fn passed(from: u64, until: u64, now: u64) -> i128 {
    i128::from(until.min(now).saturating_sub(from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A File from one second to another.
    type Life = (u64, u64, u64);

    fn series(lives: &[Life], start: u64, width: SlotWidth, now: u64) -> Series {
        let mut series = Series::default();
        let changes = lives
            .iter()
            .flat_map(|(from, until, bytes)| [(*from, i128::from(*bytes), 1), (*until, -i128::from(*bytes), -1)]);
        for (ts, bytes, files) in changes.filter(|(ts, ..)| *ts <= now) {
            if ts < start {
                series.opening_bytes += bytes;
                series.opening_files += files;
                continue;
            }
            let slot_start = ts - ts % width.seconds();
            let left = i128::from(slot_start + width.seconds() - ts);
            let change = Slot { delta_bytes: bytes, delta_files: files, byte_seconds: bytes * left, ..Slot::default() };
            series.slots.entry(slot_start).or_default().add(change);
        }
        series
    }

    /// Second by second.
    fn brute_force(lives: &[Life], start: u64, end: u64, now: u64) -> i128 {
        let live = |second: u64| lives.iter().filter(move |(from, until, _)| (*from..*until).contains(&second));
        (start..end.min(now)).map(|second| live(second).map(|(.., bytes)| i128::from(*bytes)).sum::<i128>()).sum()
    }

    fn cut(start: u64, end: u64, width: u64) -> Vec<(u64, u64)> {
        (start..end).step_by(usize::try_from(width).unwrap()).map(|from| (from, from + width)).collect()
    }

    proptest! {
        #[test]
        fn minutes_hours_and_brute_force_agree(
            lives in prop::collection::vec((0_u64..20_000, 0_u64..9000, 0_u64..1000), 0..30),
            first_hour in 0_u64..3, hours in 1_u64..4, now in 0_u64..25_000,
        ) {
            let lives: Vec<Life> = lives.into_iter().map(|(from, length, bytes)| (from, from + length, bytes)).collect();
            let (start, end) = (first_hour * 3600, (first_hour + hours) * 3600);
            let by = |width: SlotWidth, bucket: u64| {
                series(&lives, start, width, now).buckets(&cut(start, end, bucket), width, now)
            };
            let sum = |buckets: &[BucketUsage]| buckets.iter().map(|bucket| bucket.byte_seconds).sum::<i128>();
            let expected = brute_force(&lives, start, end, now);
            let (minutes, by_hours) = (by(SlotWidth::Minute, 60), by(SlotWidth::Hour, 3600));
            prop_assert_eq!(sum(&minutes), expected);
            prop_assert_eq!(sum(&by_hours), expected);
            prop_assert_eq!(sum(&by(SlotWidth::Hour, hours * 3600)), expected);
            prop_assert_eq!(sum(&by(SlotWidth::Minute, 3600)), expected);
            for (minute, (from, until)) in minutes.iter().zip(cut(start, end, 60)) {
                prop_assert_eq!(minute.byte_seconds, brute_force(&lives, from, until, now));
            }
            if let Some(last) = by_hours.last().filter(|_| now >= end) {
                let live = lives.iter().filter(|(from, until, _)| *from < end && *until >= end);
                prop_assert_eq!(last.end_files, i128::try_from(live.count()).unwrap());
            }
        }
    }

    #[test]
    fn a_bucket_knows_its_peak_and_its_end() {
        let lives = [(10, 3700, 100), (20, 30, 5)];
        let series = series(&lives, 0, SlotWidth::Hour, 7200);
        let buckets = series.buckets(&[(0, 3600), (3600, 7200)], SlotWidth::Hour, 7200);
        assert_eq!((buckets[0].peak_bytes, buckets[0].end_bytes, buckets[0].end_files), (100, 100, 1));
        assert_eq!((buckets[1].peak_bytes, buckets[1].end_bytes, buckets[1].end_files), (100, 0, 0));
        assert_eq!(buckets[0].byte_seconds, 100 * 3590 + 50);
        assert_eq!(buckets[1].byte_seconds, 100 * 100);
    }
}
