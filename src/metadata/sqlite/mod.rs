//! The embedded metadata store: SQLite in WAL mode with `synchronous=FULL`.
//!
//! One writer thread groups the changes of concurrent requests into commits; point reads run inline on reader
//! connections, because a hop to another thread costs ten times the query. Several processes
//! may have the database open: a server, and the administrative commands beside it.

mod admission;
mod answers;
mod audit;
mod blobs;
mod clock_watch;
mod dump;
mod expiries;
mod export;
mod files;
mod health;
mod import;
mod keys;
mod ledger;
mod limits;
mod log;
mod merges;
mod migrate;
mod misfits;
mod outbox;
mod overdue;
#[cfg(test)]
mod plans;
mod readers;
mod refused;
mod releases;
mod reserve;
mod rows;
mod snapshot;
mod snapshots;
mod spare;
#[cfg(test)]
mod statements;
mod upkeep;
mod uploads;
mod usage;
mod workspaces;
mod writer;

use super::migrations::Outdated;
use super::misfits::{MisfitCursor, MisfitPage};
use super::room::with_room;
use super::{
    DeletingCursor, DeletingPage, Ended, KeyChanges, MergePage, MetadataError, MetadataStore, NewKey, NewSecret,
    Overdue, PendingBlob, Purged, ReadyBlob, StoredContent, SweepShare,
};
use crate::clock::Clock;
use crate::model::adjustment::{Adjusted, NewAdjustment};
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeyStatus};
use crate::model::audit::{AuditQuery, Entry as AuditEntry, Origin};
use crate::model::blob::{BlobOwner, Place, StoredBlob};
use crate::model::caller::Caller;
use crate::model::clock_jump::ClockJump;
use crate::model::expiry::DefaultExpiry;
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::file::{File, NewFile};
use crate::model::idempotency::{AnswerScope, Effect, IdempotencyKey, Once};
use crate::model::ids::{BlobId, FileId, HoldId, KeyId, PartId, ProcessId, UploadId, WorkspaceId};
use crate::model::ledger::{LedgerRow, Reads};
use crate::model::limits::{Limit, LimitOwner, Limits, StorageUsage};
use crate::model::outbox::{Message, NewMessage, OutboxStatus, RefusedMessage, SinkName};
use crate::model::page::{FileQuery, Order, Page};
use crate::model::purpose::Purpose;
use crate::model::scrub::ScrubProgress;
use crate::model::stamp::Stamp;
use crate::model::upload::{Completion, NewPart, NewUpload, Part, Upload, UploadRefusal};
use crate::model::usage::{UsageByGroup, UsageQuery};
use crate::model::workspace::{NameTaken, Workspace};
use async_trait::async_trait;
use health::Health;
use log::Log;
use readers::Readers;
use reserve::{Fullness, Reserve};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use writer::{Change, Housekeeping, Writer};

pub(super) use dump::Dump;
pub(super) use import::Import;
pub use migrate::MigrationError;
pub use snapshot::Snapshot;
pub use spare::{CompactError, Compacted};

/// How long a statement waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The first version without the WAL-reset bug, 3.51.3, as SQLite numbers them.
const MIN_SQLITE_VERSION: i32 = 3_051_003;
/// Names of files and digests of keys are their owner's alone.
const DATABASE_MODE: u32 = 0o600;
/// `PRAGMA synchronous` when it is FULL.
const SYNCHRONOUS_FULL: i64 = 2;
/// A page of the database, in bytes: SQLite's default.
const PAGE_BYTES: u64 = 4096;
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;
/// Pages up to this are read like points: about 0.4 ms.
const POINT_PAGE_FILES: u32 = 500;

/// Rows in a SQLite database.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    health: Health,
    fullness: Fullness,
    clock: Clock,
}

/// Who opens a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The one server, which holds the lock and keeps room for the database.
    Server,
    /// A command that holds the lock in place of a server, and may migrate what an earlier version made.
    Owner,
    /// A command, beside a server or without one.
    Command,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite refused.
    #[error("the database cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
    /// The schema cannot be brought up to date.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The database would not keep what it acknowledges.
    #[error("the database would not be durable: {0}")]
    NotDurable(String),
    /// The file cannot be made, or the writer thread cannot be started.
    #[error("the system refused")]
    System(#[from] io::Error),
}

