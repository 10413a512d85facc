//! The form and the level of the log, and the access log.

use super::setting::Setting;
use std::path::PathBuf;

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

/// The access log.
#[derive(Clone, Debug)]
pub struct AccessLogConfig {
    /// The form of its lines; none when off.
    pub format: Option<AccessLogFormat>,
    /// Its file; standard output when not set.
    pub file: Option<PathBuf>,
}

impl AccessLogConfig {
    /// Returns whether the access log has standard output.
    #[must_use]
    pub const fn is_on_stdout(&self) -> bool {
        self.format.is_some() && self.file.is_none()
    }
}

/// The form of lines of the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// One JSON object per line.
    Json,
    /// The combined log format of Apache, with fields at its end.
    Combined,
}

/// Parses the form of the access log; none for `off`.
#[expect(clippy::option_option, reason = "the outer one is validity, the inner one is `off`")]
pub(super) fn access_log(_: &Setting, text: &str) -> Option<Option<AccessLogFormat>> {
    match text {
        "off" => Some(None),
        "json" => Some(Some(AccessLogFormat::Json)),
        "combined" => Some(Some(AccessLogFormat::Combined)),
        _ => None,
    }
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
