//! The settings of Files, by the configuration.

use crate::config::Config;
use crate::files::FileSettings;

/// Returns the settings of Files.
pub(super) const fn file_settings(config: &Config) -> FileSettings {
    FileSettings {
        max_file_bytes: config.limits.max_file_bytes,
        max_workspace_uploads: config.limits.max_workspace_uploads,
        inline_max_bytes: config.limits.inline_max_bytes,
        upload_ttl_seconds: config.files.upload_ttl.as_secs(),
        strict_jsonl: config.files.strict_jsonl,
        blobs_redirect: config.files.blobs_redirect,
        anthropic_downloadable: config.files.anthropic_downloadable,
    }
}
