//! The origin of each value, and the errors that name it.

use super::setting::Kind;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(String),
    /// The environment.
    Environment(String),
    /// A line of the configuration file.
    File(PathBuf, usize),
    /// Not set.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(out, "flag --{flag}"),
            Self::Environment(variable) => write!(out, "environment {variable}"),
            Self::File(path, line) => write!(out, "{}:{line}", path.display()),
            Self::Default => out.write_str("default"),
        }
    }
}

/// A setting in force.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The setting's name; `prices` for each price.
    pub name: &'static str,
    /// The value, or the default that depends on other settings, with secrets redacted; none if there is neither.
    pub value: Option<String>,
    /// The origin of the value.
    pub origin: Origin,
    /// The value as it was set; none when it was not set.
    pub(super) set: Option<SetValue>,
}

/// A setting in force, as people may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownSetting {
    /// The setting's name; `prices` for each price.
    pub name: &'static str,
    /// The value with secrets redacted; none if there is neither a value nor a default.
    pub value: Option<String>,
    /// The origin of the value.
    pub origin: String,
}

impl From<&Effective> for ShownSetting {
    fn from(effective: &Effective) -> Self {
        Self { name: effective.name, value: effective.value.clone(), origin: effective.origin.to_string() }
    }
}

/// The text of a value, which may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SetValue(pub(super) String);

impl fmt::Debug for SetValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SetValue")
    }
}

/// An invalid setting, or an unreadable configuration file.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The value of a setting is invalid.
    #[error("{name} = {value:?} ({origin}) is not valid: expected {expected}")]
    Invalid {
        /// The setting's name.
        name: &'static str,
        /// The value, with secrets redacted.
        value: String,
        /// The origin of the value.
        origin: Origin,
        /// The valid values.
        expected: Kind,
    },
    /// The file has an unknown key.
    #[error("{name:?} ({origin}) is no setting; {hint}")]
    Unknown {
        /// The key in the file.
        name: String,
        /// Its place in the file.
        origin: Origin,
        /// The name that was meant, or the names of all settings.
        hint: String,
    },
    /// A price is invalid.
    #[error("{what} ({origin}) is not valid: expected {expected}")]
    Price {
        /// The key and its value, or the missing entry.
        what: String,
        /// Its place in the file.
        origin: Origin,
        /// The valid values.
        expected: String,
    },
    /// The file is unreadable.
    #[error("the configuration file {path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
}

/// The text of the configuration file.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// Returns the line on which a span of bytes begins.
    pub(super) fn origin(&self, span: Range<usize>) -> Origin {
        let line = self.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1;
        Origin::File(self.path.to_owned(), line)
    }
}
