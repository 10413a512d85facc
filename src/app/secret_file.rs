//! Reads files with secrets: tokens, and secrets that the server shares with others.

use crate::config::shown_path;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest token or secret file that is read, in bytes.
const MAX_SECRET_FILE_BYTES: u64 = 16 << 10;

/// Reads the secret of a setting, without the white space around it.
pub(super) fn read_secret(setting: &str, file: &Path) -> Result<String> {
    let unreadable = || format!("cannot read {setting} {}", shown_path(file));
    let mut text = String::new();
    let opened = File::open(file).with_context(unreadable)?;
    opened.take(MAX_SECRET_FILE_BYTES).read_to_string(&mut text).with_context(unreadable)?;
    Ok(text.trim().to_owned())
}
