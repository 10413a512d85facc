//! Buckets: usage by full minutes, hours or days, in UTC.

use super::Usage;
use crate::metadata::MetadataError;
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::usage::{BucketUsage, Dimensions, Group, SlotWidth, UsageQuery};

/// The width of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketWidth {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl BucketWidth {
    /// Every width, in the order of error messages.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    /// Returns its length, in seconds.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }

    /// Returns the default and the maximum number of buckets in a page.
    #[must_use]
    pub const fn page(self) -> (u64, u64) {
        match self {
            Self::Minute => (60, 1440),
            Self::Hour => (24, 168),
            Self::Day => (7, 31),
        }
    }

    const fn slots(self) -> SlotWidth {
        match self {
            Self::Minute => SlotWidth::Minute,
            Self::Hour | Self::Day => SlotWidth::Hour,
        }
    }
}

/// A query of buckets.
#[derive(Clone, Debug)]
pub struct UsageWindow {
    /// The start of the first bucket, in Unix seconds.
    pub start: u64,
    /// The end of the last bucket, in Unix seconds.
    pub end: u64,
    /// The width. Start and end are multiples of it.
    pub width: BucketWidth,
    /// The workspaces to include.
    pub workspaces: Option<Vec<WorkspaceId>>,
    /// The keys to include.
    pub keys: Option<Vec<KeyId>>,
    /// The dimensions to group by.
    pub by: Dimensions,
}

/// The usage in one bucket. Groups without usage are left out.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// Its first Unix second.
    pub start: u64,
    /// The Unix second after its last.
    pub end: u64,
    /// The number of its seconds that have passed.
    pub elapsed_seconds: u64,
    /// The usage by group.
    pub groups: Vec<(Group, BucketUsage)>,
}

impl Usage {
    /// Returns the buckets of a window, in order.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn buckets(&self, window: UsageWindow) -> Result<Vec<Bucket>, MetadataError> {
        let now = self.clock.now_seconds();
        let width = window.width.slots();
        let step = usize::try_from(window.width.seconds()).unwrap_or(usize::MAX);
        let starts = (window.start..window.end).step_by(step);
        let bounds: Vec<(u64, u64)> = starts.map(|start| (start, start + window.width.seconds())).collect();
        let query = UsageQuery {
            start: window.start,
            end: window.end,
            width,
            workspaces: window.workspaces,
            keys: window.keys,
            by: window.by,
        };
        let mut buckets: Vec<Bucket> = bounds
            .iter()
            .map(|(start, end)| Bucket {
                start: *start,
                end: *end,
                elapsed_seconds: now.clamp(*start, *end) - start,
                groups: Vec::new(),
            })
            .collect();
        self.usage_by_pages(query, |page| {
            for (group, series) in page {
                for (bucket, used) in buckets.iter_mut().zip(series.buckets(&bounds, width, now)) {
                    if !used.is_nothing() && bucket.start <= now {
                        bucket.groups.push((group, used));
                    }
                }
            }
        })
        .await?;
        Ok(buckets)
    }
}
