//! The metadata store of several servers: PostgreSQL.
//!
//! What time it is, is said by the database. A change of a caller is two round trips (`writer`), a read is one. Files of one
//! workspace are made one after the other, because their ids appear in the order of their commits, and share those commits
//! (`group_commit`); everything else runs side by side. Nothing is kept in this process but connections.

mod admission;
mod answers;
mod audit;
mod blobs;
mod clock_watch;
mod connections;
mod create;
mod delete;
mod endpoint;
mod expiries;
mod export;
mod failure;
mod fair_gate;
mod files;
mod group_commit;
mod import;
mod index_change;
mod keys;
mod ledger;
mod limits;
mod merges;
mod migrate;
mod misfits;
mod outbox;
mod overdue;
#[cfg(test)]
mod plans;
mod pool_health;
mod pooler;
mod refused;
mod releases;
mod rows;
mod session_setup;
mod snapshot;
#[cfg(test)]
mod statements;
mod tls;
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
use crate::model::blob::{BlobOwner, StoredBlob};
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
use connections::Connections;
use create::Coming;
use delete::Going;
use endpoint::Endpoint;
use failure::Failure;
use fair_gate::Owner;
use group_commit::GroupCommit;
use session_setup::CommitMode;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Client;
use uploads::PartLock;
use usage::Behind;
use writer::Change;

pub use endpoint::{BadUrl, check_url};
pub use import::FillError;
pub use migrate::MigrationError;
pub use tls::TlsError;

/// The oldest version of the server that is served, as it numbers itself: 15.
const MIN_SERVER_VERSION: i32 = 150_000;
/// How long the start waits for the database to answer. Migrations take as long as they need.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// What makes the server lose what it acknowledged, when it is off.
const DURABLE: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];

/// Rows in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    connections: Arc<Connections>,
    creates: Arc<GroupCommit<Coming>>,
    deletes: Arc<GroupCommit<Going>>,
    clock: Clock,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its URL cannot be used.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// TLS cannot be spoken with it.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It does not answer, or not as it should.
    #[error("the database cannot be opened")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The schema cannot be brought up to date.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The database would not keep what it acknowledges.
    #[error("the database would not be durable: {0}")]
    NotDurable(String),
    /// The server is not one that this program knows how to use.
    #[error("the database cannot be used: {0}")]
    Unusable(String),
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(Box::new(failure))
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        Failure::from(error).into()
    }
}

impl PostgresStore {
    /// Opens the database that a URL of libpq's form names, bringing its schema up to date. The database itself is there.
    ///
    /// # Errors
    /// When it cannot be opened, is newer than this program, or would not be durable.
    pub async fn open(url: &str, clock: Clock) -> Result<Self, OpenError> {
        Self::open_with(url, clock, Outdated::Migrate).await
    }

    /// The same beside servers that may be of an earlier version: a schema that is not up to date is refused.
    ///
    /// # Errors
    /// When it cannot be opened, is of another version than this program, or would not be durable.
    pub async fn open_current(url: &str, clock: Clock) -> Result<Self, OpenError> {
        Self::open_with(url, clock, Outdated::Refuse).await
    }

    async fn open_with(url: &str, clock: Clock, outdated: Outdated) -> Result<Self, OpenError> {
        let endpoint: Endpoint = url.parse()?;
        let opening = connect(&endpoint, &clock);
        let opened = timeout(OPEN_TIMEOUT, opening).await.unwrap_or_else(|_| Err(Failure::Late.into()))?;
        let (mut client, commit, now_seconds) = opened;
        migrate::migrate(&mut client, outdated, now_seconds).await?;
        drop(client);
        let connections = Arc::new(Connections::new(&endpoint, commit)?);
        let creates = GroupCommit::new(Arc::clone(&connections), clock.clone());
        let deletes = GroupCommit::new(Arc::clone(&connections), clock.clone());
        Ok(Self { connections, creates, deletes, clock })
    }

