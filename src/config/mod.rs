//! The configuration: the settings and their effective values.
//!
//! [`SETTINGS`] is the one list of settings: flags, environment variables, the keys of the configuration file,
//! `--help`, `venna check` and `docs/config.md` are all made from it. A value is taken from the flag, else `VENNA_*`,
//! else the file, else the default. Prices are no settings: they stand in the file only. This module imports no other.

mod blobs;
mod cors;
mod effective;
mod log;
mod metadata;
mod oidc;
mod parse;
mod prices;
mod quantity;
mod redacted;
mod reference;
mod reload;
mod resolve;
mod setting;
mod settings;

pub use blobs::{BlobsConfig, CloudConfig, CloudScheme, CloudVariables};
pub use cors::CorsOrigins;
pub use effective::{Effective, Origin, SettingError, ShownSetting};
pub use log::{AccessLogConfig, AccessLogFormat, LogFormat, LogLevel};
pub use metadata::{DatabaseUrl, DatabaseVariables, MetadataConfig};
pub use oidc::{OidcConfig, OidcRuleConfig};
pub use prices::{ItemPriceConfig, PriceConfig, PriceUnit, PricedItem};
pub use quantity::Unit;
pub use redacted::path as shown_path;
pub use reference::reference;
pub use reload::{Change, Reloaded};
pub use resolve::{Layers, unknown_variables};
pub use setting::{Kind, Reload, Setting, Use};
pub use settings::SETTINGS;

use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The effective configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The locations of the stores.
    pub stores: StoreConfig,
    /// The addresses of the server.
    pub listeners: ListenConfig,
    /// The limits of requests, connections and the process.
    pub limits: LimitConfig,
    /// The format of log lines; by default chosen by whether standard error is a terminal.
    pub log_format: Option<LogFormat>,
    /// The least severe level that is logged.
    pub log_level: LogLevel,
    /// The access log.
    pub access_log: AccessLogConfig,
    /// Workspaces have metrics of their own.
    pub metrics_per_workspace: bool,
    /// A file with a well-formed key to install in workspace `default`.
    pub bootstrap_key_file: Option<PathBuf>,
    /// The rules of Files and Uploads.
    pub files: FileConfig,
    /// The background tasks.
    pub upkeep: UpkeepConfig,
    /// The usage sink.
    pub usage_sink: SinkConfig,
    /// The sink of spend alerts.
    pub alert_sink: SinkConfig,
    /// The OpenID provider of the console.
    pub oidc: OidcConfig,
    /// The prices, oldest version first; empty for free usage.
    pub prices: Vec<PriceConfig>,
    /// Every setting with its value and origin, as people may see it.
    pub shown: Vec<ShownSetting>,
}

/// The rules of Files and Uploads.
#[derive(Clone, Copy, Debug)]
pub struct FileConfig {
    /// The time that an Upload accepts parts.
    pub upload_ttl: Duration,
    /// Batch and fine-tune files with invalid lines are refused, not only marked.
    pub strict_jsonl: bool,
    /// Downloads are redirected to the bucket where possible.
    pub blobs_redirect: bool,
    /// The content of uploads is served in Anthropic's dialect.
    pub anthropic_downloadable: bool,
}

/// The locations of metadata and blobs.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The data directory: lock, first key, and by default both stores.
    pub data_dir: PathBuf,
    /// The metadata store.
    pub metadata: MetadataConfig,
    /// The time limit of a request to PostgreSQL.
    pub metadata_timeout: Duration,
    /// The blob store.
    pub blobs: BlobsConfig,
    /// The time limit of a request to a bucket, retries included.
    pub blobs_timeout: Duration,
}

impl StoreConfig {
    /// Returns the blob folder; none for a bucket.
    #[must_use]
    pub fn blobs_folder(&self) -> Option<&Path> {
        match &self.blobs {
            BlobsConfig::Folder(folder) => Some(folder),
            BlobsConfig::Cloud(_) => None,
        }
    }

    /// Returns the SQLite database; none for PostgreSQL.
    #[must_use]
    pub fn database(&self) -> Option<&Path> {
        match &self.metadata {
            MetadataConfig::Sqlite(path) => Some(path),
            MetadataConfig::Postgres(_) => None,
        }
    }
}

/// The addresses of the server.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// The address of the API.
    pub main: SocketAddr,
    /// The address of the health checks apart from the API; none when off.
    pub admin: Option<SocketAddr>,
    /// The URL under which clients reach the server; the bound address when not set.
    pub public_url: Option<String>,
    /// The networks of trusted proxies, whose `X-Forwarded-For` is used.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins that may use the API from a browser.
    pub cors_origins: CorsOrigins,
    /// The file of the certificate chain of the API.
    pub tls_cert: Option<PathBuf>,
    /// The file of its private key.
    pub tls_key: Option<PathBuf>,
    /// The file of the certificate chain of `admin`.
    pub admin_tls_cert: Option<PathBuf>,
    /// The file of its private key.
    pub admin_tls_key: Option<PathBuf>,
    /// The file of the authorities of clients of `admin`.
    pub admin_client_ca: Option<PathBuf>,
}

