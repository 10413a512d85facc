//! Where the database is and how it is spoken to: `postgres://` URLs as libpq has them.
//!
//! The driver does not know the parameters `sslmode`, `sslrootcert` and `passfile`, so they are parsed here.

use super::password_file::{self, DEFAULT_PORT, PasswordFileError};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// The timeout of a connection attempt.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time that sent bytes stay unacknowledged before the connection is closed.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(5);
/// The idle time of a connection before the first keepalive.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const APPLICATION_NAME: &str = "venna";

/// The peers that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Any peer: TLS encrypts where it is used, and no certificate is verified.
    Anybody,
    /// A peer with a certificate of a known authority.
    Authority,
    /// A peer with a certificate of a known authority for the host of the URL.
    Host,
}

/// The address of a database.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// The certificates of authorities, instead of the system's.
    pub(super) root_certificates: Option<PathBuf>,
}

impl fmt::Debug for Endpoint {
    /// Leaves the URL out, which may hold a password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Endpoint").field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl fmt::Display for Endpoint {
    /// Writes the hosts with their ports.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        });
        let addresses = self.config.get_hostaddrs().iter().map(ToString::to_string);
        let mut hosts: Vec<String> = names.collect();
        if hosts.is_empty() {
            hosts.extend(addresses);
        }
        let ports = self.config.get_ports();
        let port = |at: usize| ports.get(at).or_else(|| ports.first()).copied().unwrap_or(DEFAULT_PORT);
        let hosts: Vec<String> = hosts.iter().enumerate().map(|(at, host)| format!("{host}:{}", port(at))).collect();
        out.write_str(&hosts.join(", "))
    }
}

/// A URL that cannot be used. Messages do not repeat it, for it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// `sslmode` has an unknown value.
    #[error("sslmode is one of disable, prefer, require, verify-ca, verify-full")]
    SslMode,
    /// The password file cannot be used.
    #[error(transparent)]
    PasswordFile(#[from] PasswordFileError),
    /// The URL is not well-formed.
    #[error("it is no well-formed URL of PostgreSQL: {0}")]
    Malformed(String),
}

impl FromStr for Endpoint {
    type Err = BadUrl;

    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let OwnWords { url, mode, root, password_file } = take_own_words(url);
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            BadUrl::Malformed(why.filter(|_| !url.contains('@')).unwrap_or_else(|| "see libpq's documentation".into()))
        })?;
        let (ssl, trust) = match mode.as_deref() {
            Some("disable") => (SslMode::Disable, Trust::Anybody),
            None | Some("prefer") => (SslMode::Prefer, Trust::Anybody),
            Some("require") if root.is_some() => (SslMode::Require, Trust::Authority),
            Some("require") => (SslMode::Require, Trust::Anybody),
            Some("verify-ca") => (SslMode::Require, Trust::Authority),
            Some("verify-full") => (SslMode::Require, Trust::Host),
            Some(_) => return Err(BadUrl::SslMode),
        };
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION_NAME);
        }
        config.ssl_mode(ssl).connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(TCP_USER_TIMEOUT);
        config.keepalives_idle(KEEPALIVE_IDLE);
        if let (None, Some(path)) = (config.get_password(), &password_file)
            && let Some(password) = password_file::password(path, &config)?
        {
            config.password(password);
        }
        Ok(Self { config, trust, root_certificates: root.map(PathBuf::from) })
    }
}

/// A URL, split into what the driver takes and the parameters of this program.
#[derive(Default)]
struct OwnWords {
    url: String,
    /// The value of `sslmode`.
    mode: Option<String>,
    /// The value of `sslrootcert`.
    root: Option<String>,
    /// The value of `passfile`.
    password_file: Option<PathBuf>,
}

fn take_own_words(url: &str) -> OwnWords {
    let Some((place, query)) = url.split_once('?') else {
        return OwnWords { url: url.to_owned(), ..OwnWords::default() };
    };
    let (mut words, mut kept) = (OwnWords::default(), Vec::new());
    for pair in query.split('&') {
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        match pair.split_once('=') {
            Some(("sslmode", value)) => words.mode = Some(decoded(value)),
            Some(("sslrootcert", value)) => words.root = Some(decoded(value)).filter(|path| path != "system"),
            Some(("passfile", value)) => words.password_file = Some(decoded(value).into()),
            _ => kept.push(pair),
        }
    }
    let query = kept.join("&");
    words.url = if query.is_empty() { place.to_owned() } else { format!("{place}?{query}") };
    words
}

/// Checks that the URL of a database can be used.
///
/// # Errors
/// Fails when it cannot.
pub fn check_url(url: &str) -> Result<(), BadUrl> {
    url.parse::<Endpoint>().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        url.parse().unwrap()
    }

    #[test]
    fn urls_say_what_they_say_to_libpq() {
        let plain = endpoint("postgres://ada:p%40ss@db.example:6432/venna");
        assert_eq!((plain.config.get_ssl_mode(), plain.trust), (SslMode::Prefer, Trust::Anybody));
        assert_eq!((plain.config.get_ports(), plain.config.get_dbname()), (&[6432][..], Some("venna")));
        assert_eq!(plain.config.get_password(), Some(b"p@ss".as_slice()));
        let full = endpoint("postgresql://db/venna?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&user=ada");
        assert_eq!((full.config.get_ssl_mode(), full.trust), (SslMode::Require, Trust::Host));
        assert_eq!(full.root_certificates, Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(full.config.get_user(), Some("ada"));
        assert_eq!(endpoint("postgres://db/x?sslmode=require&sslrootcert=/ca").trust, Trust::Authority);
        assert_eq!(endpoint("postgres://db/x?sslmode=verify-full&sslrootcert=system").root_certificates, None);
        let socket = endpoint("postgres:///venna?host=/run/postgresql&user=ada");
        assert_eq!(socket.config.get_hosts(), [Host::Unix("/run/postgresql".into())]);
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        assert_eq!(check_url("postgres://ada:hunter2@db/x?sslmode=maybe"), Err(BadUrl::SslMode));
        for url in ["postgres://ada:hunter2@db/x?nonsense=1", "postgres://ada:hunter2@db:port/x", "hunter2"] {
            let error = check_url(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        assert!(!format!("{:?}", endpoint("postgres://ada:hunter2@db/x")).contains("hunter2"));
    }
}
