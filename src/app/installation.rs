//! Opens the stores of an installation, for the server and for the commands.

use super::blobs::open_blobs_readonly;
use super::data_dir::{check_no_orphan_log, check_not_restoring, check_owner, create_folder, create_folders, lock};
use crate::audit::AuditLog;
use crate::clock::Clock;
use crate::config::{MetadataConfig, StoreConfig};
use crate::files::FilesMetadata;
use crate::filesystem::folder_of;
use crate::inspect::{Inspector, InspectorMetadata};
use crate::keys::Keys;
use crate::metadata::MetadataStore;
use crate::metadata::postgres::PostgresStore;
use crate::metadata::sqlite::{Opener, SqliteStore};
use crate::model::clock_jump::ClockJump;
use crate::model::workspace::Workspace;
use crate::outbox::DeliveryMetadata;
use crate::people::{People, PeopleMetadata};
use crate::status::StatusMetadata;
use crate::sweep::SweeperMetadata;
use crate::sweep::pairing::LineageMetadata;
use crate::uploads::UploadsMetadata;
use crate::usage::{ExporterMetadata, Usage, UsageMetadata};
use crate::workspaces::{Workspaces, WorkspacesMetadata};
use anyhow::{Context, Result, bail};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The error text of a database whose URL may hold a password.
const NOT_OPENED: &str = "cannot open the metadata store of metadata_url";

/// A metadata store as all services see it.
pub trait Metadata:
    MetadataStore
    + DeliveryMetadata
    + ExporterMetadata
    + FilesMetadata
    + InspectorMetadata
    + LineageMetadata
    + PeopleMetadata
    + StatusMetadata
    + SweeperMetadata
    + UploadsMetadata
    + UsageMetadata
    + WorkspacesMetadata
{
}

impl<T: MetadataStore> Metadata for T {}

/// An open installation.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The service of workspaces.
    pub workspaces: Workspaces,
    /// The service of keys.
    pub keys: Keys,
    /// The people who sign in by OpenID Connect.
    pub people: People,
    /// The audit log.
    pub audit_log: AuditLog,
    /// The service of usage.
    pub usage: Usage,
    pub(super) metadata: Arc<dyn Metadata>,
    pub(super) default_workspace: Workspace,
}

impl Installation {
    /// Returns the clock jump that holds expiry.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn held_expiry(&self) -> Result<Option<ClockJump>> {
        Ok(self.metadata.held_expiry().await?)
    }

    /// Confirms the clock, so that expiry goes on. Returns the jump that held it.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn confirm_clock(&self) -> Result<Option<ClockJump>> {
        Ok(self.metadata.confirm_clock().await?)
    }

    /// Returns the rows, for a service that uses some of them.
    #[must_use]
    pub fn rows(&self) -> Arc<dyn Metadata> {
        Arc::clone(&self.metadata)
    }

    /// Opens an existing installation for a command. Creates no file and no table.
    ///
    /// # Errors
    /// When there is none, it has another schema than this program, or it cannot be opened.
    pub async fn open_existing(stores: &StoreConfig, clock: Clock) -> Result<Self> {
        Self::check_there(stores).await?;
        Self::open_as(Opener::Command, stores, clock, TaskTracker::new()).await
    }

    /// Migrates the schema of an installation, with no server running on this machine.
    ///
    /// # Errors
    /// When there is no installation, a server is running, or it cannot be opened.
    pub async fn upgrade(stores: &StoreConfig) -> Result<()> {
        Self::check_there(stores).await?;
        check_owner(stores, false)?;
        create_folders(stores)?;
        let _locks = lock(stores).context("stop the server first")?;
        Self::open_as(Opener::Owner, stores, Clock::system(), TaskTracker::new()).await.map(drop)
    }

    /// Checks that the stores hold an installation.
    ///
    /// # Errors
    /// When there is none, or that cannot be told, such as for lack of a permission.
    async fn check_there(stores: &StoreConfig) -> Result<()> {
        check_not_restoring(stores)?;
        let (is_there, place) = match &stores.metadata {
            MetadataConfig::Sqlite(database) => {
                let found = std::fs::metadata(database);
                let is_there = match found {
                    Err(error) if error.kind() == ErrorKind::NotFound => false,
                    found => found.with_context(|| not_opened(database))?.len() > 0,
                };
                check_no_orphan_log(database)?;
                (is_there, stores.data_dir.display().to_string())
            }
            MetadataConfig::Postgres(url) => {
                let is_there = PostgresStore::is_there(url.expose()).await.context(NOT_OPENED)?;
                (is_there, "the database of metadata_url".to_owned())
            }
        };
        if is_there { Ok(()) } else { bail!("there is no installation in {place}; start `venna serve` first") }
    }

    pub(super) async fn open_as(
        opener: Opener,
        stores: &StoreConfig,
        clock: Clock,
        tasks: TaskTracker,
    ) -> Result<Self> {
        check_not_restoring(stores)?;
        check_owner(stores, opener == Opener::Server)?;
        if opener != Opener::Command {
            create_folder(&stores.data_dir)?;
        }
        let metadata = open_metadata(opener, stores, clock.clone()).await?;
        let rows = || Arc::clone(&metadata);
        let workspaces = Workspaces { metadata: rows() };
        let default_workspace = workspaces.ensure_default().await?;
        let usage = Usage { metadata: rows(), clock: clock.clone(), prices: Arc::default() };
        let keys = Keys::new(rows(), clock, tasks);
        let audit_log = AuditLog { metadata: rows() };
        let people = People { metadata: rows() };
        Ok(Self { workspaces, keys, people, audit_log, usage, metadata, default_workspace })
    }
}

/// Opens an installation and its stores for inspection, whether a server is running or not.
///
/// # Errors
/// When there is no installation, or a store cannot be opened.
pub async fn open_inspector(stores: &StoreConfig) -> Result<(Installation, Inspector)> {
    let installation = Installation::open_existing(stores, Clock::system()).await?;
    let blobs = open_blobs_readonly(stores, installation.rows()).await?;
    let inspector = Inspector { metadata: installation.rows(), blobs };
    Ok((installation, inspector))
}

async fn open_metadata(opener: Opener, stores: &StoreConfig, clock: Clock) -> Result<Arc<dyn Metadata>> {
    match &stores.metadata {
        MetadataConfig::Sqlite(database) => open_database(opener, database, clock).await,
        MetadataConfig::Postgres(url) => {
            let (url, time_limit) = (url.expose(), stores.metadata_timeout);
            let opened = match opener {
                Opener::Server | Opener::Owner => PostgresStore::open(url, clock, time_limit).await,
                Opener::Command => PostgresStore::open_current(url, clock, time_limit).await,
            };
            Ok(Arc::new(opened.context(NOT_OPENED)?))
        }
    }
}

/// Opens a SQLite database; creates its folder, except for a command.
pub(super) async fn open_database(opener: Opener, database: &Path, clock: Clock) -> Result<Arc<dyn Metadata>> {
    if opener != Opener::Command {
        create_folder(folder_of(database))?;
    }
    check_no_orphan_log(database)?;
    let path = database.to_owned();
    let store = tokio::task::spawn_blocking(move || SqliteStore::open(&path, clock, opener)).await?;
    Ok(Arc::new(store.with_context(|| not_opened(database))?))
}

fn not_opened(database: &Path) -> String {
    format!("cannot open the metadata store {}", database.display())
}
