//! Buckets: usage cut at full minutes, hours or days, in UTC.

use super::Usage;
use crate::metadata::MetadataError;
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::usage::{BucketUsage, Dimensions, Group, SlotWidth, UsageQuery};

/// How wide buckets are.
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
    /// Every width, in the order in which errors list them.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    /// How many seconds that is.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }

    /// How many buckets a page has when nobody asks, and at most.
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

/// Which buckets are asked for.
#[derive(Clone, Debug)]
pub struct UsageWindow {
    /// The beginning of the first, in Unix time.
    pub start: u64,
    /// The end of the last.
    pub end: u64,
    /// How wide they are; start and end are multiples of it.
    pub width: BucketWidth,
    /// Only of these workspaces.
    pub workspaces: Option<Vec<WorkspaceId>>,
    /// Only of these keys.
    pub keys: Option<Vec<KeyId>>,
    /// Which dimensions are kept apart.
    pub by: Dimensions,
}

/// The usage of all groups in one bucket; groups that have none are left out.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// Its first second, in Unix time.
    pub start: u64,
    /// The second behind its last.
    pub end: u64,
    /// How many of its seconds have passed.
    pub elapsed_seconds: u64,
    /// What was used, and by whom.
    pub groups: Vec<(Group, BucketUsage)>,
}

impl Usage {
    /// The buckets of a window, in order.
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
