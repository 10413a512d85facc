//! The one list of settings.

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
        /// The unit; empty for plain counts.
        unit: &'static str,
        /// The bounds, inclusive.
        bounds: RangeInclusive<u64>,
    },
    /// One of several words.
    Word(&'static [&'static str]),
}

impl fmt::Display for Kind {
    /// Formats the valid values as the end of a sentence.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => out.write_str("a path"),
            Self::Address => out.write_str("ADDRESS:PORT, for example 127.0.0.1:8080 or [::1]:0"),
            Self::AddressOrOff => out.write_str("ADDRESS:PORT, for example 127.0.0.1:8081, or off"),
            Self::HttpUrl => out.write_str("an http:// or https:// URL without a query"),
            Self::SinkUrl => out.write_str("an http:// or https:// URL without a query, a user or a password"),
            Self::Networks => out.write_str(
                "IP addresses or CIDR networks between commas, for example 127.0.0.1,10.0.0.0/8,fd00::/8; in the file also an array of them",
            ),
            Self::Origins => out.write_str(
                "*, off, or origins between commas, for example https://app.example,http://localhost:3000; in the file also an array of them",
            ),
            Self::MetadataUrl => out.write_str("sqlite:PATH, or postgres://USER@HOST:PORT/DATABASE as libpq has it"),
            Self::BlobsUrl => out.write_str(
                "file:PATH, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX; a prefix is optional, and has letters, digits, `-`, `_`, `.` and `/` only",
            ),
            Self::PathUrl { scheme } => write!(out, "{scheme}PATH, which is all that this build serves"),
            Self::Whole { unit, bounds } => {
                let of = if unit.is_empty() { String::new() } else { format!(" of {unit}") };
                write!(out, "a whole number{of} from {} to {}", bounds.start(), bounds.end())
            }
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

    /// Returns the environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("VENNA_{}", self.name.to_ascii_uppercase())
    }
}

/// The scheme of a SQLite database.
pub(super) const SQLITE: &str = "sqlite:";
/// The schemes of a PostgreSQL database.
pub(super) const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];
/// The scheme of a folder.
pub(super) const FILE: &str = "file:";
const SECONDS: Kind = Kind::Whole { unit: "seconds", bounds: 1..=86_400 };
const LONG_SECONDS: Kind = Kind::Whole { unit: "seconds", bounds: 0..=366 * 86_400 };
const COUNT: Kind = Kind::Whole { unit: "", bounds: 1..=1_000_000 };