    /// Whether the database that a URL names holds an installation. Nothing is changed.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn is_there(url: &str) -> Result<bool, OpenError> {
        let endpoint: Endpoint = url.parse()?;
        let asking = async {
            let (client, connection) = endpoint.config.connect(tls::connector(&endpoint)?).await?;
            drop(tokio::spawn(connection));
            Ok(client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await?.try_get(0)?)
        };
        timeout(OPEN_TIMEOUT, asking).await.unwrap_or_else(|_| Err(Failure::Late.into()))
    }

    /// The time that a test has set, as SQL takes it.
    fn set_ms(&self) -> Option<i64> {
        self.clock.set_ms().map(rows::stored)
    }
}

/// Connects to a server that can be used; the connection, how commits are made durable, and the time in Unix seconds.
async fn connect(endpoint: &Endpoint, clock: &Clock) -> Result<(Client, CommitMode, u64), OpenError> {
    let (client, connection) = endpoint.config.connect(tls::connector(endpoint)?).await?;
    // It ends with its client.
    drop(tokio::spawn(connection));
    pooler::refuse_shared_sessions(endpoint, &client).await?;
    let commit = check_server(&client).await?;
    let now_seconds = match clock.set_ms() {
        Some(set_ms) => set_ms / 1000,
        None => rows::number(&client.query_one("SELECT extract(epoch FROM now())::bigint", &[]).await?, 0)?,
    };
    Ok((client, commit, now_seconds))
}

async fn check_server(client: &Client) -> Result<CommitMode, OpenError> {
    let setting = async |name: &str| -> Result<String, OpenError> {
        Ok(client.query_one("SELECT current_setting($1)", &[&name]).await?.try_get(0)?)
    };
    let version = setting("server_version_num").await?;
    if version.parse().unwrap_or(0) < MIN_SERVER_VERSION {
        return Err(OpenError::Unusable(format!("PostgreSQL 15 or later is needed, this is {version}")));
    }
    let encoding = setting("server_encoding").await?;
    if encoding != "UTF8" {
        return Err(OpenError::Unusable(format!("its encoding is {encoding}, UTF8 is needed")));
    }
    for name in DURABLE {
        if setting(name).await? == "off" {
            return Err(OpenError::NotDurable(format!("{name} is off")));
        }
    }
    // Replicas that have to have applied what is committed are more than what is asked for here.
    let stronger = setting("synchronous_commit").await? == "remote_apply";
    Ok(if stronger { CommitMode::Applied } else { CommitMode::Flushed })
}

fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// A read of few rows, on any connection; `of` a workspace where it is for one.
macro_rules! read {
    ($store:ident, |$session:ident| $query:expr) => {
        read!($store, of None, |$session| $query)
    };
    ($store:ident, of $owner:expr, |$session:ident| $query:expr) => {{
        let (connections, owner): (_, Owner) = (&$store.connections, $owner.into());
        connections
            .run(|deadline| async move {
                let _place = connections.read_place(owner, deadline.request).await?;
                let $session = &connections.session(deadline.request).await?;
                connections.ask($session, deadline, $query).await
            })
            .await
    }};
}

/// A read of many rows, whose statements all see the same moment.
macro_rules! long {
    ($store:ident, |$session:ident| $query:expr) => {
        long!($store, of None, |$session| $query)
    };
    ($store:ident, of $owner:expr, |$session:ident| $query:expr) => {{
        let (owner, connections): (Owner, _) = ($owner.into(), Arc::clone(&$store.connections));
        connections.read_long(owner, move |$session| Box::pin(async move { $query.await })).await
    }};
}

