//! The configuration of the metadata store.

use super::parse;
use super::setting::Setting;
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

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DatabaseUrl(***)")
    }
}

/// Parses `metadata_url`. A PostgreSQL URL is validated by the driver.
pub(super) fn parse(_: &Setting, text: &str) -> Option<MetadataConfig> {
    if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) && !text.contains(char::is_control) {
        return Some(MetadataConfig::Postgres(DatabaseUrl(text.to_owned())));
    }
    parse::path_of_url(text, SQLITE).map(MetadataConfig::Sqlite)
}

/// Returns a URL without user and password.
pub(super) fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, place)| format!("***@{place}"));
    let (place, query) = rest.split_once('?').map_or((rest.as_str(), None), |(place, query)| (place, Some(query)));
    let kept = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=***"),
        _ => pair.to_owned(),
    };
    let query = query.map(|query| format!("?{}", query.split('&').map(kept).collect::<Vec<_>>().join("&")));
    format!("{scheme}://{place}{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        for (url, shown) in [
            ("postgres://ada:p@ss@db:1/x?sslmode=require", "postgres://***@db:1/x?sslmode=require"),
            (
                "postgres:///x?host=/run&user=a&password=p&sslpassword=q",
                "postgres:///x?host=/run&user=a&password=***&sslpassword=***",
            ),
            ("postgres://db/x", "postgres://db/x"),
            ("sqlite:/var/x.db", "sqlite:/var/x.db"),
        ] {
            assert_eq!(redacted(url), shown);
        }
        let url = DatabaseUrl("postgres://ada:hunter2@db/x".into());
        assert!(!format!("{:?}", MetadataConfig::Postgres(url)).contains("hunter2"));
    }
}
