//! From the text of a setting to its value; nothing when the text is not valid.

use super::settings::{FILE, Kind, SQLITE, Setting};
use super::{LogFormat, LogLevel};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(super) fn path(_: &Setting, text: &str) -> Option<PathBuf> {
    path_of(text)
}

pub(super) fn sqlite_url(_: &Setting, text: &str) -> Option<PathBuf> {
    path_of_url(text, SQLITE)
}

pub(super) fn file_url(_: &Setting, text: &str) -> Option<PathBuf> {
    path_of_url(text, FILE)
}

pub(super) fn address(_: &Setting, text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

#[expect(clippy::option_option, reason = "the outer one is validity, the inner one is `off`")]
pub(super) fn address_or_off(setting: &Setting, text: &str) -> Option<Option<SocketAddr>> {
    if text == "off" { Some(None) } else { address(setting, text).map(Some) }
}

pub(super) fn http_url(_: &Setting, text: &str) -> Option<String> {
    let url: http::Uri = text.parse().ok()?;
    let http = matches!(url.scheme_str(), Some("http" | "https"));
    (http && url.host().is_some() && url.query().is_none()).then(|| text.trim_end_matches('/').to_owned())
}

/// A whole number within the bounds of the setting.
pub(super) fn whole(setting: &Setting, text: &str) -> Option<u64> {
    let Kind::Whole { bounds, .. } = &setting.kind else { return None };
    text.parse().ok().filter(|number| bounds.contains(number))
}

pub(super) fn mebibytes(setting: &Setting, text: &str) -> Option<u64> {
    whole(setting, text).map(|mebibytes| mebibytes << 20)
}

pub(super) fn count(setting: &Setting, text: &str) -> Option<usize> {
    whole(setting, text).and_then(|number| usize::try_from(number).ok())
}

pub(super) fn seconds(setting: &Setting, text: &str) -> Option<Duration> {
    whole(setting, text).map(Duration::from_secs)
}

pub(super) fn yes_or_no(_: &Setting, text: &str) -> Option<bool> {
    text.parse().ok()
}

pub(super) fn log_format(_: &Setting, text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

pub(super) fn log_level(_: &Setting, text: &str) -> Option<LogLevel> {
    match text {
        "error" => Some(LogLevel::Error),
        "warn" => Some(LogLevel::Warn),
        "info" => Some(LogLevel::Info),
        "debug" => Some(LogLevel::Debug),
        _ => None,
    }
}

fn path_of(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains(['\0', char::REPLACEMENT_CHARACTER])).then(|| PathBuf::from(text))
}

fn path_of_url(text: &str, scheme: &str) -> Option<PathBuf> {
    let rest = text.strip_prefix(scheme)?;
    path_of(rest.strip_prefix("//").unwrap_or(rest))
}
