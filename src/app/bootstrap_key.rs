//! The file with the key that each start installs.

use crate::config::shown_path;
use crate::model::api_key::{KeyKind, KeySecret};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest key file that is read, in bytes.
const MAX_KEY_FILE_BYTES: u64 = 4096;

/// Reads the key.
pub(super) fn read(file: &Path) -> Result<KeySecret> {
    let unreadable = || format!("cannot read bootstrap_key_file {}", shown_path(file));
    let mut text = String::new();
    File::open(file)
        .with_context(unreadable)?
        .take(MAX_KEY_FILE_BYTES)
        .read_to_string(&mut text)
        .with_context(unreadable)?;
    let parsed = KeySecret::parse(text.trim()).ok().filter(|secret| secret.kind() == KeyKind::Workspace);
    parsed.with_context(|| {
        format!(
            "bootstrap_key_file {} does not hold a well-formed key: expected vk_, 30 digits and their checksum",
            shown_path(file)
        )
    })
}
