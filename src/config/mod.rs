//! What an operator may set, and what is in force.
//!
//! [`SETTINGS`] is the one list of settings: flags, environment variables, the keys of the configuration file, `--help`,
//! `venna check` and `docs/config.md` are all made from it. A value is taken from the flag, else `VENNA_*`, else the
//! file, else the default. Prices are no settings: they stand in the file only. This module imports no other.

mod blobs;
mod cors;
mod effective;
mod log;
mod metadata;
mod parse;
mod prices;
mod reference;
mod resolve;
mod settings;

pub use blobs::{BlobsConfig, CloudConfig, CloudScheme, CloudVariables};
pub use cors::CorsOrigins;
pub use effective::{Effective, Origin, SettingError};
pub use log::{LogFormat, LogLevel};
pub use metadata::{DatabaseUrl, MetadataConfig};
pub use prices::{ItemPriceConfig, PriceConfig, PriceUnit, PricedItem};
pub use reference::reference;
pub use resolve::Layers;
pub use settings::{Kind, SETTINGS, Setting, Use};

use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The effective configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the installation lives.
    pub stores: StoreConfig,
    /// Where the server listens.
    pub listeners: ListenConfig,
    /// What one request, connection or process may take.
    pub limits: LimitConfig,
    /// Form of log lines; chosen by whether standard error is a terminal when not set.
    pub log_format: Option<LogFormat>,
    /// Least severe level that is logged.
    pub log_level: LogLevel,
    /// A file holding a well-formed key to install in workspace `default`.
    pub bootstrap_key_file: Option<PathBuf>,
    /// How long an Upload takes parts.
    pub upload_ttl: Duration,
    /// Batch and fine-tune files with bad lines are refused, not only marked.
    pub strict_jsonl: bool,
    /// Downloads are answered with a redirect to the store in the cloud where that can be.
    pub blobs_redirect: bool,
    /// What the server does by itself.
    pub upkeep: UpkeepConfig,
    /// Where usage is sent.
    pub usage_sink: SinkConfig,
    /// Where spend alerts are sent.
    pub alert_sink: SinkConfig,
    /// What usage costs, from the oldest version to the newest; none and it costs nothing.
    pub prices: Vec<PriceConfig>,
}

/// Where metadata and blobs are kept.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The data directory: lock, first key, and by default the stores.
    pub data_dir: PathBuf,
    /// The metadata store.
    pub metadata: MetadataConfig,
    /// Where blobs are kept.
    pub blobs: BlobsConfig,
    /// How long a store in the cloud may take for a request, retries included.
    pub blobs_timeout: Duration,
}

impl StoreConfig {
    /// The folder of blobs, where they have one.
    #[must_use]
    pub fn blobs_folder(&self) -> Option<&Path> {
        match &self.blobs {
            BlobsConfig::Folder(folder) => Some(folder),
            BlobsConfig::Cloud(_) => None,
        }
    }

    /// The SQLite database, if the metadata is in one.
    #[must_use]
    pub fn database(&self) -> Option<&Path> {
        match &self.metadata {
            MetadataConfig::Sqlite(path) => Some(path),
            MetadataConfig::Postgres(_) => None,
        }
    }
}

/// Where the server listens.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// The API.
    pub main: SocketAddr,
    /// Health for operators; none when switched off.
    pub admin: Option<SocketAddr>,
    /// The address that is written where a URL is shown; the bound address when not set.
    pub public_url: Option<String>,
    /// The networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may use the API from a browser.
    pub cors_origins: CorsOrigins,
}

/// What one request, connection or process may take.
#[derive(Clone, Copy, Debug)]
pub struct LimitConfig {
    /// Largest file of one `POST /v1/files`, in bytes.
    pub max_file_bytes: u64,
    /// Largest file that the metadata store keeps, in bytes; 0 for none.
    pub inline_max_bytes: u64,
    /// Connections open at once.
    pub max_connections: usize,
    /// Connections open at once of one network that is not a trusted proxy.
    pub max_connections_per_address: usize,
    /// Uploads in flight at once.
    pub max_concurrent_uploads: usize,
    /// Uploads in flight at once of one workspace that has no limit of its own.
    pub max_workspace_uploads: usize,
    /// Downloads from blobs at once.
    pub max_concurrent_downloads: usize,
    /// Requests with keys that open nothing that are let pass a minute for each network; 0 for any number.
    pub max_failed_logins_per_minute: u32,
    /// Time for a request's head.
    pub header_read_timeout: Duration,
    /// Time for an idle connection to begin its next request.
    pub idle_timeout: Duration,
    /// Time in which a client must acknowledge something of an answer.
    pub send_stall_timeout: Duration,
    /// Fewest bytes a second that a request body may bring over [`Self::body_window`].
    pub body_min_bytes_per_second: u64,
    /// The time over which that rate is measured.
    pub body_window: Duration,
    /// Time that requests in flight get to finish once the server is told to stop.
    pub drain_timeout: Duration,
}

/// What the server does by itself, and how often.
#[derive(Clone, Copy, Debug)]
pub struct UpkeepConfig {
    /// Time between two sweeps that nothing asked for.
    pub sweep_interval: Duration,
    /// Time of one look at the names of all blobs.
    pub stray_check_interval: Duration,
    /// Time from scrub to scrub; zero for none.
    pub scrub_interval: Duration,
    /// The highest rate of a scrub, in bytes a second.
    pub scrub_max_bytes_per_second: u64,
    /// How long entries of the audit log are kept; zero for ever.
    pub audit_retention: Duration,
    /// The time for which the ledger keeps the reads of each second apart; zero for ever.
    pub ledger_detail: Duration,
    /// How long the bytes of what was deleted are kept at least; chosen by where they are when not set.
    pub delete_delay: Option<Duration>,
}

