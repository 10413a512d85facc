//! The settings of Files that a reload may change. A request keeps those that it began with.

/// The settings of Files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// The largest file of one upload, in bytes.
    pub max_file_bytes: u64,
    /// The maximum of parallel uploads of a workspace without a limit of its own.
    pub max_workspace_uploads: usize,
    /// The largest file in the metadata store, in bytes; 0 for none.
    pub inline_max_bytes: u64,
    /// The time that an Upload accepts parts, in seconds.
    pub upload_ttl_seconds: u64,
    /// Batch and fine-tune files with invalid lines are refused, not only marked.
    pub strict_jsonl: bool,
    /// Downloads are redirected to the blob store where possible.
    pub blobs_redirect: bool,
    /// The content of uploads is served in Anthropic's dialect, too.
    pub anthropic_downloadable: bool,
}
