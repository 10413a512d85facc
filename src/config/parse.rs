//! From the text of a setting to its value; nothing when the text is not valid.

use super::{LogFormat, LogLevel};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

const MAX_SECONDS: u64 = 86_400;
const MAX_COUNT: usize = 1_000_000;
const MAX_FILE_BYTES: u64 = 8 << 30;
const MAX_BYTES: u64 = 1 << 40;

pub(super) fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains(['\0', char::REPLACEMENT_CHARACTER])).then(|| PathBuf::from(text))
}

pub(super) fn sqlite_url(text: &str) -> Option<PathBuf> {
    path_of_url(text, "sqlite:")
}

pub(super) fn file_url(text: &str) -> Option<PathBuf> {
    path_of_url(text, "file:")
}

fn path_of_url(text: &str, scheme: &str) -> Option<PathBuf> {
    let rest = text.strip_prefix(scheme)?;
    path(rest.strip_prefix("//").unwrap_or(rest))
}

pub(super) fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

#[expect(clippy::option_option, reason = "the outer one is validity, the inner one is `off`")]
pub(super) fn address_or_off(text: &str) -> Option<Option<SocketAddr>> {
    if text == "off" { Some(None) } else { address(text).map(Some) }
}

pub(super) fn http_url(text: &str) -> Option<String> {
    let url: http::Uri = text.parse().ok()?;
    let http = matches!(url.scheme_str(), Some("http" | "https"));
    (http && url.host().is_some() && url.query().is_none()).then(|| text.trim_end_matches('/').to_owned())
}

pub(super) fn file_bytes(text: &str) -> Option<u64> {
    text.parse().ok().filter(|bytes| (1..=MAX_FILE_BYTES).contains(bytes))
}

pub(super) fn bytes(text: &str) -> Option<u64> {
    text.parse().ok().filter(|bytes| (1..=MAX_BYTES).contains(bytes))
}

pub(super) fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| (1..=MAX_COUNT).contains(count))
}

pub(super) fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.parse().ok().filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
    seconds.map(Duration::from_secs)
}

pub(super) fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

pub(super) fn log_level(text: &str) -> Option<LogLevel> {
    match text {
        "error" => Some(LogLevel::Error),
        "warn" => Some(LogLevel::Warn),
        "info" => Some(LogLevel::Info),
        "debug" => Some(LogLevel::Debug),
        _ => None,
    }
}
