//! The wiring: it builds stores, services and router from the configuration, and starts and stops them.
//!
//! The only module that names concrete stores.

mod access_log;
mod archive;
mod archived;
mod blobs;
mod bootstrap_key;
mod check;
mod compact;
mod data_dir;
mod file_settings;
mod http_settings;
mod increment;
mod installation;
mod manifest;
mod migrate;
mod oidc;
mod outbound;
mod pairing;
mod prices;
mod processors;
mod reference;
mod reload;
mod secret_file;
mod tls;
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

use crate::blobs::{InFlight, InUse};
use crate::clock::Clock;
use crate::config::{Config, Reloaded, SettingError};
use crate::files::Files;
use crate::http::reference::Reference;
use crate::http::reload_refusals::ReloadRefusals;
use crate::http::serve::serve;
use crate::http::tls::Certificate;
use crate::http::{AppState, RunningServer, Services, admin_router, router};
use crate::keys::{Keys, fresh_secret};
use crate::links::Links;
use crate::metadata::sqlite::Opener;
use crate::model::api_key::{KeyKind, KeySecret, Opens};
use crate::model::ids::ProcessId;
use crate::model::scope::Scopes;
use crate::random;
use crate::sessions::Sessions;
use crate::shares::contention::ContentionLimiter;
use crate::status::ServerStatus;
use crate::sweep::Lease;
use crate::uploads::{Hashing, Uploads};
use crate::usage::{ReadCounter, Spending, Usage};
use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use blobs::{check_combinations, event_period, open_blobs};
use data_dir::{Locks, check_owner, create_folders, is_alone, lock, write_secret};
use file_settings::file_settings;
use http_settings::{connection_limits, http_settings, session_lifetime, shown_settings};
use pairing::{check_paired, check_stamped};
use processors::processors;
use reference::facts;
use reload::Reloadable;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The file of the first key, in the data directory.
pub const FIRST_KEY_FILE: &str = "first-key";
/// The time beyond the drain timeout for cleaning up after cancelled requests.
const LAST_STEPS: Duration = Duration::from_secs(1);
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
    reloadable: Reloadable,
    stop: CancellationToken,
    tasks: TaskTracker,
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
        let refusals = Arc::<ReloadRefusals>::default();
        let open = |files| {
            Ok::<_, anyhow::Error>(
                tls::load(files, &clock)?.map(|loaded| Certificate::new(loaded, Arc::clone(&refusals))),
            )
        };
        let certificate = open(tls::api_files(&config.listeners)?)?;
        let admin_certificate = open(tls::admin_files(&config.listeners)?)?;
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
        let scrub_max_bytes_per_second = watch::Sender::new(config.upkeep.scrub_max_bytes_per_second);
        warnings.extend(
            upkeep::start(
                &installation,
                &files,
                &config.upkeep,
                scrub_max_bytes_per_second.subscribe(),
                is_alone(&config.stores),
                event_period(&config.stores),
                &stop,
            )
            .await?,
        );
        let hashing = Arc::new(Hashing::new(stop.clone()));
        let uploads = Uploads { files: files.clone(), metadata: installation.rows(), hashing };
        let reads = Arc::new(ReadCounter::new(installation.rows(), files.process));
        let (counter, until) = (Arc::clone(&reads), stop.clone());
        tasks.spawn(async move { counter.run(until).await });
        let prices = Arc::new(ArcSwap::from_pointee(price_list(config)?));
        let usage = Usage { prices: Arc::clone(&prices), ..installation.usage.clone() };
        let (file_settings, in_flight) = (Arc::clone(&files.settings), Arc::clone(&files.in_flight));
        let sinks = outbound::start(config, &installation, &usage, files.process, &tasks, &stop)?;
        let links = Arc::new(Links::open_store(installation.rows(), clock.clone()).await?);
        let (signer, until) = (Arc::clone(&links), stop.clone());
        tasks.spawn(async move { signer.run(until).await });
        let services = Services {
            files,
            uploads,
            keys: installation.keys.clone(),
            links,
            workspaces: installation.workspaces.clone(),
            audit_log: installation.audit_log.clone(),
            spending: Spending::new(usage.clone()),
            usage,
            reads: Arc::clone(&reads),
            sessions: Sessions::new(
                installation.rows(),
                clock.clone(),
                session_lifetime(&config.limits),
                tasks.clone(),
            ),
            people: installation.people.clone(),
            oidc: oidc::open(&config.oidc, &url, clock.clone())?,
            server: RunningServer {
                started_at: clock.now_seconds(),
                status: ServerStatus { metadata: installation.rows() },
                settings: ArcSwap::from_pointee(shown_settings(config)),
            },
        };
        for certificate in certificate.iter().chain(&admin_certificate) {
            let (certificate, clock, until) = (Arc::clone(certificate), clock.clone(), stop.clone());
            tasks.spawn(certificate.watch(move || clock.now_seconds(), until));
        }
        let settings = http_settings(config, url.clone(), warnings.clone(), access_log.clone(), Arc::clone(&refusals));
        let state = AppState::new(services, settings);
        tasks.spawn(state.clone().watch_workspaces(stop.clone()));
        let reference = Arc::new(ArcSwap::from_pointee(Reference::new(facts(config, &url))));
        let main_router = router(state.clone(), Arc::clone(&reference));
        let connection_limits = watch::Sender::new(connection_limits(config));
        let serve = |listener, certificate: &Option<Arc<Certificate>>, router| {
            tokio::spawn(serve(listener, certificate.clone(), router, connection_limits.subscribe(), stop.clone()))
        };
        let mut listeners = vec![serve(main, &certificate, main_router)];
        listeners.extend(admin.map(|admin| serve(admin, &admin_certificate, admin_router(state.clone()))));
        let reloadable = Reloadable {
            state,
            file_settings,
            in_flight,
            connection_limits,
            scrub_max_bytes_per_second,
            prices,
            sinks,
            certificate,
            admin_certificate,
            access_log,
            reference,
            url: url.clone(),
            refusals,
            clock,
        };
        Ok(Self {
            bound_url,
            address,
            url,
            admin_address,
            reloadable,
            keys: installation.keys,
            first_key,
            warnings,
            stop,
            tasks,
            listeners,
            locks,
            lease,
            reads,
        })
    }

    /// Puts a configuration in force that was read again, as far as a reload can. Returns it, or none if it was refused
    /// and everything stays as it was; the log and `/readyz` say why.
    pub fn reload(&self, read: Result<Reloaded, SettingError>) -> Option<Reloaded> {
        self.reloadable.reload(read)
    }

    /// Returns the time that running requests get to finish at shutdown.
    #[must_use]
    pub fn drain_timeout(&self) -> Duration {
        self.reloadable.drain_timeout()
    }

    /// Stops accepting, and waits for running requests and the steps that they started, at most for the drain timeout.
    /// Work that still runs then keeps the locks until the process ends.
    pub async fn stop(self) {
        let deadline = Instant::now() + self.drain_timeout();
        self.stop.cancel();
        for listener in self.listeners {
            if let Err(error) = listener.await {
                tracing::error!(%error, "listener panicked");
            }
        }
        if let Some(access_log) = &self.reloadable.access_log {
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
        settings: Arc::new(ArcSwap::from_pointee(file_settings(config))),
        write_limiter: ContentionLimiter::new(processors()),
        sweep_wanted,
        last_probe: Arc::default(),
        tasks,
    })
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} ({setting})"))
}

async fn install_bootstrap_key(installation: &Installation, file: Option<&Path>) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    let secret = bootstrap_key::read(file)?;
    Ok(installation.keys.install(default_access(installation), BOOTSTRAP_KEY_NAME, &secret).await?)
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