/// Where messages are sent.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// What the names of its settings begin with.
    pub name: &'static str,
    /// The address; nowhere when not set.
    pub url: Option<String>,
    /// A file holding the token that the receiver asks for.
    pub token_file: Option<PathBuf>,
    /// A file holding the secret with which messages are signed.
    pub secret_file: Option<PathBuf>,
}

impl Config {
    /// Takes every setting from the first layer that has it.
    ///
    /// # Errors
    /// The first setting whose value cannot be used, with its origin and what would be valid.
    pub fn resolve(layers: &Layers) -> Result<(Self, Vec<Effective>), SettingError> {
        let mut from = resolve::Resolver::new(layers)?;
        let stores = stores(&mut from)?;
        let config = Self {
            limits: limits(&mut from, stores.metadata.default_inline_max_bytes())?,
            stores,
            listeners: ListenConfig {
                main: from.take("listen", parse::address)?,
                admin: from.take("admin_listen", parse::address_or_off)?,
                public_url: from.take_optional("public_url", parse::http_url)?,
                trusted_proxies: from.take_optional("trusted_proxies", parse::networks)?.unwrap_or_default(),
                cors_origins: from.take("cors_origins", cors::origins)?,
            },
            log_format: from.take_optional("log_format", log::log_format)?,
            log_level: from.take("log_level", log::log_level)?,
            bootstrap_key_file: from.take_optional("bootstrap_key_file", parse::path)?,
            upload_ttl: from.take("upload_ttl_seconds", parse::seconds)?,
            strict_jsonl: from.take("strict_jsonl", parse::yes_or_no)?,
            blobs_redirect: from.take("blobs_redirect", parse::yes_or_no)?,
            upkeep: upkeep(&mut from)?,
            usage_sink: SinkConfig {
                name: "usage_sink",
                url: from.take_optional("usage_sink_url", parse::sink_url)?,
                token_file: from.take_optional("usage_sink_token_file", parse::path)?,
                secret_file: from.take_optional("usage_sink_secret_file", parse::path)?,
            },
            alert_sink: SinkConfig {
                name: "alert_sink",
                url: from.take_optional("alert_sink_url", parse::sink_url)?,
                token_file: None,
                secret_file: from.take_optional("alert_sink_secret_file", parse::path)?,
            },
            prices: from.take_prices(),
        };
        Ok((config, from.into_effective()))
    }
}

fn stores(from: &mut resolve::Resolver<'_>) -> Result<StoreConfig, SettingError> {
    let data_dir = from.take("data_dir", parse::path)?;
    let metadata = from.take_optional("metadata_url", metadata::parse)?;
    let variables = from.cloud_variables();
    let blobs = from.take_optional("blobs_url", |_, text| blobs::blobs_url(text, variables))?;
    Ok(StoreConfig {
        metadata: metadata.unwrap_or_else(|| MetadataConfig::Sqlite(data_dir.join("venna.db"))),
        blobs: blobs.unwrap_or_else(|| BlobsConfig::Folder(data_dir.join("blobs"))),
        blobs_timeout: from.take("blobs_timeout_seconds", parse::seconds)?,
        data_dir,
    })
}

fn upkeep(from: &mut resolve::Resolver<'_>) -> Result<UpkeepConfig, SettingError> {
    Ok(UpkeepConfig {
        sweep_interval: from.take("sweep_interval_seconds", parse::seconds)?,
        stray_check_interval: from.take("stray_check_interval_seconds", parse::seconds)?,
        scrub_interval: from.take("scrub_interval_seconds", parse::seconds)?,
        scrub_max_bytes_per_second: from.take("scrub_max_mib_per_second", parse::mebibytes)?,
        audit_retention: from.take("audit_retention_days", parse::days)?,
        ledger_detail: from.take("ledger_detail_days", parse::days)?,
        delete_delay: from.take_optional("delete_delay_seconds", parse::seconds)?,
    })
}

fn limits(from: &mut resolve::Resolver<'_>, inline_max_bytes: u64) -> Result<LimitConfig, SettingError> {
    Ok(LimitConfig {
        max_file_bytes: from.take("max_file_bytes", parse::whole)?,
        inline_max_bytes: from.take_optional("inline_max_bytes", parse::whole)?.unwrap_or(inline_max_bytes),
        max_connections: from.take("max_connections", parse::count)?,
        max_connections_per_address: from.take("max_connections_per_address", parse::count)?,
        max_concurrent_uploads: from.take("max_concurrent_uploads", parse::count)?,
        max_workspace_uploads: from.take("max_concurrent_uploads_per_workspace", parse::count)?,
        max_concurrent_downloads: from.take("max_concurrent_downloads", parse::count)?,
        max_failed_logins_per_minute: from.take("max_failed_logins_per_minute", parse::number)?,
        header_read_timeout: from.take("header_read_timeout_seconds", parse::seconds)?,
        idle_timeout: from.take("idle_timeout_seconds", parse::seconds)?,
        send_stall_timeout: from.take("send_stall_timeout_seconds", parse::seconds)?,
        body_min_bytes_per_second: from.take("body_min_bytes_per_second", parse::whole)?,
        body_window: from.take("body_window_seconds", parse::seconds)?,
        drain_timeout: from.take("drain_timeout_seconds", parse::seconds)?,
    })
}

#[cfg(test)]
mod tests {
    #[expect(clippy::disallowed_methods, reason = "a file of a test")]
    pub(super) fn file_of(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }
}
