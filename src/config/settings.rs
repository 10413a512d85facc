//! The one list of settings.

use std::fmt;
use std::ops::RangeInclusive;

/// Which commands take a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Every command that opens the data directory.
    Stores,
    /// `serve` and `check`.
    Server,
}

/// One thing that an operator may set: the flag `--name`, the variable `VENNA_NAME`, the key `name`.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name, with `_` between words.
    pub name: &'static str,
    /// What stands for its value in help texts.
    pub placeholder: &'static str,
    /// The default as text; none for what is off or derived when not set.
    pub default: Option<&'static str>,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Which commands take it.
    pub used_by: Use,
}

/// What the value of a setting may be.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A path of this machine.
    Path,
    /// An address and a port.
    Address,
    /// An address and a port, or `off`.
    AddressOrOff,
    /// An `http` or `https` URL without a query.
    HttpUrl,
    /// An `http` or `https` URL without a query, a user or a password.
    SinkUrl,
    /// Any number of addresses and networks.
    Networks,
    /// Origins of web pages, `*` or `off`.
    Origins,
    /// A folder of this machine, or a bucket and what its keys begin with.
    BlobsUrl,
    /// A scheme and a path of this machine.
    PathUrl {
        /// The scheme, with its colon.
        scheme: &'static str,
    },
    /// A SQLite database, or one of a PostgreSQL server.
    MetadataUrl,
    /// A whole number within bounds.
    Whole {
        /// What is counted; empty for things that have no unit.
        unit: &'static str,
        /// The bounds, both valid.
        bounds: RangeInclusive<u64>,
    },
    /// One of some words.
    Word(&'static [&'static str]),
}

impl fmt::Display for Kind {
    /// What would be valid, as the end of a sentence.
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
    /// The flag without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("VENNA_{}", self.name.to_ascii_uppercase())
    }
}

/// The scheme of a SQLite database.
pub(super) const SQLITE: &str = "sqlite:";
/// The schemes of a database of a PostgreSQL server.
pub(super) const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];
/// The scheme of a folder.
pub(super) const FILE: &str = "file:";
const SECONDS: Kind = Kind::Whole { unit: "seconds", bounds: 1..=86_400 };
const LONG_SECONDS: Kind = Kind::Whole { unit: "seconds", bounds: 0..=366 * 86_400 };
const COUNT: Kind = Kind::Whole { unit: "", bounds: 1..=1_000_000 };