impl SqliteStore {
    /// Opens the database, creating it; its schema is brought up to date by whoever holds the lock.
    ///
    /// Blocks: to be called before the runtime serves anything, or on the blocking pool.
    ///
    /// # Errors
    /// When it cannot be opened, is newer than this program, or older and may not be migrated, or would not be durable.
    pub fn open(path: &Path, clock: Clock, opener: Opener) -> Result<Self, OpenError> {
        if rusqlite::version_number() < MIN_SQLITE_VERSION {
            return Err(OpenError::NotDurable(format!("SQLite {} has the WAL-reset bug", rusqlite::version())));
        }
        // SQLite gives the files beside the database the mode of the database.
        OpenOptions::new().create(true).truncate(false).write(true).mode(DATABASE_MODE).open(path)?;
        let mut connection = connect(path)?;
        let outdated = match opener {
            Opener::Server | Opener::Owner => Outdated::Migrate,
            Opener::Command => Outdated::Refuse,
        };
        migrate::migrate(&mut connection, outdated, clock.now_seconds())?;
        let last_file_id = files::last_file_id(&connection)?;
        let health = Health::default();
        let readers = Readers::open(health.clone(), || connect(path))?;
        let fullness = Fullness::default();
        let snapshots = readers.snapshots();
        let housekeeping = match opener {
            Opener::Server => {
                let reserve = Reserve::open(path, fullness.clone())?;
                let snapshots = Arc::clone(&snapshots);
                let log = Log::take_over(&mut connection, connect(path)?, snapshots, reserve.bytes())?;
                Some(Housekeeping { reserve, log })
            }
            Opener::Owner | Opener::Command => None,
        };
        let writer =
            Writer::start(connection, health.clone(), last_file_id, housekeeping, move || snapshots.committed())?;
        Ok(Self { writer, readers, health, fullness, clock })
    }

    /// Gives all room in a database that no row has back to the disk. Blocks; nobody else has the database open.
    ///
    /// # Errors
    /// When the disk is too full for it, or SQLite refuses; the database is as it was.
    pub fn compact(path: &Path) -> Result<Compacted, CompactError> {
        spare::compact(path)
    }
}

impl SqliteStore {
    /// What was seen before the last transaction may be over: a full disk is looked at again before it counts.
    async fn refuse_while(&self, full: fn(&Fullness) -> Result<(), MetadataError>) -> Result<(), MetadataError> {
        if full(&self.fullness).is_ok() {
            return Ok(());
        }
        self.probe().await?;
        full(&self.fullness)
    }
}

impl SqliteStore {
    /// Ends something whose time is over, unless the clock by which it is over has jumped: nothing is ended then.
    async fn expire<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let clock = self.clock.clone();
        self.writer
            .write(move |change| {
                let may_expire = clock_watch::may_expire(change.connection, &clock)?;
                if may_expire { work(change.connection) } else { Ok(T::default()) }
            })
            .await
    }
}

/// Changes that administrators ask for.
impl SqliteStore {
    /// Makes a change once under its key, in one transaction with its answer.
    async fn administer<T: Send + 'static, R: Send + 'static>(
        &self,
        once: Option<Once<T>>,
        now_ms: u64,
        work: impl FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
        made: fn(&R) -> Option<&T>,
    ) -> Result<Effect<R>, MetadataError> {
        self.writer.write(move |change| answers::once_for_administrators(change, once, now_ms / 1000, work, made)).await
    }
}

/// What was made, unless there is no such thing or it was refused.
#[expect(clippy::ref_option, reason = "`administer` looks at outcomes by reference")]
fn made<T, E>(outcome: &Option<Result<T, E>>) -> Option<&T> {
    outcome.as_ref()?.as_ref().ok()
}