/// A change of one statement, which does no harm when it is repeated.
macro_rules! write {
    ($store:ident, |$session:ident| $query:expr) => {
        write!($store, of None, |$session| $query)
    };
    ($store:ident, of $owner:expr, |$session:ident| $query:expr) => {{
        let (connections, owner): (_, Owner) = (&$store.connections, $owner.into());
        connections
            .run(|deadline| async move {
                let _place = connections.place(owner, deadline.request).await?;
                let $session = &connections.session(deadline.request).await?;
                connections.ask($session, deadline, $query).await
            })
            .await
    }};
}

/// A transaction.
macro_rules! change {
    ($store:ident, |$change:ident| $work:expr) => {
        change!($store, of None, |$change| $work)
    };
    ($store:ident, of $owner:expr, |$change:ident| $work:expr) => {{
        let (connections, set_ms) = (&$store.connections, $store.set_ms());
        let owner: Owner = $owner.into();
        connections
            .run(|deadline| async move {
                let $change = Change::new(connections, owner, deadline, set_ms).await?;
                $work.await
            })
            .await
    }};
}

#[async_trait]
impl MetadataStore for PostgresStore {
    async fn create_workspace(
        &self,
        name: &str,
        origin: Origin,
        once: Option<Once<Workspace>>,
    ) -> Result<Effect<Option<Workspace>>, MetadataError> {
        let once = once.as_ref();
        change!(self, |change| workspaces::create(change, name, origin, once))
    }

    async fn list_workspaces(
        &self,
        after: Option<WorkspaceId>,
        limit: u32,
        with_archived: bool,
    ) -> Result<Page<Workspace>, MetadataError> {
        read!(self, |session| workspaces::list(session, after, limit, with_archived))
    }

    async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, MetadataError> {
        read!(self, |session| workspaces::find(session, id))
    }

    async fn find_workspace_named(&self, name: &str) -> Result<Option<Workspace>, MetadataError> {
        read!(self, |session| workspaces::find_named(session, name))
    }

    async fn rename_workspace(
        &self,
        id: WorkspaceId,
        name: Option<&str>,
        origin: Origin,
        once: Option<Once<Workspace>>,
    ) -> Result<Effect<Option<Result<Workspace, NameTaken>>>, MetadataError> {
        let once = once.as_ref();
        change!(self, |change| workspaces::rename(change, id, name, origin, once))
    }

    async fn archive_workspace(
        &self,
        id: WorkspaceId,
        origin: Origin,
        once: Option<Once<Workspace>>,
    ) -> Result<Effect<Option<Workspace>>, MetadataError> {
        let once = once.as_ref();
        change!(self, |change| workspaces::archive(change, id, origin, once))
    }

    async fn purge_workspace(&self, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged, MetadataError> {
        change!(self, |change| workspaces::purge(change, id, limit, origin))
    }

    async fn default_expiries(&self, workspace: WorkspaceId) -> Result<Vec<(Purpose, DefaultExpiry)>, MetadataError> {
        read!(self, of workspace, |session| expiries::list(session, workspace))
    }

    async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
    ) -> Result<(), MetadataError> {
        let wanted = wanted.as_slice();
        change!(self, |change| expiries::set(change, workspace, wanted, origin))
    }

