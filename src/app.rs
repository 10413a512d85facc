//! The wiring: it builds stores, services and router from the configuration, and starts and stops them.
//!
//! The only module that names concrete stores.

mod access_log;
mod archive;
mod archived;
mod blobs;
mod check;
mod compact;
mod data_dir;
mod http_settings;
mod increment;
mod installation;
mod manifest;
mod migrate;
mod outbound;
mod pairing;
mod prices;
mod processors;
mod reference;
mod upkeep;
mod warnings;

pub use archive::{BackupPlan, back_up, restore};
pub use archived::{Archived, SkippedBlob};
pub use check::{Check, check_settings, check_stores};
pub use compact::compact;
pub use data_dir::root_warning;
pub use increment::backup_folder;
pub use installation::{Installation, open_inspector};
pub use migrate::migrate;
pub use pairing::{confirm_pair, pair_status};
pub use prices::price_list;
pub use warnings::warnings;

use crate::access_log::AccessLog;
use crate::blobs::{InFlight, InUse};
use crate::clock::Clock;
use crate::config::{Config, shown_path};
use crate::files::Files;
use crate::http::reference::Reference;
use crate::http::serve::serve;
use crate::http::tls::{Certificate, CertificateFiles};
use crate::http::{AppState, Services, admin_router, router};
use crate::keys::{Keys, fresh_secret};
use crate::metadata::sqlite::Opener;
use crate::model::api_key::{KeyKind, KeySecret, Opens};
use crate::model::ids::ProcessId;
use crate::model::scope::Scopes;
use crate::random;
use crate::shares::contention::ContentionLimiter;
use crate::sweep::Lease;
use crate::uploads::{Hashing, Uploads};
use crate::usage::{ReadCounter, Spending, Usage};
use anyhow::{Context, Result, bail};
use blobs::{check_combinations, event_period, open_blobs};
use data_dir::{Locks, check_owner, create_folders, is_alone, lock, write_secret};
use http_settings::{connection_limits, http_settings};
use pairing::{check_paired, check_stamped};
use processors::processors;
use reference::facts;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The file of the first key, in the data directory.
pub const FIRST_KEY_FILE: &str = "first-key";
/// The time beyond the drain timeout for cleaning up after cancelled requests.
const LAST_STEPS: Duration = Duration::from_secs(1);
/// The longest key file that is read, in bytes.
const MAX_KEY_FILE_BYTES: u64 = 4096;
/// The name of the first key, and of a bootstrap key.
const FIRST_KEY_NAME: &str = "first";
const BOOTSTRAP_KEY_NAME: &str = "bootstrap";

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// The address of the API.
    pub address: SocketAddr,
    /// The URL of that address, without a trailing slash.
    pub bound_url: String,
    /// The URL of the server, without a trailing slash.
    pub url: String,
    /// The address of the health checks apart from the API.
    pub admin_address: Option<SocketAddr>,
    /// The service of keys.
    pub keys: Keys,
    /// The key of the first start.
    pub first_key: Option<FirstKey>,
    /// Warnings for the operator.
    pub warnings: Vec<String>,
    certificate: Option<Arc<Certificate>>,
    access_log: Option<AccessLog>,
    clock: Clock,
    stop: CancellationToken,
    tasks: TaskTracker,
    drain_timeout: Duration,
    listeners: Vec<JoinHandle<()>>,
    locks: Locks,
    lease: Lease,
    reads: Arc<ReadCounter>,
}

/// The key of the first start.
#[derive(Debug)]
pub struct FirstKey {
    /// The secret.
    pub secret: KeySecret,
    /// The file that holds it.
    pub file: PathBuf,
}

