//! The configuration values that the reference shows.

/// The configuration values that the reference shows.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The address that clients use, without a slash at the end.
    pub origin: String,
    /// The largest file of one request, in bytes.
    pub max_file_bytes: u64,
    /// The maximum number of concurrent uploads.
    pub max_concurrent_uploads: usize,
    /// The maximum number of concurrent uploads of a project, unless the project has another limit.
    pub max_project_uploads: usize,
    /// The time that an Upload accepts parts, in seconds.
    pub upload_ttl_seconds: u64,
    /// Files with invalid lines are refused.
    pub strict_jsonl: bool,
    /// The minimum rate of a request body, in bytes per second, and the window in seconds.
    pub body_pace: (u64, u64),
    /// The maximum number of requests with invalid keys per minute and network; 0 for no limit.
    pub max_failed_logins_per_minute: u32,
    /// The prices.
    pub prices: Vec<PriceLine>,
}

/// The price of one line item from a time on.
#[derive(Clone, Debug)]
pub struct PriceLine {
    /// The first second, in Unix time.
    pub effective_from: u64,
    /// The line item.
    pub line_item: &'static str,
    /// The price, in US dollars.
    pub usd: String,
    /// The unit of the price.
    pub per: &'static str,
    /// The number of free units per month.
    pub free_per_month: String,
}