/// Every setting, in the order in which people read them.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "data_dir",
        placeholder: "DIR",
        default: Some("./venna-data"),
        help: "The folder that holds the installation.",
        kind: Kind::Path,
        used_by: Use::Stores,
    },
    Setting {
        name: "metadata_url",
        placeholder: "URL",
        default: None,
        help: "The metadata store; `venna.db` in the data directory when not set.",
        kind: Kind::MetadataUrl,
        used_by: Use::Stores,
    },
    Setting {
        name: "blobs_url",
        placeholder: "URL",
        default: None,
        help: "The blob store; the folder `blobs` in the data directory when not set. Buckets are reached by the variables of their clouds, such as `AWS_ACCESS_KEY_ID`.",
        kind: Kind::BlobsUrl,
        used_by: Use::Stores,
    },
    Setting {
        name: "blobs_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("30"),
        help: "How long a blob store in the cloud may take for a request, with all that is tried again; what carries many bytes gets more.",
        kind: SECONDS,
        used_by: Use::Stores,
    },
    Setting {
        name: "listen",
        placeholder: "ADDRESS",
        default: Some("127.0.0.1:8080"),
        help: "Where the API listens; port 0 takes a free one, which is printed.",
        kind: Kind::Address,
        used_by: Use::Server,
    },
    Setting {
        name: "admin_listen",
        placeholder: "ADDRESS",
        default: Some("127.0.0.1:8081"),
        help: "Where `/healthz` and `/readyz` listen apart from the API; `off` for nowhere.",
        kind: Kind::AddressOrOff,
        used_by: Use::Server,
    },
    Setting {
        name: "public_url",
        placeholder: "URL",
        default: None,
        help: "The address under which clients reach the server, where one must be written; the bound address when not set.",
        kind: Kind::HttpUrl,
        used_by: Use::Server,
    },
    Setting {
        name: "trusted_proxies",
        placeholder: "NETWORKS",
        default: None,
        help: "The proxies whose `X-Forwarded-For` tells where a request comes from; nobody's does when not set.",
        kind: Kind::Networks,
        used_by: Use::Server,
    },
    Setting {
        name: "cors_origins",
        placeholder: "ORIGINS",
        default: Some("*"),
        help: "The origins whose pages may use the API from a browser: `*` for all, `off` for none, or a list.",
        kind: Kind::Origins,
        used_by: Use::Server,
    },
    Setting {
        name: "bootstrap_key_file",
        placeholder: "FILE",
        default: None,
        help: "A file holding a well-formed `vk_` key that is installed in workspace `default`, however often the server starts.",
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
        help: "The largest file that is kept in the database, where many uploads share one fsync; 0 for none; when not set, 65536 in SQLite and 0 in PostgreSQL.",
        kind: Kind::Whole { unit: "bytes", bounds: 0..=256 << 10 },
        used_by: Use::Server,
    },
    Setting {
        name: "upload_ttl_seconds",
        placeholder: "SECONDS",
        default: Some("3600"),
        help: "How long an Upload takes parts before it expires.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "strict_jsonl",
        placeholder: "BOOL",
        default: Some("false"),
        help: "Whether a batch or fine-tune file with bad lines is refused; otherwise it gets `status: error`.",
        kind: Kind::Word(&["true", "false"]),
        used_by: Use::Server,
    },
    Setting {
        name: "blobs_redirect",
        placeholder: "BOOL",
        default: Some("false"),
        help: "Whether a download is answered with a redirect to the bucket (`s3:`, `gs:`), which clients must be able to reach.",
        kind: Kind::Word(&["true", "false"]),
        used_by: Use::Server,
    },
    Setting {
        name: "max_connections",
        placeholder: "N",
        default: Some("4096"),
        help: "Connections open at once; for a further one the connection is closed that has been idle longest, or, when none is idle, it waits to be accepted.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_connections_per_address",
        placeholder: "N",
        default: Some("1024"),
        help: "Connections open at once from one address (of IPv6 one /64); further ones are answered 429 and closed. Addresses in `trusted_proxies` are not counted.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_concurrent_uploads",
        placeholder: "N",
        default: Some("512"),
        help: "Uploads in flight at once; further ones are answered 429.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_concurrent_uploads_per_workspace",
        placeholder: "N",
        default: Some("256"),
        help: "Uploads in flight at once of one workspace, unless `venna limits` says otherwise; fewer while others upload, too; further ones are answered 429.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_concurrent_downloads",
        placeholder: "N",
        default: Some("1024"),
        help: "Downloads from blobs at once, half of them of one workspace, and fewer while others download, too; a further one waits 10 seconds at most and is then answered 429.",
        kind: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_failed_logins_per_minute",
        placeholder: "N",
        default: Some("60"),
        help: "Requests with keys that open nothing that one address (of IPv6 one /64) may send a minute; further ones are answered 429, and keys that the server has accepted before never; 0 for no limit.",
        kind: Kind::Whole { unit: "", bounds: 0..=1_000_000 },
        used_by: Use::Server,
    },
    Setting {
        name: "header_read_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("30"),
        help: "Time for a request's head to arrive.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "idle_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("620"),
        help: "Time for an idle connection to begin its next request, as `Keep-Alive` says it; longer than the idle time of the balancers before the server, or they answer 502.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "send_stall_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("300"),
        help: "Time in which a client must acknowledge something of an answer, by its TCP; a reader that moves is never cut off.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "body_min_bytes_per_second",
        placeholder: "BYTES",
        default: Some("1024"),
        help: "The slowest request body that is waited for, measured over the body window.",
        kind: Kind::Whole { unit: "bytes a second", bounds: 1..=1 << 40 },
        used_by: Use::Server,
    },
    Setting {
        name: "body_window_seconds",
        placeholder: "SECONDS",
        default: Some("30"),
        help: "The time over which the rate of a request body is measured.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "drain_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("15"),
        help: "Time that requests in flight get to finish once the server is told to stop.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "sweep_interval_seconds",
        placeholder: "SECONDS",
        default: Some("60"),
        help: "Time between two sweeps for expired and left-over files; deletions are swept at once.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "stray_check_interval_seconds",
        placeholder: "SECONDS",
        default: Some("3600"),
        help: "Time over which one look at the names of all blobs is spread; what no row explains is put in quarantine.",
        kind: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "scrub_interval_seconds",
        placeholder: "SECONDS",
        default: Some("2592000"),
        help: "Time from the beginning of one scrub of all blobs to that of the next, 30 days; 0 for none.",
        kind: LONG_SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "scrub_max_mib_per_second",
        placeholder: "MIB",
        default: Some("64"),
        help: "The highest rate of the server's scrub. The rate is what it takes to read everything within the interval, and 4 MiB a second at least.",
        kind: Kind::Whole { unit: "MiB a second", bounds: 1..=1_000_000 },
        used_by: Use::Server,
    },
    Setting {
        name: "audit_retention_days",
        placeholder: "DAYS",
        default: Some("400"),
        help: "How long entries of the audit log are kept; 0 for ever.",
        kind: Kind::Whole { unit: "days", bounds: 0..=36_500 },
        used_by: Use::Server,
    },
    Setting {
        name: "ledger_detail_days",
        placeholder: "DAYS",
        default: Some("62"),
        help: "How long the ledger keeps the reads of each second apart; older ones become one row for each key, kind of read, purpose and minute. 0 for ever.",
        kind: Kind::Whole { unit: "days", bounds: 0..=36_500 },
        used_by: Use::Server,
    },
    Setting {
        name: "delete_delay_seconds",
        placeholder: "SECONDS",
        default: None,
        help: "How long the bytes of a deleted file are kept, for downloads that are under way; 600 in the cloud, 0 in a folder, when not set.",
        kind: LONG_SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "usage_sink_url",
        placeholder: "URL",
        default: None,
        help: "Where usage is sent hour by hour, as CloudEvents; nowhere when not set.",
        kind: Kind::SinkUrl,
        used_by: Use::Server,
    },
    Setting {
        name: "usage_sink_token_file",
        placeholder: "FILE",
        default: None,
        help: "A file holding the token that is sent there as `Authorization: Bearer`.",
        kind: Kind::Path,
        used_by: Use::Server,
    },
    Setting {
        name: "usage_sink_secret_file",
        placeholder: "FILE",
        default: None,
        help: "A file holding the `whsec_` secret with which what is sent there is signed, by Standard Webhooks.",
        kind: Kind::Path,
        used_by: Use::Server,
    },
    Setting {
        name: "alert_sink_url",
        placeholder: "URL",
        default: None,
        help: "Who is told when a workspace has spent 80 % and all of its `monthly_spend_cents`; nobody when not set.",
        kind: Kind::SinkUrl,
        used_by: Use::Server,
    },
    Setting {
        name: "alert_sink_secret_file",
        placeholder: "FILE",
        default: None,
        help: "A file holding the `whsec_` secret with which alerts are signed, by Standard Webhooks; needed for them.",
        kind: Kind::Path,
        used_by: Use::Server,
    },
    Setting {
        name: "log_format",
        placeholder: "FORMAT",
        default: None,
        help: "Form of log lines on standard error; `text` on a terminal, else `json`, when not set.",
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
