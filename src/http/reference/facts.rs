//! The configuration of a server, as far as its reference shows it.

/// The configuration of a server, as far as its reference shows it.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The address that clients use, without a slash at the end.
    pub origin: String,
    /// The largest file of one request, in bytes.
    pub max_file_bytes: u64,
    /// Uploads in flight at once.
    pub max_concurrent_uploads: usize,
    /// Uploads in flight at once of one project without a limit of its own.
    pub max_project_uploads: usize,
    /// How long an Upload accepts parts, in seconds.
    pub upload_ttl_seconds: u64,
    /// Whether files with bad lines are refused.
    pub strict_jsonl: bool,
    /// The slowest request body: bytes a second, and over how many seconds.
    pub body_pace: (u64, u64),
    /// Requests a minute of one network with keys that are not valid; 0 for any number.
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
    /// How many units are free each month.
    pub free_per_month: String,
}