/// Changes that a quota may refuse, each in one transaction.
impl SqliteStore {
    async fn write_file(
        &self,
        caller: Caller,
        file: NewFile,
        once: Option<Once<File>>,
    ) -> Result<Effect<Option<File>>, MetadataError> {
        let clock = self.clock.clone();
        let change = move |change: &mut Change<'_>| {
            let now_ms = clock.now_ms();
            let work = |change: &mut Change<'_>, quotas: &Limits| match limits::refuse(
                change.connection,
                caller,
                quotas,
                file.content.size_bytes,
            )? {
                Some(refused) => Ok(Err(refused)),
                None => files::create(change, caller, file, now_ms).map(Ok),
            };
            answers::once(change, caller, once, now_ms / 1000, work, Option::as_ref)
        };
        self.writer.write_for(caller.workspace, change).await
    }

    async fn write_upload(
        &self,
        caller: Caller,
        upload: NewUpload,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Upload>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let change = move |change: &mut Change<'_>| {
            let work = |change: &mut Change<'_>, quotas: &Limits| match limits::refuse(
                change.connection,
                caller,
                quotas,
                upload.size_bytes,
            )? {
                Some(refused) => Ok(Err(refused)),
                None => uploads::create(change.connection, caller.workspace, upload, now_seconds).map(Ok),
            };
            answers::once(change, caller, once, now_seconds, work, |upload| Some(upload))
        };
        self.writer.write_for(caller.workspace, change).await
    }

    async fn write_part(
        &self,
        caller: Caller,
        upload: UploadId,
        part: NewPart,
        once: Option<Once<Part>>,
    ) -> Result<Effect<Result<Option<Part>, UploadRefusal>>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let change = move |change: &mut Change<'_>| {
            let work = |change: &mut Change<'_>, quotas: &Limits| {
                uploads::create_part(change.connection, caller, upload, &part, quotas, now_seconds)
            };
            answers::once(change, caller, once, now_seconds, work, |outcome| outcome.as_ref().ok()?.as_ref())
        };
        self.writer.write_for(caller.workspace, change).await
    }

    async fn write_completion(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Arc<Completion>,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Result<Upload, UploadRefusal>>, MetadataError> {
        let clock = self.clock.clone();
        let change = move |change: &mut Change<'_>| {
            let now_ms = clock.now_ms();
            let work = |change: &mut Change<'_>, quotas: &Limits| {
                uploads::complete(change, caller, upload, &completion, quotas, now_ms)
            };
            answers::once(change, caller, once, now_ms / 1000, work, |outcome| outcome.as_ref().ok())
        };
        self.writer.write_for(caller.workspace, change).await
    }
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    #[cfg_attr(not(test), expect(unused_mut, reason = "tests record statements"))]
    let mut connection = Connection::open_with_flags(path, flags)?;
    #[cfg(test)]
    statements::record(&mut connection)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A prepared statement keeps its plan whatever is bound to it; otherwise some are prepared again for each request.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    spare::prepare(&connection)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON;",
    )?;
    let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if journal != "wal" || synchronous != SYNCHRONOUS_FULL {
        return Err(OpenError::NotDurable(format!("journal_mode is {journal}, synchronous is {synchronous}")));
    }
    Ok(connection)
}

#[async_trait]
impl MetadataStore for SqliteStore {
    async fn create_workspace(
        &self,
        name: &str,
        origin: Origin,
        once: Option<Once<Workspace>>,
    ) -> Result<Effect<Option<Workspace>>, MetadataError> {
        let (name, now_ms) = (name.to_owned(), self.clock.now_ms());
        let create = move |connection: &Connection| workspaces::create(connection, &name, origin, now_ms);
        self.administer(once, now_ms, create, Option::as_ref).await
    }

    async fn list_workspaces(
        &self,
        after: Option<WorkspaceId>,
        limit: u32,
        with_archived: bool,
    ) -> Result<Page<Workspace>, MetadataError> {
        self.readers.point(|connection| workspaces::list(connection, after, limit, with_archived))
    }

    async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, MetadataError> {
        self.readers.point(|connection| workspaces::find(connection, id))
    }

    async fn find_workspace_named(&self, name: &str) -> Result<Option<Workspace>, MetadataError> {
        self.readers.point(|connection| workspaces::find_named(connection, name))
    }

    async fn rename_workspace(
        &self,
        id: WorkspaceId,
        name: Option<&str>,
        origin: Origin,
        once: Option<Once<Workspace>>,
    ) -> Result<Effect<Option<Result<Workspace, NameTaken>>>, MetadataError> {
        let (name, now_ms) = (name.map(str::to_owned), self.clock.now_ms());
        let rename = move |connection: &Connection| workspaces::rename(connection, id, name.as_deref(), origin, now_ms);
        self.administer(once, now_ms, rename, made).await
    }