    async fn create_key(
        &self,
        key: NewKey,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<Option<ApiKey>>, MetadataError> {
        let (key, once) = (&key, once.as_ref());
        change!(self, |change| keys::create(change, key, origin, once))
    }

    async fn list_keys(&self) -> Result<Vec<ApiKey>, MetadataError> {
        read!(self, |session| keys::list(session))
    }

    async fn list_keys_of(
        &self,
        workspace: WorkspaceId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Page<ApiKey>, MetadataError> {
        read!(self, |session| keys::list_of(session, workspace, after, limit))
    }

    async fn list_admin_keys(
        &self,
        after: Option<KeyId>,
        limit: u32,
        order: Order,
    ) -> Result<Page<ApiKey>, MetadataError> {
        read!(self, |session| keys::list_of_administrators(session, after, limit, order))
    }

    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError> {
        read!(self, |session| keys::find(session, id))
    }

    async fn find_credential(&self, digest: KeyDigest) -> Result<Option<Credential>, MetadataError> {
        read!(self, |session| keys::find_credential(session, digest))
    }

    async fn revoke_key(&self, id: KeyId, origin: Origin) -> Result<Option<ApiKey>, MetadataError> {
        change!(self, |change| keys::revoke(change, id, origin))
    }

    async fn rotate_key(
        &self,
        id: KeyId,
        secret: NewSecret,
        overlap_seconds: u64,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let (secret, once) = (&secret, once.as_ref());
        change!(self, |change| keys::rotate(change, id, secret, overlap_seconds, origin, once))
    }

    async fn update_key(
        &self,
        id: KeyId,
        changes: KeyChanges,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<Option<Result<ApiKey, KeyStatus>>>, MetadataError> {
        let (changes, once) = (&changes, once.as_ref());
        change!(self, |change| keys::update(change, id, changes, origin, once))
    }

    async fn note_key_used(&self, id: KeyId) -> Result<(), MetadataError> {
        let set_ms = self.set_ms();
        write!(self, |session| keys::note_used(session, id, set_ms))
    }

    async fn limits(&self, owner: LimitOwner) -> Result<Limits, MetadataError> {
        read!(self, |session| limits::get(session, owner))
    }

    async fn set_limits(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
        once: Option<Once<Limits>>,
    ) -> Result<Effect<Option<Limits>>, MetadataError> {
        let (wanted, once) = (wanted.as_slice(), once.as_ref());
        change!(self, |change| limits::set(change, owner, wanted, origin, once))
    }

    async fn workspaces_with_limit(&self, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>, MetadataError> {
        long!(self, |session| limits::workspaces_with(session, limit))
    }

    async fn storage_usage(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, of workspace, |session| limits::usage(session, workspace, set_ms))
    }

    async fn storage_totals(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        read!(self, of workspace, |session| limits::totals(session, workspace))
    }

    async fn stored_bytes(&self) -> Result<u64, MetadataError> {
        read!(self, |session| limits::stored_bytes(session))
    }

    async fn add_reads(&self, process: ProcessId, first_number: u64, reads: Vec<Reads>) -> Result<(), MetadataError> {
        let reads = reads.as_slice();
        let set_ms = self.set_ms();
        write!(self, |session| ledger::add_reads(session, process, first_number, reads, set_ms))
    }

    async fn adjust(&self, new: NewAdjustment, origin: Origin) -> Result<Adjusted, MetadataError> {
        let adjustment = &new;
        let adjusted = change!(self, |change| ledger::adjust(change, adjustment, origin))?;
        let event_id = adjustment.event_id();
        let numbered = async |row: LedgerRow| -> Result<LedgerRow, MetadataError> {
            ledger::number_all(&self.connections, self.set_ms()).await?;
            let event_id = event_id.as_str();
            Ok(read!(self, |session| ledger::find(session, event_id))?.unwrap_or(row))
        };
        Ok(match adjusted {
            Adjusted::Entered(row) => Adjusted::Entered(numbered(row).await?),
            Adjusted::Known(row) => Adjusted::Known(numbered(row).await?),
            refused => refused,
        })
    }

    async fn ledger(
        &self,
        workspace: Option<WorkspaceId>,
        after_seq: u64,
        limit: u32,
    ) -> Result<Page<LedgerRow>, MetadataError> {
        ledger::number_all(&self.connections, self.set_ms()).await?;
        long!(self, of workspace, |session| ledger::list(session, workspace, after_seq, limit))
    }

    async fn newest_event(&self) -> Result<Option<String>, MetadataError> {
        read!(self, |session| ledger::newest_event(session))
    }

    async fn has_event(&self, event_id: &str) -> Result<bool, MetadataError> {
        read!(self, |session| ledger::has_event(session, event_id))
    }

    async fn usage(&self, query: UsageQuery) -> Result<UsageByGroup, MetadataError> {
        let set_ms = self.set_ms();
        long!(self, of query.only_workspace(), |session| usage::find(session, &query, Behind::All, set_ms))
    }

    async fn reads_to_merge(
        &self,
        after: Option<WorkspaceId>,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<MergePage, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, |session| merges::workspaces(session, after, older_than_seconds, limit, set_ms))
    }

    async fn merge_reads(
        &self,
        workspace: WorkspaceId,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        change!(self, |change| merges::step(change, workspace, older_than_seconds, limit)).map(count)
    }

    async fn roll_up_usage(&self, limit: u32) -> Result<usize, MetadataError> {
        change!(self, |change| usage::roll_up(change, limit)).map(count)
    }

    async fn forget_usage_rollup(&self) -> Result<(), MetadataError> {
        change!(self, |change| usage::forget_rollup(change))
    }

    async fn export_progress(&self) -> Result<Option<ExportProgress>, MetadataError> {
        read!(self, |session| export::progress(session))
    }

    async fn next_export(&self, bounds: ExportBounds) -> Result<(Option<ExportProgress>, NextExport), MetadataError> {
        let set_ms = self.set_ms();
        ledger::number_all(&self.connections, set_ms).await?;
        long!(self, |session| export::next(session, bounds, set_ms))
    }

    async fn freeze_export(
        &self,
        from: Option<ExportProgress>,
        to: ExportProgress,
        messages: Vec<NewMessage>,
    ) -> Result<bool, MetadataError> {
        let messages = messages.as_slice();
        change!(self, |change| export::freeze(change, from, to, messages))
    }

    async fn add_message(&self, message: NewMessage) -> Result<bool, MetadataError> {
        let message = &message;
        change!(self, |change| outbox::add(change, message))
    }

    async fn next_message(&self, sink: SinkName, process: ProcessId) -> Result<Option<Message>, MetadataError> {
        let set_ms = self.set_ms();
        write!(self, |session| outbox::next(session, sink, process, set_ms))
    }

    async fn release_message(&self, seq: u64, process: ProcessId) -> Result<(), MetadataError> {
        write!(self, |session| outbox::release(session, seq, process))
    }

    async fn acknowledge_message(&self, seq: u64) -> Result<(), MetadataError> {
        let set_ms = self.set_ms();
        write!(self, |session| outbox::acknowledge(session, seq, set_ms))
    }

    async fn set_message_aside(&self, seq: u64, status: u16) -> Result<(), MetadataError> {
        let set_ms = self.set_ms();
        write!(self, |session| refused::set_aside(session, seq, status, set_ms))
    }

    async fn replace_message(&self, seq: u64, others: Vec<NewMessage>) -> Result<bool, MetadataError> {
        let others = &others;
        change!(self, |change| refused::replace(change, seq, others))
    }

    async fn refused_messages(&self, sink: SinkName, limit: u32) -> Result<Vec<RefusedMessage>, MetadataError> {
        read!(self, |session| refused::list(session, sink, limit))
    }

    async fn refused_message(&self, sink: SinkName, id: String) -> Result<Option<Message>, MetadataError> {
        let id = id.as_str();
        read!(self, |session| refused::find(session, sink, id))
    }

    async fn retry_refused(&self, sink: SinkName, id: Option<String>) -> Result<usize, MetadataError> {
        let id = id.as_deref();
        write!(self, |session| refused::retry(session, sink, id)).map(count)
    }

    async fn skip_refused(&self, sink: SinkName, id: String) -> Result<bool, MetadataError> {
        let (id, set_ms) = (id.as_str(), self.set_ms());
        write!(self, |session| refused::skip(session, sink, id, set_ms))
    }

    async fn outbox_status(&self, sink: SinkName) -> Result<OutboxStatus, MetadataError> {
        read!(self, |session| outbox::status(session, sink))
    }

    async fn forget_messages(
        &self,
        sink: SinkName,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        let set_ms = self.set_ms();
        write!(self, |session| outbox::forget(session, sink, older_than_seconds, limit, set_ms)).map(count)
    }

    async fn note_blob_upload(&self, blob: BlobId, upload: &str) -> Result<bool, MetadataError> {
        write!(self, |session| blobs::note_upload(session, blob, upload))
    }

    async fn blob_uploads(&self, blobs: Vec<BlobId>) -> Result<Vec<(BlobId, String)>, MetadataError> {
        let blobs = blobs.as_slice();
        read!(self, |session| blobs::uploads(session, blobs))
    }

    async fn audit_log(&self, query: AuditQuery) -> Result<Page<AuditEntry>, MetadataError> {
        while self.number_audit_log(audit::NUMBERED_AT_ONCE).await? == count(audit::NUMBERED_AT_ONCE.into()) {}
        long!(self, |session| audit::list(session, &query))
    }

    async fn number_audit_log(&self, limit: u32) -> Result<usize, MetadataError> {
        if !audit::is_behind(&self.connections).await? {
            return Ok(0);
        }
        change!(self, |change| audit::number_some(change, limit)).map(count)
    }

    async fn forget_audit_log(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        let set_ms = self.set_ms();
        write!(self, |session| audit::forget(session, older_than_seconds, limit, set_ms)).map(count)
    }

    async fn renew_process(&self, process: ProcessId) -> Result<(), MetadataError> {
        let set_ms = self.set_ms();
        write!(self, |session| upkeep::renew_process(session, process, set_ms))
    }

    async fn end_process(&self, process: ProcessId) -> Result<(), MetadataError> {
        write!(self, |session| upkeep::end_process(session, process))
    }

    async fn begin_blob(&self, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<(), MetadataError> {
        write!(self, of workspace, |session| blobs::begin(session, workspace, blob, process))
    }

    async fn create_file(
        &self,
        caller: Caller,
        file: NewFile,
        once: Option<Once<File>>,
    ) -> Result<Effect<Option<File>>, MetadataError> {
        let coming = || Coming { caller, new: file.clone(), once: once.clone() };
        with_room(self, caller.workspace, || self.creates.make(coming())).await
    }

    async fn find_file(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<File>, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, of workspace, |session| files::find(session, workspace, id, set_ms))
    }

    async fn find_content(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<StoredContent>, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, of workspace, |session| files::find_content(session, workspace, id, set_ms))
    }

    async fn list_files(&self, workspace: WorkspaceId, query: FileQuery) -> Result<Page<File>, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, of workspace, |session| files::list(session, workspace, query, set_ms))
    }

    async fn delete_file(&self, caller: Caller, id: FileId) -> Result<bool, MetadataError> {
        self.deletes.make(Going { caller, file: id }).await
    }

    async fn create_upload(
        &self,
        caller: Caller,
        upload: NewUpload,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Upload>, MetadataError> {
        let (upload, once) = (&upload, once.as_ref());
        let create = || async move {
            change!(self, of caller.workspace, |change| uploads::create(change, caller, upload, once))
        };
        with_room(self, caller.workspace, create).await
    }

    async fn find_upload(&self, workspace: WorkspaceId, id: UploadId) -> Result<Option<Upload>, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, of workspace, |session| uploads::find(session, workspace, id, set_ms))
    }

    async fn create_part(
        &self,
        caller: Caller,
        upload: UploadId,
        part: NewPart,
        once: Option<Once<Part>>,
    ) -> Result<Effect<Result<Option<Part>, UploadRefusal>>, MetadataError> {
        let (part, once) = (&part, once.as_ref());
        let create = |lock| async move {
            change!(self, of caller.workspace, |change| uploads::create_part(change, caller, upload, part, once, lock))
        };
        let create_in_turn = || async move {
            for lock in [PartLock::Nothing, PartLock::Workspace] {
                if let Some(effect) = create(lock).await? {
                    return Ok(effect);
                }
            }
            Err(Failure::Unreadable("a part was not decided under the lock of its workspace".to_owned()).into())
        };
        with_room(self, caller.workspace, create_in_turn).await
    }

    async fn list_parts(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        after: Option<PartId>,
        limit: u32,
    ) -> Result<Result<Page<Part>, PartId>, MetadataError> {
        long!(self, of workspace, |session| uploads::list_parts(session, workspace, upload, after, limit))
    }

    async fn find_part_blobs(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: Vec<PartId>,
    ) -> Result<Result<Vec<StoredBlob>, UploadRefusal>, MetadataError> {
        let set_ms = self.set_ms();
        long!(self, of workspace, |session| uploads::find_part_blobs(session, workspace, upload, &parts, set_ms))
    }

    async fn complete_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Completion,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Result<Upload, UploadRefusal>>, MetadataError> {
        let (completion, once) = (&completion, once.as_ref());
        let complete = || async move {
            change!(self, of caller.workspace, |change| uploads::complete(change, caller, upload, completion, once))
        };
        with_room(self, caller.workspace, complete).await
    }

    async fn cancel_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Result<Upload, UploadRefusal>>, MetadataError> {
        let once = once.as_ref();
        change!(self, of caller.workspace, |change| uploads::cancel(change, caller, upload, once))
    }

    async fn is_answered(&self, workspace: WorkspaceId, key: &IdempotencyKey) -> Result<bool, MetadataError> {
        let set_ms = self.set_ms();
        let scope = AnswerScope::Workspace(workspace);
        read!(self, of workspace, |session| answers::is_answered(session, scope, key, set_ms))
    }

    async fn forget_answers(&self, limit: u32) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        let set_ms = self.set_ms();
        write!(self, |session| answers::forget(session, limit, set_ms)).map(count)
    }

    async fn overdue_workspaces(&self, after: Option<Overdue>, limit: u32) -> Result<Vec<Overdue>, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, |session| overdue::list(session, after, limit, set_ms))
    }

    async fn expire_workspace(&self, workspace: WorkspaceId, limit: u32) -> Result<Ended, MetadataError> {
        if !self.may_expire().await? {
            return Ok(Ended::default());
        }
        let set_ms = self.set_ms();
        let files = write!(self, |session| files::delete_expired(session, workspace, limit, set_ms)).map(count)?;
        let uploads = if read!(self, |session| overdue::has_uploads(session, workspace, set_ms))? {
            change!(self, |change| uploads::expire(change, workspace, limit)).map(count)?
        } else {
            0
        };
        Ok(Ended { files, uploads })
    }

    async fn next_release(&self, after: Option<WorkspaceId>) -> Result<Option<WorkspaceId>, MetadataError> {
        read!(self, |session| releases::next_workspace(session, after))
    }

    async fn release_parts(&self, workspace: WorkspaceId, limit: u32) -> Result<usize, MetadataError> {
        change!(self, |change| releases::release_some(change, workspace, limit)).map(count)
    }

    async fn forget_uploads(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        let set_ms = self.set_ms();
        write!(self, |session| uploads::forget(session, older_than_seconds, limit, set_ms)).map(count)
    }

    async fn may_expire(&self) -> Result<bool, MetadataError> {
        let (clock, set_ms) = (&self.clock, self.set_ms());
        write!(self, |session| clock_watch::may_expire(session, clock, set_ms))
    }

    async fn held_expiry(&self) -> Result<Option<ClockJump>, MetadataError> {
        read!(self, |session| clock_watch::held(session))
    }

    async fn confirm_clock(&self) -> Result<Option<ClockJump>, MetadataError> {
        let clock = &self.clock;
        change!(self, |change| clock_watch::confirm(change, clock))
    }

    async fn pending_blobs(&self) -> Result<Vec<PendingBlob>, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, |session| blobs::pending(session, set_ms))
    }

    async fn abandon_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        let blobs = blobs.as_slice();
        write!(self, |session| blobs::abandon(session, blobs))
    }

    async fn sweep_share(&self, process: ProcessId) -> Result<SweepShare, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, |session| upkeep::sweep_share(session, process, set_ms))
    }

    async fn deleting_blobs(
        &self,
        share: SweepShare,
        after: Option<DeletingCursor>,
        limit: u32,
        delay_seconds: u64,
    ) -> Result<DeletingPage, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, |session| blobs::deleting(session, share, after, limit, delay_seconds, set_ms))
    }

    async fn forget_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        let blobs = blobs.as_slice();
        write!(self, |session| blobs::forget(session, blobs))
    }

    async fn ready_blobs(&self, after: Option<BlobId>, limit: u32) -> Result<Vec<ReadyBlob>, MetadataError> {
        long!(self, |session| blobs::ready(session, after, limit))
    }

    async fn is_ready(&self, blob: BlobId) -> Result<bool, MetadataError> {
        read!(self, |session| blobs::is_ready(session, blob))
    }

    async fn blob_owner(&self, blob: BlobId) -> Result<Option<BlobOwner>, MetadataError> {
        read!(self, |session| blobs::owner(session, blob))
    }

    async fn known_blobs(&self, blobs: Vec<BlobId>) -> Result<HashSet<BlobId>, MetadataError> {
        long!(self, |session| blobs::known(session, &blobs))
    }

    async fn find_some_misfits(&self, cursor: MisfitCursor) -> Result<MisfitPage, MetadataError> {
        long!(self, |session| misfits::find(session, &cursor))
    }

    async fn hold_blobs(&self, hold: HoldId, seconds: u64) -> Result<(), MetadataError> {
        let set_ms = self.set_ms();
        write!(self, |session| upkeep::hold(session, hold, seconds, set_ms))
    }

    async fn renew_hold(&self, hold: HoldId, seconds: u64) -> Result<bool, MetadataError> {
        let set_ms = self.set_ms();
        write!(self, |session| upkeep::renew(session, hold, seconds, set_ms))
    }

    async fn release_hold(&self, hold: HoldId) -> Result<(), MetadataError> {
        write!(self, |session| upkeep::release(session, hold))
    }

    async fn snapshot(&self, database: &Path) -> Result<(), MetadataError> {
        snapshot::write(&self.connections, self.set_ms(), database).await
    }

    async fn now_seconds(&self) -> Result<u64, MetadataError> {
        let set_ms = self.set_ms();
        read!(self, |session| upkeep::now_seconds(session, set_ms))
    }

    async fn stamp(&self) -> Result<Option<Stamp>, MetadataError> {
        read!(self, |session| upkeep::stamp(session))
    }

    async fn set_stamp(&self, stamp: Stamp) -> Result<(), MetadataError> {
        write!(self, |session| upkeep::set_stamp(session, stamp))
    }

    async fn claim_scrub(&self, process: ProcessId) -> Result<bool, MetadataError> {
        let set_ms = self.set_ms();
        write!(self, |session| upkeep::claim_scrub(session, process, set_ms))
    }

    async fn scrub_progress(&self) -> Result<Option<ScrubProgress>, MetadataError> {
        read!(self, |session| upkeep::scrub_progress(session))
    }

    async fn save_scrub_progress(&self, progress: ScrubProgress) -> Result<(), MetadataError> {
        write!(self, |session| upkeep::save_scrub_progress(session, progress))
    }

    async fn give_back_room(&self, _limit: u32) -> Result<usize, MetadataError> {
        Ok(0)
    }

    /// A transaction that writes nothing: the database is there, and takes changes.
    async fn probe(&self) -> Result<(), MetadataError> {
        change!(self, |change| async move {
            change.begin(&[], async { Ok(()) }).await?;
            change.commit(async { Ok(()) }).await
        })
    }
}

#[cfg(test)]
mod tests;