/// Every setting, in the order of the documentation.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "data_dir",
        placeholder: "DIR",
        default: Some("./venna-data"),
        help: "The data directory of the installation.",
        kind: Kind::Path,
        used_by: Use::Stores,
    },
    Setting {
        name: "metadata_url",
        placeholder: "URL",
        default: None,
        help: "The metadata store; by default `venna.db` in the data directory.",
        kind: Kind::MetadataUrl,
        used_by: Use::Stores,
    },
    Setting {
        name: "blobs_url",
        placeholder: "URL",
        default: None,
        help: "The blob store; by default the folder `blobs` in the data directory. Buckets are configured by the environment variables of their clouds, such as `AWS_ACCESS_KEY_ID`.",
        kind: Kind::BlobsUrl,
        used_by: Use::Stores,
    },
    Setting {
        name: "blobs_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("30"),
        help: "The time limit of a request to a bucket, retries included. Requests with many bytes get more.",
        kind: SECONDS,
        used_by: Use::Stores,
    },
    Setting {
        name: "listen",
        placeholder: "ADDRESS",
        default: Some("127.0.0.1:8080"),
        help: "The address of the API. Port 0 takes a free port, which is printed.",
        kind: Kind::Address,
        used_by: Use::Server,
    },
    Setting {
        name: "admin_listen",
        placeholder: "ADDRESS",
        default: Some("127.0.0.1:8081"),
        help: "The address of `/healthz` and `/readyz` apart from the API; `off` for none.",
        kind: Kind::AddressOrOff,
        used_by: Use::Server,
    },
    Setting {
        name: "public_url",
        placeholder: "URL",
        default: None,
        help: "The URL under which clients reach the server; by default the bound address.",
        kind: Kind::HttpUrl,
        used_by: Use::Server,
    },
    Setting {
        name: "trusted_proxies",
        placeholder: "NETWORKS",
        default: None,
        help: "The proxies whose `X-Forwarded-For` is trusted; none by default.",
        kind: Kind::Networks,
        used_by: Use::Server,
    },
    Setting {
        name: "cors_origins",
        placeholder: "ORIGINS",
        default: Some("*"),
        help: "The origins that may use the API from a browser: `*` for all, `off` for none, or a list.",
        kind: Kind::Origins,
        used_by: Use::Server,
    },
    Setting {
        name: "bootstrap_key_file",
        placeholder: "FILE",
        default: None,
        help: "A file with a well-formed `vk_` key, which each start installs in workspace `default` unless it is there.",
        kind: Kind::Path,
        used_by: Use::Server,
    },
    Setting {
        name: "max_file_bytes",
        placeholder: "BYTES",
        default: Some("536870912"),
        help: "The largest file of one `POST /v1/files`.",
        kind: Kind::Whole { unit: "bytes", bounds: 1..=8 << 30 },
        used_by: Use::Server,
    },
    Setting {
        name: "inline_max_bytes",
        placeholder: "BYTES",
        default: None,
        help: "The largest file that is stored in the database, where many uploads share one fsync; 0 for none. By default 65536 on SQLite and 0 on PostgreSQL.",
        kind: Kind::Whole { unit: "bytes", bounds: 0..=256 << 10 },
        used_by: Use::Server,
    },
    Setting {
        name: "upload_ttl_seconds",
        placeholder: "SECONDS",
        default: Some("3600"),
        help: "The time that an Upload accepts parts before it expires.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "strict_jsonl",
        placeholder: "BOOL",
        default: Some("false"),
        help: "Refuses batch and fine-tune files with invalid lines; otherwise they get `status: error`.",
        kind: Kind::Word(&["true", "false"]),
        used_by: Use::Server,
    },
    Setting {
        name: "blobs_redirect",
        placeholder: "BOOL",
        default: Some("false"),
        help: "Redirects downloads to the bucket (`s3:`, `gs:`), which clients must be able to reach.",
        kind: Kind::Word(&["true", "false"]),
        used_by: Use::Server,
    },
    Setting {
        name: "max_connections",
        placeholder: "N",
        default: Some("4096"),
        help: "The maximum of open connections. A further one replaces the connection that has been idle longest, or waits to be accepted when none is idle.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_connections_per_address",
        placeholder: "N",
        default: Some("1024"),
        help: "The maximum of open connections from one address (IPv6: one /64). Further ones are answered 429 and closed. Addresses in `trusted_proxies` are not counted.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_concurrent_uploads",
        placeholder: "N",
        default: Some("512"),
        help: "The maximum of parallel uploads. Further ones are answered 429.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_concurrent_uploads_per_workspace",
        placeholder: "N",
        default: Some("256"),
        help: "The maximum of parallel uploads of a workspace, unless `venna limits` sets another; less while other workspaces upload. Further ones are answered 429.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_concurrent_downloads",
        placeholder: "N",
        default: Some("1024"),
        help: "The maximum of parallel downloads from the blob store. A workspace gets at most half of them, and less while other workspaces download. A further one waits up to 10 seconds and is then answered 429.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_failed_logins_per_minute",
        placeholder: "N",
        default: Some("60"),
        help: "The number of requests with invalid keys per minute from one address (IPv6: one /64); 0 for no limit. Further ones are answered 429. Keys that the server has accepted before are never refused.",
        kind: Kind::Whole { unit: "", bounds: 0..=1_000_000 },
        used_by: Use::Server,
    },
    Setting {
        name: "header_read_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("30"),
        help: "The time limit of a request's head.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "idle_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("620"),
        help: "The time that an idle connection is kept, as announced in `Keep-Alive`. It must exceed the idle timeout of load balancers before the server, or they answer 502.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "send_stall_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("300"),
        help: "The time within which a client must acknowledge some bytes of a response by TCP. A slow reader is not cut off.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "body_min_bytes_per_second",
        placeholder: "BYTES",
        default: Some("1024"),
        help: "The minimum rate of a request body, measured over the body window.",
        kind: Kind::Whole { unit: "bytes a second", bounds: 1..=1 << 40 },
        used_by: Use::Server,
    },
    Setting {
        name: "body_window_seconds",
        placeholder: "SECONDS",
        default: Some("30"),
        help: "The window in which the rate of a request body is measured.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "drain_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("15"),
        help: "The time that running requests get to finish at shutdown.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "sweep_interval_seconds",
        placeholder: "SECONDS",
        default: Some("60"),
        help: "The time between two sweeps for expired and orphaned files. Deletions are swept at once.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "stray_check_interval_seconds",
        placeholder: "SECONDS",
        default: Some("3600"),
        help: "The time of one walk over the names of all blobs. Orphans, blobs without a row, are quarantined.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "scrub_interval_seconds",
        placeholder: "SECONDS",
        default: Some("2592000"),
        help: "The time between the starts of two scrubs of all blobs, by default 30 days; 0 for none.",
        kind: LONG_SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "scrub_max_mib_per_second",
        placeholder: "MIB",
        default: Some("64"),
        help: "The highest rate of the server's scrub. The rate is chosen to read everything within the interval, and is at least 4 MiB per second.",
        kind: Kind::Whole { unit: "MiB a second", bounds: 1..=1_000_000 },
        used_by: Use::Server,
    },
    Setting {
        name: "audit_retention_days",
        placeholder: "DAYS",
        default: Some("400"),
        help: "The retention of audit entries; 0 for ever.",
        kind: Kind::Whole { unit: "days", bounds: 0..=36_500 },
        used_by: Use::Server,
    },
    Setting {
        name: "ledger_detail_days",
        placeholder: "DAYS",
        default: Some("62"),
        help: "The time that the ledger keeps reads by the second. Older reads are merged into one row per key, operation, purpose and minute. 0 for ever.",
        kind: Kind::Whole { unit: "days", bounds: 0..=36_500 },
        used_by: Use::Server,
    },
    Setting {
        name: "delete_delay_seconds",
        placeholder: "SECONDS",
        default: None,
        help: "The time that the bytes of a deleted file are kept for running downloads; by default 600 in a bucket and 0 in a folder.",
        kind: LONG_SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "usage_sink_url",
        placeholder: "URL",
        default: None,
        help: "The URL that receives hourly usage as CloudEvents; none by default.",
        kind: Kind::SinkUrl,
        used_by: Use::Server,
    },
    Setting {
        name: "usage_sink_token_file",
        placeholder: "FILE",
        default: None,
        help: "A file with the token that the usage sink expects in `Authorization: Bearer`.",
        kind: Kind::Path,
        used_by: Use::Server,
    },
    Setting {
        name: "usage_sink_secret_file",
        placeholder: "FILE",
        default: None,
        help: "A file with the `whsec_` secret that signs messages to the usage sink by Standard Webhooks.",
        kind: Kind::Path,
        used_by: Use::Server,
    },
    Setting {
        name: "alert_sink_url",
        placeholder: "URL",
        default: None,
        help: "The URL that receives an alert when a workspace has spent 80 % and 100 % of its `monthly_spend_cents`; none by default.",
        kind: Kind::SinkUrl,
        used_by: Use::Server,
    },
    Setting {
        name: "alert_sink_secret_file",
        placeholder: "FILE",
        default: None,
        help: "A file with the `whsec_` secret that signs alerts by Standard Webhooks; required for alerts.",
        kind: Kind::Path,
        used_by: Use::Server,
    },
    Setting {
        name: "log_format",
        placeholder: "FORMAT",
        default: None,
        help: "The format of log lines on standard error; by default `text` on a terminal, else `json`.",
        kind: Kind::Word(&["text", "json"]),
        used_by: Use::Server,
    },
    Setting {
        name: "log_level",
        placeholder: "LEVEL",
        default: Some("info"),
        help: "The least severe level that is logged; `debug` logs every request.",
        kind: Kind::Word(&["error", "warn", "info", "debug"]),
        used_by: Use::Server,
    },
];