    async fn archive_workspace(
        &self,
        id: WorkspaceId,
        origin: Origin,
        once: Option<Once<Workspace>>,
    ) -> Result<Effect<Option<Workspace>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let archive = move |connection: &Connection| workspaces::archive(connection, id, origin, now_ms);
        self.administer(once, now_ms, archive, Option::as_ref).await
    }

    async fn purge_workspace(&self, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged, MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer.write(move |change| workspaces::purge(change.connection, id, limit, origin, now_ms)).await
    }

    async fn default_expiries(&self, workspace: WorkspaceId) -> Result<Vec<(Purpose, DefaultExpiry)>, MetadataError> {
        self.readers.point(|connection| expiries::list(connection, workspace))
    }

    async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
    ) -> Result<(), MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer.write(move |change| expiries::set(change.connection, workspace, &wanted, origin, now_ms)).await
    }

    async fn create_key(
        &self,
        key: NewKey,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<Option<ApiKey>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let create = move |connection: &Connection| keys::create(connection, &key, origin, now_ms);
        self.administer(once, now_ms, create, Option::as_ref).await
    }

    async fn list_keys(&self) -> Result<Vec<ApiKey>, MetadataError> {
        self.readers.long(keys::list).await
    }

    async fn list_keys_of(
        &self,
        workspace: WorkspaceId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Page<ApiKey>, MetadataError> {
        self.readers.point(|connection| keys::list_of(connection, workspace, after, limit))
    }

    async fn list_admin_keys(
        &self,
        after: Option<KeyId>,
        limit: u32,
        order: Order,
    ) -> Result<Page<ApiKey>, MetadataError> {
        self.readers.point(|connection| keys::list_of_administrators(connection, after, limit, order))
    }

    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError> {
        self.readers.point(|connection| keys::find(connection, id))
    }

    async fn find_credential(&self, digest: KeyDigest) -> Result<Option<Credential>, MetadataError> {
        self.readers.point(|connection| keys::find_credential(connection, digest))
    }

    async fn revoke_key(&self, id: KeyId, origin: Origin) -> Result<Option<ApiKey>, MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer.write(move |change| keys::revoke(change.connection, id, origin, now_ms)).await
    }

    async fn rotate_key(
        &self,
        id: KeyId,
        secret: NewSecret,
        overlap_seconds: u64,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let rotate =
            move |connection: &Connection| keys::rotate(connection, id, &secret, overlap_seconds, origin, now_ms);
        self.administer(once, now_ms, rotate, made).await
    }

    async fn update_key(
        &self,
        id: KeyId,
        changes: KeyChanges,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let update = move |connection: &Connection| keys::update(connection, id, &changes, origin, now_ms);
        self.administer(once, now_ms, update, made).await
    }

    async fn note_key_used(&self, id: KeyId) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| keys::note_used(change.connection, id, now_seconds)).await
    }

    async fn limits(&self, owner: LimitOwner) -> Result<Limits, MetadataError> {
        self.readers.point(|connection| limits::get(connection, owner))
    }

    async fn set_limits(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
        once: Option<Once<Limits>>,
    ) -> Result<Effect<Option<Limits>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let set = move |connection: &Connection| limits::set(connection, owner, &wanted, origin, now_ms);
        self.administer(once, now_ms, set, Option::as_ref).await
    }

    async fn workspaces_with_limit(&self, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>, MetadataError> {
        self.readers.long(move |connection| limits::workspaces_with(connection, limit)).await
    }

    async fn storage_usage(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.long(move |connection| limits::usage(connection, workspace, now_seconds)).await
    }

    async fn storage_totals(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        self.readers.current(|connection| limits::totals(connection, workspace))
    }

    async fn stored_bytes(&self) -> Result<u64, MetadataError> {
        self.readers.long(limits::stored_bytes).await
    }

    async fn add_reads(&self, process: ProcessId, first_number: u64, reads: Vec<Reads>) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer
            .write(move |change| ledger::add_reads(change.connection, process, first_number, &reads, now_seconds))
            .await
    }

    async fn adjust(&self, new: NewAdjustment, origin: Origin) -> Result<Adjusted, MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer.write(move |change| ledger::adjust(change.connection, &new, origin, now_ms)).await
    }

    async fn ledger(
        &self,
        workspace: Option<WorkspaceId>,
        after_seq: u64,
        limit: u32,
    ) -> Result<Page<LedgerRow>, MetadataError> {
        self.readers.long(move |connection| ledger::list(connection, workspace, after_seq, limit)).await
    }

    async fn newest_event(&self) -> Result<Option<String>, MetadataError> {
        self.readers.point(ledger::newest_event)
    }

    async fn has_event(&self, event_id: &str) -> Result<bool, MetadataError> {
        self.readers.point(|connection| ledger::has_event(connection, event_id))
    }

    async fn usage(&self, query: UsageQuery) -> Result<UsageByGroup, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.long(move |connection| usage::find(connection, &query, now_seconds)).await
    }

    async fn reads_to_merge(
        &self,
        after: Option<WorkspaceId>,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<MergePage, MetadataError> {
        let until = self.clock.now_seconds().saturating_sub(older_than_seconds);
        self.readers.long(move |connection| merges::workspaces(connection, after, until, limit)).await
    }

    async fn merge_reads(
        &self,
        workspace: WorkspaceId,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError> {
        let until = self.clock.now_seconds().saturating_sub(older_than_seconds);
        self.expire(move |connection| merges::step(connection, workspace, until, limit)).await
    }

    async fn roll_up_usage(&self, limit: u32) -> Result<usize, MetadataError> {
        self.writer.write(move |change| usage::roll_up(change.connection, limit)).await
    }

    async fn forget_usage_rollup(&self) -> Result<(), MetadataError> {
        self.writer.write(|change| usage::forget_rollup(change.connection)).await
    }

    async fn export_progress(&self) -> Result<Option<ExportProgress>, MetadataError> {
        self.readers.point(export::progress)
    }

    async fn next_export(&self, bounds: ExportBounds) -> Result<(Option<ExportProgress>, NextExport), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.long(move |connection| export::next(connection, bounds, now_seconds)).await
    }

    async fn freeze_export(
        &self,
        from: Option<ExportProgress>,
        to: ExportProgress,
        messages: Vec<NewMessage>,
    ) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| export::freeze(change.connection, from, to, &messages, now_seconds)).await
    }

    async fn add_message(&self, message: NewMessage) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| outbox::add(change.connection, &message, now_seconds)).await
    }

    /// One process at a time has the database.
    async fn next_message(&self, sink: SinkName, _process: ProcessId) -> Result<Option<Message>, MetadataError> {
        self.readers.point(|connection| outbox::next(connection, sink))
    }

    async fn release_message(&self, _seq: u64, _process: ProcessId) -> Result<(), MetadataError> {
        Ok(())
    }

    async fn acknowledge_message(&self, seq: u64) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| outbox::acknowledge(change.connection, seq, now_seconds)).await
    }

    async fn set_message_aside(&self, seq: u64, status: u16) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| refused::set_aside(change.connection, seq, status, now_seconds)).await
    }

    async fn replace_message(&self, seq: u64, others: Vec<NewMessage>) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| refused::replace(change.connection, seq, &others, now_seconds)).await
    }

    async fn refused_messages(&self, sink: SinkName, limit: u32) -> Result<Vec<RefusedMessage>, MetadataError> {
        self.readers.long(move |connection| refused::list(connection, sink, limit)).await
    }

    async fn refused_message(&self, sink: SinkName, id: String) -> Result<Option<Message>, MetadataError> {
        self.readers.long(move |connection| refused::find(connection, sink, &id)).await
    }

    async fn retry_refused(&self, sink: SinkName, id: Option<String>) -> Result<usize, MetadataError> {
        self.writer.write(move |change| refused::retry(change.connection, sink, id.as_deref())).await
    }

    async fn skip_refused(&self, sink: SinkName, id: String) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| refused::skip(change.connection, sink, &id, now_seconds)).await
    }

    async fn outbox_status(&self, sink: SinkName) -> Result<OutboxStatus, MetadataError> {
        self.readers.long(move |connection| outbox::status(connection, sink)).await
    }

    async fn forget_messages(
        &self,
        sink: SinkName,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError> {
        let until = self.clock.now_seconds().saturating_sub(older_than_seconds);
        self.expire(move |connection| outbox::forget(connection, sink, until, limit)).await
    }

    async fn audit_log(&self, query: AuditQuery) -> Result<Page<AuditEntry>, MetadataError> {
        self.readers.long(move |connection| audit::list(connection, &query)).await
    }

    /// Its order is that of ids.
    async fn number_audit_log(&self, _limit: u32) -> Result<usize, MetadataError> {
        Ok(0)
    }

    async fn forget_audit_log(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError> {
        let until = self.clock.now_seconds().saturating_sub(older_than_seconds);
        self.expire(move |connection| audit::forget(connection, until, limit)).await
    }

    /// There is nobody to tell: the lock of its stores is the lease of a server.
    async fn renew_process(&self, _process: ProcessId) -> Result<(), MetadataError> {
        Ok(())
    }

    async fn end_process(&self, _process: ProcessId) -> Result<(), MetadataError> {
        Ok(())
    }

    async fn note_blob_upload(&self, blob: BlobId, upload: &str) -> Result<bool, MetadataError> {
        let upload = upload.to_owned();
        self.writer.write(move |change| blobs::note_upload(change.connection, blob, &upload)).await
    }

    async fn blob_uploads(&self, blobs: Vec<BlobId>) -> Result<Vec<(BlobId, String)>, MetadataError> {
        self.readers.point(|connection| blobs::uploads(connection, &blobs))
    }

    async fn begin_blob(&self, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<(), MetadataError> {
        self.refuse_while(Fullness::refuse).await?;
        self.writer.write_for(workspace, move |change| blobs::begin(change.connection, workspace, blob, process)).await
    }

    async fn create_file(
        &self,
        caller: Caller,
        file: NewFile,
        once: Option<Once<File>>,
    ) -> Result<Effect<Option<File>>, MetadataError> {
        if matches!(file.place, Place::Inline(_)) {
            self.refuse_while(Fullness::refuse_bytes).await?;
        }
        with_room(self, caller.workspace, || self.write_file(caller, file.clone(), once.clone())).await
    }

    async fn find_file(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<File>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.current(|connection| files::find(connection, workspace, id, now_seconds))
    }

    async fn find_content(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<StoredContent>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers
            .current_or_long(move |connection| files::find_content(connection, workspace, id, now_seconds))
            .await
    }

    async fn list_files(&self, workspace: WorkspaceId, query: FileQuery) -> Result<Page<File>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let list = move |connection: &Connection| files::list(connection, workspace, query, now_seconds);
        if query.limit <= POINT_PAGE_FILES {
            self.readers.current_or_long(list).await
        } else {
            self.readers.long(list).await
        }
    }

    async fn delete_file(&self, caller: Caller, id: FileId) -> Result<bool, MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer
            .write_for(caller.workspace, move |change| files::delete(change.connection, caller, id, now_ms))
            .await
    }

    async fn create_upload(
        &self,
        caller: Caller,
        upload: NewUpload,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Upload>, MetadataError> {
        with_room(self, caller.workspace, || self.write_upload(caller, upload.clone(), once.clone())).await
    }

    async fn find_upload(&self, workspace: WorkspaceId, id: UploadId) -> Result<Option<Upload>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.point(|connection| uploads::find(connection, workspace, id, now_seconds))
    }

    async fn create_part(
        &self,
        caller: Caller,
        upload: UploadId,
        part: NewPart,
        once: Option<Once<Part>>,
    ) -> Result<Effect<Result<Option<Part>, UploadRefusal>>, MetadataError> {
        with_room(self, caller.workspace, || self.write_part(caller, upload, part.clone(), once.clone())).await
    }

    async fn list_parts(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        after: Option<PartId>,
        limit: u32,
    ) -> Result<Result<Page<Part>, PartId>, MetadataError> {
        self.readers.long(move |connection| uploads::list_parts(connection, workspace, upload, after, limit)).await
    }

    async fn find_part_blobs(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: Vec<PartId>,
    ) -> Result<Result<Vec<StoredBlob>, UploadRefusal>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers
            .long(move |connection| uploads::find_part_blobs(connection, workspace, upload, &parts, now_seconds))
            .await
    }

    async fn complete_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Completion,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Result<Upload, UploadRefusal>>, MetadataError> {
        let completion = Arc::new(completion);
        let complete = || self.write_completion(caller, upload, Arc::clone(&completion), once.clone());
        with_room(self, caller.workspace, complete).await
    }

    async fn cancel_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Result<Upload, UploadRefusal>>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer
            .write_for(caller.workspace, move |change| {
                let work = |change: &mut Change<'_>, _: &Limits| {
                    uploads::cancel(change.connection, caller.workspace, upload, now_seconds).map(Ok)
                };
                answers::once(change, caller, once, now_seconds, work, |outcome| outcome.as_ref().ok())
            })
            .await
    }

    async fn is_answered(&self, workspace: WorkspaceId, key: &IdempotencyKey) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let scope = AnswerScope::Workspace(workspace);
        self.readers.point(|connection| answers::is_answered(connection, scope, key, now_seconds))
    }

    async fn forget_answers(&self, limit: u32) -> Result<usize, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.expire(move |connection| answers::forget(connection, limit, now_seconds)).await
    }

    async fn overdue_workspaces(&self, after: Option<Overdue>, limit: u32) -> Result<Vec<Overdue>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.point(|connection| overdue::list(connection, after, limit, now_seconds))
    }

    async fn expire_workspace(&self, workspace: WorkspaceId, limit: u32) -> Result<Ended, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.expire(move |connection| overdue::end(connection, workspace, limit, now_seconds)).await
    }

    async fn next_release(&self, after: Option<WorkspaceId>) -> Result<Option<WorkspaceId>, MetadataError> {
        self.readers.point(|connection| releases::next_workspace(connection, after))
    }

    async fn release_parts(&self, workspace: WorkspaceId, limit: u32) -> Result<usize, MetadataError> {
        self.writer.write(move |change| releases::release_some(change.connection, workspace, limit)).await
    }

    async fn forget_uploads(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError> {
        let until = self.clock.now_seconds().saturating_sub(older_than_seconds);
        self.expire(move |connection| uploads::forget(connection, until, limit)).await
    }

    async fn may_expire(&self) -> Result<bool, MetadataError> {
        let clock = self.clock.clone();
        self.writer.write(move |change| clock_watch::may_expire(change.connection, &clock)).await
    }

    async fn held_expiry(&self) -> Result<Option<ClockJump>, MetadataError> {
        self.readers.point(clock_watch::held)
    }

    async fn confirm_clock(&self) -> Result<Option<ClockJump>, MetadataError> {
        let clock = self.clock.clone();
        self.writer.write(move |change| clock_watch::confirm(change.connection, &clock)).await
    }

    async fn pending_blobs(&self) -> Result<Vec<PendingBlob>, MetadataError> {
        self.readers.long(blobs::pending).await
    }

    async fn abandon_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        self.writer.write(move |change| blobs::abandon(change.connection, &blobs)).await
    }

    /// One server has the database.
    async fn sweep_share(&self, _process: ProcessId) -> Result<SweepShare, MetadataError> {
        Ok(SweepShare::WHOLE)
    }

    async fn deleting_blobs(
        &self,
        _share: SweepShare,
        after: Option<DeletingCursor>,
        limit: u32,
        delay_seconds: u64,
    ) -> Result<DeletingPage, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.long(move |connection| blobs::deleting(connection, after, limit, delay_seconds, now_seconds)).await
    }

    async fn forget_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        self.writer.write(move |change| blobs::forget(change.connection, &blobs)).await
    }

    async fn ready_blobs(&self, after: Option<BlobId>, limit: u32) -> Result<Vec<ReadyBlob>, MetadataError> {
        self.readers.long(move |connection| blobs::ready(connection, after, limit)).await
    }

    async fn is_ready(&self, blob: BlobId) -> Result<bool, MetadataError> {
        self.readers.point(|connection| blobs::is_ready(connection, blob))
    }

    async fn blob_owner(&self, blob: BlobId) -> Result<Option<BlobOwner>, MetadataError> {
        self.readers.point(|connection| blobs::owner(connection, blob))
    }

    async fn known_blobs(&self, blobs: Vec<BlobId>) -> Result<HashSet<BlobId>, MetadataError> {
        self.readers.long(move |connection| blobs::known(connection, &blobs)).await
    }

    async fn find_some_misfits(&self, cursor: MisfitCursor) -> Result<MisfitPage, MetadataError> {
        self.readers.long(move |connection| misfits::find(connection, &cursor)).await?
    }

    async fn hold_blobs(&self, hold: HoldId, seconds: u64) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let until = now_seconds.saturating_add(seconds);
        self.writer.write(move |change| upkeep::hold(change.connection, hold, until, now_seconds)).await
    }

    async fn renew_hold(&self, hold: HoldId, seconds: u64) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let until = now_seconds.saturating_add(seconds);
        self.writer.write(move |change| upkeep::renew(change.connection, hold, until, now_seconds)).await
    }

    async fn release_hold(&self, hold: HoldId) -> Result<(), MetadataError> {
        self.writer.write(move |change| upkeep::release(change.connection, hold)).await
    }

    async fn snapshot(&self, database: &Path) -> Result<(), MetadataError> {
        let path = database.to_owned();
        self.readers.copy(move |connection| snapshot::write(connection, &path)).await?
    }

    async fn now_seconds(&self) -> Result<u64, MetadataError> {
        Ok(self.clock.now_seconds())
    }

    async fn stamp(&self) -> Result<Option<Stamp>, MetadataError> {
        self.health.refuse_when_damaged()?;
        self.readers.point(upkeep::stamp)
    }

    async fn set_stamp(&self, stamp: Stamp) -> Result<(), MetadataError> {
        self.writer.write(move |change| upkeep::set_stamp(change.connection, stamp)).await
    }

    /// One server at a time has the database.
    async fn claim_scrub(&self, _process: ProcessId) -> Result<bool, MetadataError> {
        Ok(true)
    }

    async fn scrub_progress(&self) -> Result<Option<ScrubProgress>, MetadataError> {
        self.readers.point(upkeep::scrub_progress)
    }

    async fn save_scrub_progress(&self, progress: ScrubProgress) -> Result<(), MetadataError> {
        self.writer.write(move |change| upkeep::save_scrub_progress(change.connection, progress)).await
    }

    async fn give_back_room(&self, limit: u32) -> Result<usize, MetadataError> {
        if self.fullness.refuse_bytes().is_err() {
            return Ok(0);
        }
        self.writer.write(move |change| spare::give_back(change.connection, limit)).await
    }

    /// An empty transaction: the writer is there, and nobody keeps the database from it.
    async fn probe(&self) -> Result<(), MetadataError> {
        self.writer.write(|_| Ok(())).await
    }
}

