//! The wiring: configuration, stores, services, router, and how all of it starts and stops.
//!
//! The only file that names concrete stores.

use crate::blobs::InFlight;
use crate::blobs::local::{LocalBlobs, volatile_kind};
use crate::clock::Clock;
use crate::config::{Config, LimitConfig, StoreConfig};
use crate::files::Files;
use crate::http::serve::{ConnectionLimits, serve};
use crate::http::{BodyPace, Hall, admin_router, router};
use crate::keys::{Keys, fresh_secret};
use crate::metadata::MetadataStore;
use crate::metadata::sqlite::SqliteStore;
use crate::model::api_key::KeySecret;
use crate::model::ids::ProcessId;
use crate::random;
use crate::sweep::Sweeper;
use crate::uploads::Uploads;
use crate::workspaces::Workspaces;
use anyhow::{Context, Result, bail};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The file in the data directory that holds the first key.
pub const FIRST_KEY_FILE: &str = "first-key";
const LOCK_FILE: &str = "lock";
/// The name of the key of the first run, and of a key that the operator brings.
const FIRST_KEY_NAME: &str = "first";
const BOOTSTRAP_KEY_NAME: &str = "bootstrap";

/// The metadata of an installation, for the commands that work beside a server or without one.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The verbs of workspaces.
    pub workspaces: Workspaces,
    /// The verbs of keys.
    pub keys: Keys,
    metadata: Arc<dyn MetadataStore>,
}

impl Installation {
    /// Opens the installation of a data directory, making what is missing; workspace `default` is always there.
    ///
    /// # Errors
    /// When the data directory or the metadata store cannot be opened.
    pub async fn open(stores: &StoreConfig, clock: Clock) -> Result<Self> {
        create_folder(&stores.data_dir)?;
        if let Some(parent) = stores.database.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            create_folder(parent)?;
        }
        let (database, at) = (stores.database.clone(), clock.clone());
        let store = tokio::task::spawn_blocking(move || SqliteStore::open(&database, at)).await?;
        let store = store.with_context(|| format!("cannot open the metadata store {}", stores.database.display()))?;
        let metadata: Arc<dyn MetadataStore> = Arc::new(store);
        let workspaces = Workspaces { metadata: Arc::clone(&metadata) };
        workspaces.ensure_default().await?;
        Ok(Self { workspaces, keys: Keys { metadata: Arc::clone(&metadata), clock }, metadata })
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where health listens apart from the API.
    pub admin_address: Option<SocketAddr>,
    /// The key that was made because there was none.
    pub first_key: Option<FirstKey>,
    /// What an operator should know though everything works.
    pub warnings: Vec<String>,
    stop: CancellationToken,
    tasks: TaskTracker,
    drain_limits: ConnectionLimits,
    listeners: Vec<JoinHandle<()>>,
    _lock: File,
}

/// The key of the first run.
#[derive(Debug)]
pub struct FirstKey {
    /// The secret.
    pub secret: KeySecret,
    /// The file that holds it.
    pub file: PathBuf,
}

impl Server {
    /// Starts a server; its port accepts connections when this returns.
    ///
    /// # Errors
    /// When another server has the data directory, an address is taken, or a store cannot be opened.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self> {
        create_folder(&config.stores.data_dir)?;
        let lock = lock(&config.stores.data_dir)?;
        let main = bind("listen", config.listeners.main).await?;
        let admin = match config.listeners.admin {
            Some(address) => Some(bind("admin_listen", address).await?),
            None => None,
        };
        let installation = Installation::open(&config.stores, clock).await?;
        install_bootstrap_key(&installation, config.bootstrap_key_file.as_deref()).await?;
        let first_key = make_first_key(&installation, &config.stores.data_dir).await?;
        let warnings = warnings(&config.stores);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let files = open_files(config, &installation, tasks.clone()).await?;
        start_sweeper(&files, config, &tasks, stop.clone());
        let uploads = Uploads { files: files.clone(), ttl_seconds: config.upload_ttl.as_secs() };
        let hall = Arc::new(Hall {
            files,
            uploads,
            keys: installation.keys,
            warnings: warnings.clone(),
            body_pace: body_pace(&config.limits),
        });
        let limits = connection_limits(&config.limits);
        let (address, admin_address) = (main.local_addr()?, admin.as_ref().map(TcpListener::local_addr).transpose()?);
        let mut listeners = vec![tokio::spawn(serve(main, router(Arc::clone(&hall)), limits, stop.clone()))];
        listeners.extend(admin.map(|admin| tokio::spawn(serve(admin, admin_router(hall), limits, stop.clone()))));
        Ok(Self {
            address,
            admin_address,
            first_key,
            warnings,
            stop,
            tasks,
            drain_limits: limits,
            listeners,
            _lock: lock,
        })
    }

    /// Stops accepting, lets requests in flight and the steps that they began finish, and returns when all is at rest.
    pub async fn stop(self) {
        self.stop.cancel();
        for listener in self.listeners {
            if let Err(error) = listener.await {
                tracing::error!(%error, "a listener ended in a panic");
            }
        }
        self.tasks.close();
        if tokio::time::timeout(self.drain_limits.drain_timeout, self.tasks.wait()).await.is_err() {
            tracing::warn!("work was left unfinished at the drain timeout; the next start sweeps it");
        }
    }
}

