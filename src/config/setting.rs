//! A setting: its names, its default, its help and the kind of its value.

use super::quantity::Unit;
use std::fmt;
use std::ops::RangeInclusive;

/// The commands that take a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Every command that opens the data directory.
    Stores,
    /// `serve` and `check`.
    Server,
}

/// The effect of a reload (SIGHUP) on a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// None: a change needs a restart.
    Restart,
    /// A changed value takes effect. A file that it names is read again.
    Value,
    /// A changed value takes effect while the setting is set before and after. To set or unset it needs a restart.
    WhileSet,
}

impl fmt::Display for Reload {
    /// Formats the effect for the documentation.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Restart => "-",
            Self::Value => "yes",
            Self::WhileSet => "while set",
        })
    }
}

/// A setting: the flag `--name`, the variable `VENNA_NAME`, the key `name`.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name, with `_` between words.
    pub name: &'static str,
    /// The placeholder of its value in help texts.
    pub placeholder: &'static str,
    /// The default as text; none when unset means off or derived.
    pub default: Option<&'static str>,
    /// Its help text, one sentence.
    pub help: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// The commands that take it.
    pub used_by: Use,
    /// The effect of a reload on it.
    pub reload: Reload,
}

/// The kind of a setting's value.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A path on this machine.
    Path,
    /// An address and a port.
    Address,
    /// An address and a port, or `off`.
    AddressOrOff,
    /// An `http` or `https` URL without a query.
    HttpUrl,
    /// An `http` or `https` URL without a query, a user or a password.
    SinkUrl,
    /// Addresses and networks.
    Networks,
    /// Origins of web pages, `*` or `off`.
    Origins,
    /// A folder on this machine, or a bucket with a key prefix.
    BlobsUrl,
    /// A scheme and a path on this machine.
    PathUrl {
        /// The scheme, with its colon.
        scheme: &'static str,
    },
    /// A SQLite or PostgreSQL database.
    MetadataUrl,
    /// A whole number within bounds.
    Whole {
        /// The unit.
        unit: Unit,
        /// The bounds, inclusive.
        bounds: RangeInclusive<u64>,
    },
    /// An issuer of OpenID tokens.
    Issuer,
    /// A text without control characters.
    Text,
    /// Scopes between spaces.
    Scopes,
    /// Rules over the claims of people.
    OidcRules,
    /// One of several words.
    Word(&'static [&'static str]),
}

impl fmt::Display for Kind {
    /// Formats the valid values as the end of a sentence.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => out.write_str("a path"),
            Self::Address => out.write_str("ADDRESS:PORT, for example 127.0.0.1:8080, localhost:8080 or [::1]:0; :8080 is that port on all addresses"),
            Self::AddressOrOff => out.write_str("ADDRESS:PORT, for example 127.0.0.1:8081 or localhost:8081, or off"),
            Self::HttpUrl => out.write_str("an http:// or https:// URL without a query"),
            Self::SinkUrl => out.write_str("an http:// or https:// URL without a query, a user or a password"),
            Self::Networks => out.write_str(
                "IP addresses or CIDR networks between commas, for example 127.0.0.1,10.0.0.0/8,fd00::/8; in the file also an array of them",
            ),
            Self::Origins => out.write_str(
                "*, off, or origins between commas, for example https://app.example,http://localhost:3000; in the file also an array of them",
            ),
            Self::MetadataUrl => out.write_str("sqlite:PATH, or postgres://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETERS; without a password, that of PGPASSWORD, or of a password file (passfile=, PGPASSFILE, ~/.pgpass)"),
            Self::BlobsUrl => out.write_str(
                "file:PATH, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX; a prefix is optional, and has letters, digits, `-`, `_`, `.` and `/` only",
            ),
            Self::PathUrl { scheme } => write!(out, "{scheme}PATH, which is all that this build serves"),
            Self::Whole { unit, bounds } => {
                let of = if *unit == Unit::Count { String::new() } else { format!(" of {}", unit.name()) };
                write!(out, "a whole number{of} from {} to {}", bounds.start(), bounds.end())?;
                unit.example().map_or(Ok(()), |example| write!(out, ", or such as {example}"))
            }
            Self::Issuer => out.write_str("an https:// URL without a query, a user or a password; http:// on this machine only"),
            Self::Text => out.write_str("a text of up to 512 bytes without control characters"),
            Self::Scopes => out.write_str("scopes between spaces, `openid` among them"),
            Self::OidcRules => out.write_str(
                r#"a JSON array such as [{"claim": "groups", "value": "ml", "workspace": "research", "role": "writer"}], with the roles reader, writer and owner, or without a workspace the role administrator; in the file [[oidc_rules]] tables"#,
            ),
            Self::Word(words) => out.write_str(&words.join(" or ")),
        }
    }
}

impl Setting {
    /// Returns the flag without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Returns whether the value is the path of a file with a secret.
    pub(super) fn holds_secret(&self) -> bool {
        self.name.ends_with("_file") || self.name.ends_with("tls_key")
    }

    /// Returns the environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("VENNA_{}", self.name.to_ascii_uppercase())
    }
}