/// The limits of requests, connections and the process.
#[derive(Clone, Copy, Debug)]
pub struct LimitConfig {
    /// The largest file of one `POST /v1/files`, in bytes.
    pub max_file_bytes: u64,
    /// The largest file in the metadata store, in bytes; 0 for none.
    pub inline_max_bytes: u64,
    /// The maximum of open connections.
    pub max_connections: usize,
    /// The maximum of open connections from one network that is not a trusted proxy.
    pub max_connections_per_address: usize,
    /// The maximum of parallel uploads.
    pub max_concurrent_uploads: usize,
    /// The maximum of parallel uploads of a workspace without a limit of its own.
    pub max_workspace_uploads: usize,
    /// The maximum of parallel downloads from the blob store.
    pub max_concurrent_downloads: usize,
    /// The number of requests with invalid keys that each network may make per minute; 0 for no limit.
    pub max_failed_logins_per_minute: u32,
    /// The time after which an unused session of the console ends.
    pub session_idle: Duration,
    /// The time after which every session of the console ends.
    pub session_max: Duration,
    /// The time limit of a request's head.
    pub header_read_timeout: Duration,
    /// The time limit of an idle connection.
    pub idle_timeout: Duration,
    /// The time within which a client must acknowledge some bytes of a response.
    pub send_stall_timeout: Duration,
    /// The minimum rate of a request body over [`Self::body_window`], in bytes per second.
    pub body_min_bytes_per_second: u64,
    /// The window in which that rate is measured.
    pub body_window: Duration,
    /// The time that running requests get to finish at shutdown.
    pub drain_timeout: Duration,
}

/// The background tasks and their intervals.
#[derive(Clone, Copy, Debug)]
pub struct UpkeepConfig {
    /// The time between two sweeps that nothing triggered.
    pub sweep_interval: Duration,
    /// The time of one walk over the names of all blobs.
    pub stray_check_interval: Duration,
    /// The time between two scrubs; zero for none.
    pub scrub_interval: Duration,
    /// The highest rate of a scrub, in bytes per second.
    pub scrub_max_bytes_per_second: u64,
    /// The retention of audit entries; zero for ever.
    pub audit_retention: Duration,
    /// The time that the ledger keeps reads by the second; zero for ever.
    pub ledger_detail: Duration,
    /// The minimum time that the bytes of deleted files are kept.
    pub delete_delay: Duration,
}

/// The address of a sink.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// The prefix of its settings' names.
    pub name: &'static str,
    /// The URL; none when not set.
    pub url: Option<String>,
    /// The file with the bearer token of the receiver.
    pub token_file: Option<PathBuf>,
    /// The file with the secret that signs messages.
    pub secret_file: Option<PathBuf>,
    /// Messages to it are never sent unsigned.
    pub is_always_signed: bool,
}

impl Config {
    /// Resolves every setting from the first layer that has it.
    ///
    /// # Errors
    /// The first invalid setting, with its origin and the valid values.
    pub fn resolve(layers: &Layers) -> Result<(Self, Vec<Effective>), SettingError> {
        let file = resolve::read_values(layers)?;
        Self::resolve_from(resolve::Resolver::new(layers, file, resolve::Kept::new()))
    }