async fn open_files(config: &Config, installation: &Installation, tasks: TaskTracker) -> Result<Files> {
    let root = config.stores.blobs.clone();
    let blobs = tokio::task::spawn_blocking(move || LocalBlobs::open(&root)).await?;
    let blobs = blobs.with_context(|| format!("cannot keep blobs in {}", config.stores.blobs.display()))?;
    Ok(Files {
        metadata: Arc::clone(&installation.metadata),
        blobs: Arc::new(blobs),
        in_flight: InFlight::new(config.limits.max_concurrent_uploads),
        process: ProcessId::new(random::bytes()),
        max_file_bytes: config.limits.max_file_bytes,
        sweep_wanted: Arc::new(Notify::new()),
        tasks,
    })
}

fn start_sweeper(files: &Files, config: &Config, tasks: &TaskTracker, stop: CancellationToken) {
    let sweeper = Sweeper {
        metadata: Arc::clone(&files.metadata),
        blobs: Arc::clone(&files.blobs),
        in_flight: Arc::clone(&files.in_flight),
        process: files.process,
        wanted: Arc::clone(&files.sweep_wanted),
    };
    let interval = config.sweep_interval;
    tasks.spawn(async move { sweeper.run(interval, stop).await });
}

const fn body_pace(limits: &LimitConfig) -> BodyPace {
    BodyPace { min_bytes_per_second: limits.body_min_bytes_per_second, window: limits.body_window }
}

const fn connection_limits(limits: &LimitConfig) -> ConnectionLimits {
    ConnectionLimits {
        max_connections: limits.max_connections,
        header_read_timeout: limits.header_read_timeout,
        drain_timeout: limits.drain_timeout,
    }
}

fn create_folder(folder: &Path) -> Result<()> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    created.with_context(|| format!("cannot create the folder {}", folder.display()))
}

/// Keeps every other server away from the data directory for as long as the file is open.
fn lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join(LOCK_FILE);
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another server is running on the data directory {}", data_dir.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} ({setting})"))
}

async fn install_bootstrap_key(installation: &Installation, file: Option<&Path>) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read bootstrap_key_file {}", file.display()))?;
    let Ok(secret) = KeySecret::parse(text.trim()) else {
        bail!(
            "bootstrap_key_file {} does not hold a well-formed key: expected vk_, 30 digits and their checksum",
            file.display()
        );
    };
    let workspace = installation.workspaces.ensure_default().await?;
    Ok(installation.keys.install(workspace.id, BOOTSTRAP_KEY_NAME, &secret).await?)
}

/// The file is written before the key opens anything: a crash in between leaves no key that nobody knows.
async fn make_first_key(installation: &Installation, data_dir: &Path) -> Result<Option<FirstKey>> {
    if !installation.keys.list().await?.is_empty() {
        return Ok(None);
    }
    let (secret, file) = (fresh_secret(), data_dir.join(FIRST_KEY_FILE));
    write_secret(&file, &secret).with_context(|| format!("cannot write {}", file.display()))?;
    let workspace = installation.workspaces.ensure_default().await?;
    installation.keys.install(workspace.id, FIRST_KEY_NAME, &secret).await?;
    Ok(Some(FirstKey { secret, file }))
}

fn write_secret(path: &Path, secret: &KeySecret) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// What an operator should know of where the stores lie.
#[must_use]
pub fn warnings(stores: &StoreConfig) -> Vec<String> {
    let database = stores.database.parent().unwrap_or(&stores.data_dir);
    let database = if database.as_os_str().is_empty() { Path::new(".") } else { database };
    let places = [("metadata", database), ("blobs", stores.blobs.as_path())];
    let volatile = places.into_iter().filter_map(|(what, place)| {
        let kind = volatile_kind(place)?;
        Some(format!(
            "{what} in {} lie on {kind}, which may lose what was acknowledged at a power cut",
            place.display()
        ))
    });
    volatile.collect()
}
