//! The output of commands: tables for people, JSON for programs.

use crate::clock;
use anyhow::Result;
use comfy_table::{Table, TableStyle};
use serde::Serialize;
use std::io::{self, Write};

/// Prints rows to standard output: as one JSON array, or as a table with a heading.
pub fn list<T: Serialize>(rows: &[T], json: bool, heading: &[&str], cells: impl Fn(&T) -> Vec<String>) -> Result<()> {
    if json {
        return Ok(writeln!(io::stdout(), "{}", serde_json::to_string_pretty(rows)?)?);
    }
    Ok(writeln!(io::stdout(), "{}", table(heading, rows.iter().map(cells)))?)
}

/// Formats a table with a heading.
pub fn table(heading: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(heading);
    table.add_rows(rows);
    table.trim_fmt()
}

/// Formats a day in UTC, as `2026-12-01`.
pub fn day(unix_seconds: u64) -> String {
    clock::format_utc(unix_seconds, "%Y-%m-%d")
}

/// Formats a time in UTC, for people.
pub fn time(unix_seconds: u64) -> String {
    let time = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(unix_seconds));
    time.map_or_else(|| unix_seconds.to_string(), httpdate::fmt_http_date)
}
