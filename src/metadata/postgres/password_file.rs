//! Password files as libpq has them: lines `host:port:database:user:password`, of which the first that fits counts.

use rustix::fs::Mode;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The longest password file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The port of a URL without one.
pub(super) const DEFAULT_PORT: u16 = 5432;
/// The host in lines for sockets of this machine.
const LOCAL: &str = "localhost";
/// The field that fits every value.
const ANY: &str = "*";
/// The number of fields before the password.
const FIELDS: usize = 4;

/// A password file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password file {path} cannot be used: {why}")]
pub struct PasswordFileError {
    path: String,
    why: String,
}

/// Returns the password of the first line that fits the first host, the database and the user of a configuration.
///
/// # Errors
/// Fails when the file cannot be read, or other users can read or write it, in which case libpq ignores it.
pub(super) fn password(path: &Path, config: &Config) -> Result<Option<String>, PasswordFileError> {
    let refused = |why: String| PasswordFileError { path: path.display().to_string(), why };
    let text = read(path).map_err(|error| refused(error.to_string()))?;
    let text = text.ok_or_else(|| refused("other users can read or write it; chmod 600".to_owned()))?;
    let wanted = wanted(config);
    Ok(text.lines().filter(|line| !line.starts_with('#')).find_map(|line| fitting(line, &wanted)))
}

/// Returns the content of a file; none where other users can read or write it.
fn read(path: &Path) -> io::Result<Option<String>> {
    let file = File::open(path)?;
    let others = Mode::RWXG | Mode::RWXO;
    if Mode::from_raw_mode(file.metadata()?.mode()).intersects(others) {
        return Ok(None);
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Returns the values of the first four fields. A database without a name has that of its user.
fn wanted(config: &Config) -> [String; FIELDS] {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(_)) => LOCAL.to_owned(),
        None => config.get_hostaddrs().first().map_or_else(|| LOCAL.to_owned(), ToString::to_string),
    };
    let port = config.get_ports().first().copied().unwrap_or(DEFAULT_PORT);
    let user = config.get_user().unwrap_or_default();
    let database = config.get_dbname().unwrap_or(user);
    [host, port.to_string(), database.to_owned(), user.to_owned()]
}

/// Returns the password of a line whose fields fit.
fn fitting(line: &str, wanted: &[String; FIELDS]) -> Option<String> {
    let mut rest = line;
    for value in wanted {
        let (field, after) = field(rest)?;
        if field != ANY && field != *value {
            return None;
        }
        rest = after;
    }
    Some(field(rest).map_or_else(|| unescaped(rest), |(password, _)| password))
}

/// Splits a line at its first colon that is not escaped.
fn field(line: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    let end = line.find(|letter: char| {
        let is_end = letter == ':' && !escaped;
        escaped = letter == '\\' && !escaped;
        is_end
    })?;
    let (field, rest) = line.split_at_checked(end)?;
    Some((unescaped(field), rest.get(1..)?))
}

/// Removes the backslash before each escaped letter.
fn unescaped(field: &str) -> String {
    let mut escaped = false;
    let mut kept = |letter: &char| {
        escaped = *letter == '\\' && !escaped;
        !escaped
    };
    field.chars().filter(|letter| kept(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    fn found(lines: &str, url: &str) -> Option<String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(lines.as_bytes()).unwrap();
        password(file.path(), &url.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let lines =
            "# ours\ndb:5432:venna:ada:one\n*:*:venna:eve:two\ndb:6432:*:ada:th\\:r\\\\ee\nlocalhost:*:*:ada:four";
        for (url, password) in [
            ("postgres://ada@db/venna", Some("one")),
            ("postgres://eve@elsewhere:1/venna", Some("two")),
            ("postgres://ada@db:6432/other", Some("th:r\\ee")),
            ("postgres:///venna?host=/run/postgresql&user=ada", Some("four")),
            ("postgres://ada@db/other", None),
            ("postgres://bob@db/venna", None),
        ] {
            assert_eq!(found(lines, url).as_deref(), password, "{url}");
        }
        assert_eq!(found("db:5432:venna:ada\n\n:", "postgres://ada@db/venna"), None, "a short line fits nothing");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = password(file.path(), &Config::new()).unwrap_err().to_string();
        assert!(error.contains("chmod 600") && error.contains(file.path().to_str().unwrap()), "{error}");
    }
}