impl From<rusqlite::Error> for MetadataError {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(failure, _) if failure.code == rusqlite::ErrorCode::DiskFull => {
                Self::OutOfSpace(Arc::new(error))
            }
            rusqlite::Error::SqliteFailure(failure, _) if health::is_damage(failure.extended_code) => {
                Self::Damaged(Arc::new(error))
            }
            rusqlite::Error::SqliteFailure(..) => Self::Unavailable(Arc::new(error)),
            _ => Self::Broken(Arc::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::migrations::SchemaError;
    use super::super::{contract, export_contract, ledger_contract};
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_contract_holds() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::set_to(contract::NOW_MS);
        let store = SqliteStore::open(&folder.path().join("venna.db"), clock.clone(), Opener::Server).unwrap();
        contract::holds(&store, &clock).await;
        contract::concurrent_changes_get_their_own_answers(Arc::new(store)).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_contract_of_the_export_holds() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::set_to(contract::NOW_MS);
        let store = SqliteStore::open(&folder.path().join("venna.db"), clock.clone(), Opener::Server).unwrap();
        export_contract::holds(&store, &clock).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn usage_is_what_happened_in_ten_thousand_schedules() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::set_to(contract::NOW_MS);
        let store = SqliteStore::open(&folder.path().join("venna.db"), clock.clone(), Opener::Server).unwrap();
        let seed = u64::from_le_bytes(crate::random::bytes());
        ledger_contract::usage_is_what_happened(&store, &clock, 10_000, seed).await;
        ledger_contract::reads_are_entered_once(&store, &clock).await;
        ledger_contract::corrections_are_entered_once(&store).await;
        ledger_contract::old_reads_are_merged(&store, &clock).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn ids_go_on_after_a_restart_with_the_clock_set_back_and_the_files_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("venna.db");
        let before = SqliteStore::open(&path, Clock::set_to(contract::NOW_MS), Opener::Server).unwrap();
        let caller = contract::tenant(&before, "ids").await;
        let first = contract::file(&before, caller, 1).await;
        assert!(before.delete_file(caller, first.id).await.unwrap());
        drop(before);
        let after = SqliteStore::open(&path, Clock::set_to(contract::NOW_MS - 3_600_000), Opener::Server).unwrap();
        assert!(contract::file(&after, caller, 2).await.id > first.id);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_that_is_up_to_date_is_opened_beside_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("venna.db");
        drop(SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap());
        let busy = Connection::open(&path).unwrap();
        busy.execute_batch("BEGIN IMMEDIATE").unwrap();
        let beside = SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap();
        assert!(beside.list_workspaces(None, 10, true).await.unwrap().rows.is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_schema_of_another_form_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("venna.db");
        drop(SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection.execute("UPDATE schema_migrations SET sha256 = zeroblob(32) WHERE number = 1", []).unwrap();
        let error = SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap_err();
        assert!(matches!(error, OpenError::Migration(MigrationError::Schema(SchemaError::Changed(1)))), "{error}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_that_is_newer_than_the_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("venna.db");
        drop(SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'of tomorrow', x'00', 0)", []).unwrap();
        let error = SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap_err();
        assert!(matches!(error, OpenError::Migration(MigrationError::Schema(SchemaError::Newer { .. }))), "{error}");
    }
}