    fn resolve_from(mut from: resolve::Resolver<'_>) -> Result<(Self, Vec<Effective>), SettingError> {
        let stores = stores(&mut from)?;
        let usual_delete_delay = stores.blobs.default_delete_delay();
        let mut config = Self {
            limits: limits(&mut from, stores.metadata.default_inline_max_bytes())?,
            stores,
            listeners: ListenConfig {
                main: from.take("listen", parse::address)?,
                admin: from.take("admin_listen", parse::address_or_off)?,
                public_url: from.take_optional("public_url", parse::http_url)?,
                trusted_proxies: from.take_optional("trusted_proxies", parse::networks)?.unwrap_or_default(),
                cors_origins: from.take("cors_origins", cors::origins)?,
                tls_cert: from.take_optional("tls_cert", parse::path)?,
                tls_key: from.take_optional("tls_key", parse::path)?,
                admin_tls_cert: from.take_optional("admin_tls_cert", parse::path)?,
                admin_tls_key: from.take_optional("admin_tls_key", parse::path)?,
                admin_client_ca: from.take_optional("admin_client_ca", parse::path)?,
            },
            log_format: from.take_optional("log_format", log::log_format)?,
            log_level: from.take("log_level", log::log_level)?,
            access_log: AccessLogConfig {
                format: from.take("access_log", log::access_log)?,
                file: from.take_optional("access_log_file", parse::path)?,
            },
            metrics_per_workspace: from.take("metrics_per_workspace", parse::yes_or_no)?,
            bootstrap_key_file: from.take_optional("bootstrap_key_file", parse::path)?,
            files: FileConfig {
                upload_ttl: from.take("upload_ttl_seconds", parse::seconds)?,
                strict_jsonl: from.take("strict_jsonl", parse::yes_or_no)?,
                blobs_redirect: from.take("blobs_redirect", parse::yes_or_no)?,
                anthropic_downloadable: from.take("anthropic_downloadable", parse::yes_or_no)?,
            },
            upkeep: upkeep(&mut from, usual_delete_delay)?,
            usage_sink: SinkConfig {
                name: "usage_sink",
                url: from.take_optional("usage_sink_url", parse::sink_url)?,
                token_file: from.take_optional("usage_sink_token_file", parse::path)?,
                secret_file: from.take_optional("usage_sink_secret_file", parse::path)?,
                is_always_signed: false,
            },
            alert_sink: SinkConfig {
                name: "alert_sink",
                url: from.take_optional("alert_sink_url", parse::sink_url)?,
                token_file: None,
                secret_file: from.take_optional("alert_sink_secret_file", parse::path)?,
                is_always_signed: true,
            },
            oidc: OidcConfig {
                issuer: from.take_optional("oidc_issuer", oidc::issuer)?,
                client_id: from.take_optional("oidc_client_id", oidc::text)?,
                client_secret_file: from.take_optional("oidc_client_secret_file", parse::path)?,
                scopes: from.take("oidc_scopes", oidc::scopes)?,
                rules: from.take_optional("oidc_rules", oidc::rules)?.unwrap_or_default(),
            },
            prices: from.take_prices(),
            shown: Vec::new(),
        };
        let scheme = if config.listeners.tls_cert.is_some() { "https" } else { "http" };
        from.describe("public_url", format!("{scheme}://{}", config.listeners.main));
        from.describe("log_format", "text on a terminal, else json".to_owned());
        let effective = from.into_effective();
        config.shown = effective.iter().map(ShownSetting::from).collect();
        Ok((config, effective))
    }
}

fn stores(from: &mut resolve::Resolver<'_>) -> Result<StoreConfig, SettingError> {
    let data_dir = from.take("data_dir", parse::path)?;
    let database = from.database_variables();
    let parse_metadata = |_: &Setting, text: &str| metadata::metadata_url(text, database);
    let metadata = MetadataConfig::Sqlite(data_dir.join("venna.db"));
    let metadata = from.take_or("metadata_url", parse_metadata, metadata, ToString::to_string)?;
    let variables = from.cloud_variables();
    let parse_blobs = |_: &Setting, text: &str| blobs::blobs_url(text, variables);
    let blobs = BlobsConfig::Folder(data_dir.join("blobs"));
    let blobs = from.take_or("blobs_url", parse_blobs, blobs, ToString::to_string)?;
    Ok(StoreConfig {
        data_dir,
        metadata,
        metadata_timeout: from.take("metadata_timeout_seconds", parse::seconds)?,
        blobs,
        blobs_timeout: from.take("blobs_timeout_seconds", parse::seconds)?,
    })
}

fn upkeep(from: &mut resolve::Resolver<'_>, usual_delete_delay: Duration) -> Result<UpkeepConfig, SettingError> {
    Ok(UpkeepConfig {
        sweep_interval: from.take("sweep_interval_seconds", parse::seconds)?,
        stray_check_interval: from.take("stray_check_interval_seconds", parse::seconds)?,
        scrub_interval: from.take("scrub_interval_seconds", parse::seconds)?,
        scrub_max_bytes_per_second: from.take("scrub_max_mib_per_second", parse::mebibytes)?,
        audit_retention: from.take("audit_retention_days", parse::days)?,
        ledger_detail: from.take("ledger_detail_days", parse::days)?,
        delete_delay: from
            .take_or("delete_delay_seconds", parse::seconds, usual_delete_delay, |usual| usual.as_secs().to_string())?,
    })
}

fn limits(from: &mut resolve::Resolver<'_>, inline_max_bytes: u64) -> Result<LimitConfig, SettingError> {
    Ok(LimitConfig {
        max_file_bytes: from.take("max_file_bytes", parse::whole)?,
        inline_max_bytes: from.take_or("inline_max_bytes", parse::whole, inline_max_bytes, u64::to_string)?,
        max_connections: from.take("max_connections", parse::count)?,
        max_connections_per_address: from.take("max_connections_per_address", parse::count)?,
        max_concurrent_uploads: from.take("max_concurrent_uploads", parse::count)?,
        max_workspace_uploads: from.take("max_concurrent_uploads_per_workspace", parse::count)?,
        max_concurrent_downloads: from.take("max_concurrent_downloads", parse::count)?,
        max_failed_logins_per_minute: from.take("max_failed_logins_per_minute", parse::number)?,
        session_idle: from.take("session_idle_seconds", parse::seconds)?,
        session_max: from.take("session_max_seconds", parse::seconds)?,
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
