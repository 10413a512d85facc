//! The form and the level of the log.

use super::setting::Setting;

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The least severe level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Events that need an operator.
    Error,
    /// Also events that may need an operator.
    Warn,
    /// Also events of the whole server.
    Info,
    /// Also every request.
    Debug,
}

/// Parses the form of log lines.
pub(super) fn log_format(_: &Setting, text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

/// Parses a log level.
pub(super) fn log_level(_: &Setting, text: &str) -> Option<LogLevel> {
    match text {
        "error" => Some(LogLevel::Error),
        "warn" => Some(LogLevel::Warn),
        "info" => Some(LogLevel::Info),
        "debug" => Some(LogLevel::Debug),
        _ => None,
    }
}