impl Server {
    /// Starts a server. Its port accepts connections when this returns.
    ///
    /// # Errors
    /// When another server has the data directory, an address is in use, or a store cannot be opened.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self> {
        check_combinations(config)?;
        check_owner(&config.stores, true)?;
        create_folders(&config.stores)?;
        let locks = lock(&config.stores)?;
        let main = bind("listen", config.listeners.main).await?;
        let admin = match config.listeners.admin {
            Some(address) => Some(bind("admin_listen", address).await?),
            None => None,
        };
        let (address, admin_address) = (main.local_addr()?, admin.as_ref().map(TcpListener::local_addr).transpose()?);
        let certificate = open_certificate(config, &clock)?;
        let access_log = access_log::open(&config.access_log, &clock)?;
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let bound_url = format!("{scheme}://{address}");
        let url = config.listeners.public_url.clone().unwrap_or_else(|| bound_url.clone());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let installation = Installation::open_as(Opener::Server, &config.stores, clock.clone(), tasks.clone()).await?;
        check_stamped(&config.stores, &*installation.metadata).await?;
        install_bootstrap_key(&installation, config.bootstrap_key_file.as_deref()).await?;
        let first_key = make_first_key(&installation, &config.stores.data_dir).await?;
        let mut warnings = warnings(&config.stores);
        let files = open_files(config, &installation, clock.clone(), tasks.clone()).await?;
        check_paired(&config.stores, &*installation.metadata, &*files.blobs).await?;
        let lease = Lease::take(installation.rows(), files.process).await?;
        warnings.extend(
            upkeep::start(
                &installation,
                &files,
                &config.upkeep,
                is_alone(&config.stores),
                event_period(&config.stores),
                &stop,
            )
            .await?,
        );
        let hashing = Arc::new(Hashing::new(stop.clone()));
        let uploads = Uploads {
            files: files.clone(),
            metadata: installation.rows(),
            ttl_seconds: config.upload_ttl.as_secs(),
            hashing,
        };
        let reads = Arc::new(ReadCounter::new(installation.rows(), files.process));
        let (counter, until) = (Arc::clone(&reads), stop.clone());
        tasks.spawn(async move { counter.run(until).await });
        let usage = Usage { prices: Arc::new(price_list(config)?), ..installation.usage.clone() };
        outbound::start(config, &installation, &usage, files.process, &tasks, &stop)?;
        let services = Services {
            files,
            uploads,
            keys: installation.keys.clone(),
            workspaces: installation.workspaces.clone(),
            audit_log: installation.audit_log.clone(),
            spending: Spending::new(usage.clone()),
            usage,
            reads: Arc::clone(&reads),
        };
        let tls = certificate.as_ref().map(Certificate::acceptor).transpose()?;
        if let Some(certificate) = &certificate {
            let (certificate, clock, until) = (Arc::clone(certificate), clock.clone(), stop.clone());
            tasks.spawn(certificate.watch(move || clock.now_seconds(), until));
        }
        let state =
            AppState::new(services, http_settings(config, warnings.clone(), access_log.clone(), certificate.clone()));
        let main_router = router(state.clone(), Reference::new(facts(config, &url)));
        let limits = connection_limits(config);
        let mut listeners = vec![tokio::spawn(serve(main, tls, main_router, limits.clone(), stop.clone()))];
        listeners
            .extend(admin.map(|admin| tokio::spawn(serve(admin, None, admin_router(state), limits, stop.clone()))));
        Ok(Self {
            bound_url,
            address,
            url,
            admin_address,
            certificate,
            access_log,
            clock,
            keys: installation.keys,
            first_key,
            warnings,
            stop,
            tasks,
            drain_timeout: config.limits.drain_timeout,
            listeners,
            locks,
            lease,
            reads,
        })
    }

    /// Loads the certificate of the API and opens the file of the access log anew.
    pub fn reload(&self) {
        if let Some(certificate) = &self.certificate {
            certificate.reload(self.clock.now_seconds());
        }
        let is_reopened = self.access_log.as_ref().is_some_and(AccessLog::reopen);
        if self.certificate.is_none() && !is_reopened {
            tracing::info!(hint = "settings need a restart", "nothing to reload");
        }
    }

    /// Stops accepting, and waits for running requests and the steps that they started, at most for the drain timeout.
    /// Work that still runs then keeps the locks until the process ends.
    pub async fn stop(self) {
        let deadline = Instant::now() + self.drain_timeout;
        self.stop.cancel();
        for listener in self.listeners {
            if let Err(error) = listener.await {
                tracing::error!(%error, "listener panicked");
            }
        }
        if let Some(access_log) = &self.access_log {
            access_log.close().await;
        }
        if let Err(error) = self.reads.flush().await {
            tracing::warn!(%error, "final read flush failed");
        }
        self.tasks.close();
        if timeout_at(deadline.max(Instant::now() + LAST_STEPS), self.tasks.wait()).await.is_ok() {
            self.lease.end().await;
        } else {
            tracing::warn!("tasks aborted at drain timeout");
            std::mem::forget(self.locks);
        }
    }
}

