//! The configuration of the metadata store.

use super::parse;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::path::PathBuf;

/// The scheme of a SQLite database.
const SQLITE: &str = "sqlite:";
/// The schemes of a PostgreSQL database.
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];
/// The default of `inline_max_bytes` on SQLite, as measured.
pub(super) const SQLITE_INLINE_MAX_BYTES: u64 = 65_536;

/// The location of the metadata store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataConfig {
    /// A SQLite database on this machine.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(DatabaseUrl),
}

impl fmt::Display for MetadataConfig {
    /// Writes the URL of a database on this machine, and nothing of another one.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(out, "{SQLITE}{}", path.display()),
            Self::Postgres(_) => out.write_str("postgres://***"),
        }
    }
}

impl MetadataConfig {
    /// Returns the default of `inline_max_bytes`; 0 keeps no file in the metadata store.
    pub(super) const fn default_inline_max_bytes(&self) -> u64 {
        match self {
            Self::Sqlite(_) => SQLITE_INLINE_MAX_BYTES,
            Self::Postgres(_) => 0,
        }
    }
}

/// The URL of a database, which may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Returns the URL with the password, for the driver alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl DatabaseUrl {
    /// Adds the password of the variables, or their password file, as a parameter to a URL without one.
    #[must_use]
    pub(super) fn with(self, variables: &DatabaseVariables) -> Self {
        if has_password(&self.0) {
            return self;
        }
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let parameter = match (&variables.password, &variables.password_file) {
            (Some(password), _) => format!("password={}", encoded(password)),
            (None, Some(file)) if !self.0.contains("passfile=") => {
                format!("passfile={}", encoded(&file.to_string_lossy()))
            }
            (None, _) => return self,
        };
        let separator = if self.0.contains('?') { '&' } else { '?' };
        Self(format!("{}{separator}{parameter}", self.0))
    }
}

/// The password of a database from variables that libpq has, too.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DatabaseVariables {
    /// The value of `PGPASSWORD`.
    pub password: Option<String>,
    /// The file of `PGPASSFILE`, or `~/.pgpass` if it exists.
    pub password_file: Option<PathBuf>,
}

impl fmt::Debug for DatabaseVariables {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DatabaseVariables").field("password_file", &self.password_file).finish_non_exhaustive()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DatabaseUrl(***)")
    }
}

/// Parses `metadata_url`. A PostgreSQL URL is validated by the driver.
pub(super) fn metadata_url(text: &str, variables: &DatabaseVariables) -> Option<MetadataConfig> {
    if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) && !text.contains(char::is_control) {
        return Some(MetadataConfig::Postgres(DatabaseUrl(text.to_owned()).with(variables)));
    }
    parse::path_of_url(text, SQLITE).map(MetadataConfig::Sqlite)
}

/// Returns whether a URL of PostgreSQL has a password.
fn has_password(url: &str) -> bool {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let user = place.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    user.is_some_and(|(user, _)| user.contains(':')) || query.split('&').any(|pair| pair.starts_with("password="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(url: &str, password: Option<&str>, file: Option<&str>) -> String {
        let variables =
            DatabaseVariables { password: password.map(str::to_owned), password_file: file.map(PathBuf::from) };
        DatabaseUrl(url.to_owned()).with(&variables).expose().to_owned()
    }

    #[test]
    fn a_url_without_a_password_takes_that_of_the_variables() {
        let (plain, file) = ("postgres://ada@db/x", Some("/etc/pg pass"));
        assert_eq!(opened(plain, None, None), plain);
        assert_eq!(opened(plain, Some("p&=?"), file), "postgres://ada@db/x?password=p%26%3D%3F");
        assert_eq!(opened(plain, None, file), "postgres://ada@db/x?passfile=%2Fetc%2Fpg%20pass");
        assert_eq!(opened("postgres:///x?user=a", Some("p"), None), "postgres:///x?user=a&password=p");
        for own in ["postgres://ada:own@db/x", "postgres:///x?user=a&password=own", "postgres://a:p@ss@db/x?port=1"] {
            assert_eq!(opened(own, Some("p"), file), own);
        }
        let own = "postgres://ada@db/x?passfile=/own";
        assert_eq!(opened(own, None, file), own);
    }

    #[test]
    fn no_password_is_shown() {
        let url = DatabaseUrl("postgres://ada:hunter2@db/x".into());
        assert!(!format!("{:?}", MetadataConfig::Postgres(url)).contains("hunter2"));
        let variables = DatabaseVariables { password: Some("hunter2".to_owned()), password_file: None };
        assert!(!format!("{variables:?}").contains("hunter2"));
    }
}
