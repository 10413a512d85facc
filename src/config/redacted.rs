//! Values of settings as they are shown: without passwords, tokens and keys.
//!
//! A value may be a secret in a wrong place, such as a key where the path of its file belongs. Values that are not
//! known to be harmless are hidden.

use super::setting::{Kind, Setting};
use std::path::{Component, Path};

/// The text in place of a secret.
const HIDDEN: &str = "***";
/// The beginnings of secrets: keys, secrets of Standard Webhooks, and private keys in PEM.
const SECRETS: [&str; 4] = ["vk_", "vka_", "whsec_", "-----BEGIN"];
/// The parameters of URLs and connection strings whose values are shown.
const SHOWN_PARAMETERS: [&str; 20] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "passfile",
    "port",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Returns the value of a setting without secrets.
pub(super) fn value(setting: &Setting, text: &str) -> String {
    if SECRETS.iter().any(|secret| text.starts_with(secret)) || text.contains(char::is_control) {
        return HIDDEN.to_owned();
    }
    match &setting.kind {
        Kind::Path if setting.holds_secret() => path(Path::new(text)),
        Kind::HttpUrl | Kind::SinkUrl | Kind::BlobsUrl | Kind::PathUrl { .. } | Kind::MetadataUrl => url(text),
        _ if text.contains("://") => url(text),
        _ => text.to_owned(),
    }
}

/// Returns the path of a file that holds a secret. A text is hidden if it may be the secret itself: neither the file
/// nor the first folder of a relative path exists, and it is no absolute path below a folder.
#[must_use]
pub fn path(path: &Path) -> String {
    let mut names = path.components().filter(|part| !matches!(part, Component::RootDir | Component::CurDir));
    let (first, has_more) = (names.next(), names.next().is_some());
    let begins = has_more && (path.is_absolute() || first.is_some_and(|first| Path::new(&first).is_dir()));
    let is_path = begins || path.exists();
    if is_path { path.display().to_string() } else { format!("{HIDDEN} (no existing path; it may be a secret)") }
}

/// Returns a URL or a connection string without its user, password and unknown parameters.
fn url(text: &str) -> String {
    if let Some((name, _)) = text.split_once('=')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return connection_string(text);
    }
    let (text, fragment) = text.split_once('#').map_or((text, ""), |(text, _)| (text, "#***"));
    let (place, query) = text.split_once('?').map_or((text, None), |(place, query)| (place, Some(query)));
    let (scheme, rest) = place.split_once("://").map_or(("", place), |(scheme, rest)| (scheme, rest));
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, place)| format!("{HIDDEN}@{place}"));
    // A password with `?` ends behind it.
    let (rest, query) = match query.and_then(|query| query.rsplit_once('@')) {
        Some((_, place)) => (format!("{HIDDEN}@{place}"), None),
        None => (rest, query),
    };
    let query = query.map(|query| format!("?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&")));
    let separator = if place.contains("://") { "://" } else { "" };
    format!("{scheme}{separator}{rest}{}{fragment}", query.unwrap_or_default())
}

fn parameter(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if is_shown(name) => pair.to_owned(),
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

/// Returns the words of `name=value` up to the first one whose value is not shown. Its value may have spaces.
fn connection_string(text: &str) -> String {
    let mut shown = Vec::new();
    for word in text.split_whitespace() {
        let is_shown = word.split_once('=').is_some_and(|(name, _)| is_shown(name));
        shown.push(parameter(word));
        if !is_shown {
            break;
        }
    }
    shown.join(" ")
}

fn is_shown(name: &str) -> bool {
    SHOWN_PARAMETERS.iter().any(|shown| shown.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_urls_are_hidden_wherever_they_stand() {
        for (text, shown) in [
            ("postgres://ada:p@ss@db:1/x?sslmode=require", "postgres://***@db:1/x?sslmode=require"),
            (
                "postgres:///x?host=/run&user=a&password=p&sslpassword=q",
                "postgres:///x?host=/run&user=a&password=***&sslpassword=***",
            ),
            ("postgres://db/x", "postgres://db/x"),
            ("postgres://ada:hunter?2@db/x", "postgres://***@db/x"),
            ("sqlite:/var/x.db", "sqlite:/var/x.db"),
            ("sqlite:/var/a=b.db", "sqlite:/var/a=b.db"),
            ("host=db password=hunter2 dbname=x", "host=db password=***"),
            ("host=db port=1 password='a b' dbname=x", "host=db port=1 password=***"),
            ("password=hunter2", "password=***"),
            ("https://billing.example/usage?token=hunter2&x", "https://billing.example/usage?token=***&***"),
            ("https://billing.example/#hunter2", "https://billing.example/#***"),
            ("mysql:ada:hunter2@db", "***@db"),
        ] {
            assert_eq!(url(text), shown);
        }
    }

    #[test]
    fn a_secret_in_place_of_a_path_is_hidden() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for shown in ["/etc/venna/token", "/none/token", "src/token", "./src/token"]
            .map(Path::new)
            .into_iter()
            .chain([file.path()])
        {
            assert_eq!(path(shown), shown.display().to_string());
        }
        for hidden in ["hunter2", "aGVsbG8/d29ybGQ=", "/aGVsbG8", "./hunter2"] {
            assert_eq!(path(Path::new(hidden)), "*** (no existing path; it may be a secret)");
        }
    }
}