async fn open_files(config: &Config, installation: &Installation, clock: Clock, tasks: TaskTracker) -> Result<Files> {
    let sweep_wanted = Arc::new(Notify::new());
    Ok(Files {
        metadata: installation.rows(),
        blobs: open_blobs(&config.stores, installation.rows()).await?,
        clock,
        in_flight: InFlight::new(config.limits.max_concurrent_uploads),
        in_use: InUse::new(Arc::clone(&sweep_wanted)),
        process: ProcessId::new(random::bytes()),
        max_file_bytes: config.limits.max_file_bytes,
        max_workspace_uploads: config.limits.max_workspace_uploads,
        write_limiter: ContentionLimiter::new(processors()),
        inline_max_bytes: config.limits.inline_max_bytes,
        strict_jsonl: config.strict_jsonl,
        blobs_redirect: config.blobs_redirect,
        sweep_wanted,
        last_probe: Arc::default(),
        tasks,
    })
}

/// Loads the certificate of the API; none without TLS.
fn open_certificate(config: &Config, clock: &Clock) -> Result<Option<Arc<Certificate>>> {
    let listeners = &config.listeners;
    match (listeners.tls_cert.clone(), listeners.tls_key.clone()) {
        (None, None) => Ok(None),
        (Some(chain), Some(key)) => {
            if !key.exists() {
                bail!("tls_key {} does not exist", shown_path(&key));
            }
            let files = CertificateFiles { chain, key };
            Ok(Some(Certificate::load(files, clock.now_seconds()).context("the API cannot have TLS")?))
        }
        (Some(_), None) => bail!("tls_cert needs tls_key, the file of its private key"),
        (None, Some(_)) => bail!("tls_key needs tls_cert, the file of its certificate"),
    }
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} ({setting})"))
}

async fn install_bootstrap_key(installation: &Installation, file: Option<&Path>) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    let secret = read_bootstrap_key(file)?;
    Ok(installation.keys.install(default_access(installation), BOOTSTRAP_KEY_NAME, &secret).await?)
}

fn read_bootstrap_key(file: &Path) -> Result<KeySecret> {
    let unreadable = || format!("cannot read bootstrap_key_file {}", shown_path(file));
    let mut text = String::new();
    File::open(file)
        .with_context(unreadable)?
        .take(MAX_KEY_FILE_BYTES)
        .read_to_string(&mut text)
        .with_context(unreadable)?;
    let parsed = KeySecret::parse(text.trim()).ok().filter(|secret| secret.kind() == KeyKind::Workspace);
    parsed.with_context(|| {
        format!(
            "bootstrap_key_file {} does not hold a well-formed key: expected vk_, 30 digits and their checksum",
            shown_path(file)
        )
    })
}

/// Returns the access of keys that the server creates.
const fn default_access(installation: &Installation) -> Opens {
    Opens::Workspace(installation.default_workspace.id, Scopes::DEFAULT)
}

/// Creates the first key. The file is written before the key is stored: a crash in between leaves no key that nobody
/// knows.
async fn make_first_key(installation: &Installation, data_dir: &Path) -> Result<Option<FirstKey>> {
    if !installation.keys.list().await?.is_empty() {
        return Ok(None);
    }
    let (secret, file) = (fresh_secret(KeyKind::Workspace), data_dir.join(FIRST_KEY_FILE));
    write_secret(&file, &secret).with_context(|| format!("cannot write {}", file.display()))?;
    installation.keys.install(default_access(installation), FIRST_KEY_NAME, &secret).await?;
    Ok(Some(FirstKey { secret, file }))
}
