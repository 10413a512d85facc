//! The state of a download.

/// The state of a download.
#[derive(Clone, Debug, Default)]
pub struct Download {
    /// The bytes that the sink has.
    pub received_bytes: u64,
    /// The `ETag` of these bytes.
    pub etag: Option<String>,
}
