//! The metadata stores: what we know about Files, workspaces and keys.
//!
//! Only this room writes SQL. A store decides what time it is, mints the ids of what it commits, and answers only when a
//! change is durable. It knows nothing of HTTP, and of blobs only their names and lives:
//! `pending -> ready -> deleting -> gone` (docs/design/durability.md). The verbs of floor 3 are the only callers.

#[cfg(test)]
mod admin_contract;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod export_contract;
#[cfg(test)]
mod growing_tables;
#[cfg(test)]
mod ledger_contract;
mod migrations;
mod misfits;
pub mod postgres;
mod read_merges;
mod room;
pub mod sqlite;

use crate::model::adjustment::{Adjusted, NewAdjustment};
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeyStatus, Opens};
use crate::model::audit::{AuditQuery, Entry as AuditEntry, Origin};
use crate::model::blob::{BlobOwner, StoredBlob};
use crate::model::caller::Caller;
use crate::model::clock_jump::ClockJump;
use crate::model::digest::Sha256Digest;
use crate::model::expiry::DefaultExpiry;
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::file::{File, NewFile};
use crate::model::finding::Finding;
use crate::model::idempotency::{Effect, IdempotencyKey, Once};
use crate::model::ids::{BlobId, FileId, HoldId, KeyId, PartId, ProcessId, UploadId, WorkspaceId};
use crate::model::ledger::{LedgerRow, Reads};
use crate::model::limits::{Limit, LimitOwner, Limits, StorageUsage};
use crate::model::outbox::{Message, NewMessage, OutboxStatus, RefusedMessage, SinkName};
use crate::model::page::{FileQuery, Order, Page};
use crate::model::purpose::Purpose;
use crate::model::scope::{Scope, Scopes};
use crate::model::scrub::ScrubProgress;
use crate::model::stamp::Stamp;
use crate::model::upload::{Completion, NewPart, NewUpload, Part, Upload, UploadRefusal};
use crate::model::usage::{UsageByGroup, UsageQuery};
use crate::model::workspace::{NameTaken, Workspace};
use async_trait::async_trait;
pub use misfits::{MisfitCursor, MisfitPage};
pub use read_merges::MergePage;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

/// Rows of the ledger that one transaction takes into the cache of usage.
pub const ROLL_UP_ROWS: u32 = 5000;

/// Expired Files, and as many Uploads, that [`MetadataStore::storage_usage`] looks at.
pub const USAGE_EXPIRED_ROWS: u32 = 10_000;

/// How long a process counts as living after it last said so, in seconds. What it left behind is swept after that.
pub const LEASE_SECONDS: u64 = 30;

/// A text that sorts before every id.
const BEFORE_ALL_IDS: &str = "";
/// A text that sorts behind every id, whose characters are digits, letters, `-` and `_`.
const BEHIND_ALL_IDS: &str = "~";

/// Why the store failed; shared, because one failed commit fails every change in it.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// What a metadata store can fail with.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MetadataError {
    /// No room for more rows.
    #[error("the metadata store has no room left")]
    OutOfSpace(#[source] Cause),
    /// The store holds what it cannot read, or made a mistake; asking again does not help.
    #[error("the metadata store is broken")]
    Broken(#[source] Cause),
    /// The database is damaged: what it says may be wrong, and nothing is changed or removed by it any more.
    #[error("the database is damaged")]
    Damaged(#[source] Cause),
    /// The store takes no changes at the moment; nothing was changed.
    #[error("the metadata store takes no changes")]
    ReadOnly(#[source] Cause),
    /// A read took longer than it may, and was ended.
    #[error("the metadata store ended a read that took too long")]
    TookTooLong(#[source] Cause),
    /// The store does not answer as it should; whether a change took place is not known.
    #[error("the metadata store failed")]
    Unavailable(#[source] Cause),
    /// Too many operations of the same workspace wait for the store already; nothing was done.
    #[error("too much of the workspace waits for the metadata store")]
    Crowded(#[source] Cause),
}

/// A key as it is entered into the store, which adds the id.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it opens.
    pub opens: Opens,
    /// Its first secret.
    pub secret: NewSecret,
    /// What its owner calls it.
    pub name: String,
    /// How many seconds it is valid; for ever when none.
    pub valid_seconds: Option<u64>,
}

/// What is changed of a key; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges {
    /// What its owner calls it.
    pub name: Option<String>,
    /// What it may be used for, if it opens a workspace.
    pub scopes: Option<Scopes>,
    /// How many seconds it is valid from now on.
    pub valid_seconds: Option<u64>,
}

impl KeyChanges {
    /// Returns the key as it is after the change, and what the audit log says of it.
    fn apply(&self, known: ApiKey, now_seconds: u64) -> (ApiKey, Map<String, Value>) {
        let mut details = Map::new();
        let mut changed = known;
        if let Some(name) = &self.name {
            details.insert("name".to_owned(), json!(name));
            changed.name.clone_from(name);
        }
        if let (Some(scopes), Opens::Workspace(workspace, _)) = (self.scopes, changed.opens) {
            let names: Vec<_> = scopes.iter().map(Scope::name).collect();
            details.insert("scopes".to_owned(), json!(names));
            changed.opens = Opens::Workspace(workspace, scopes);
        }
        if let Some(seconds) = self.valid_seconds {
            details.insert("expires_in_seconds".to_owned(), json!(seconds));
            changed.expires_at = Some(now_seconds.saturating_add(seconds));
        }
        (changed, details)
    }
}

/// A secret as it is kept.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// SHA-256 of it.
    pub digest: KeyDigest,
    /// How people tell it from others.
    pub redacted: String,
}

/// What became of a part of the work of removing all that a workspace has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purged {
    /// There is no such workspace.
    NotFound,
    /// It is not archived, and stays.
    NotArchived,
    /// So many Files and Uploads are gone, or only other rows; there may be more.
    Some(usize),
    /// Nothing is left.
    All,
}

/// A workspace in which a File or a pending Upload is overdue, in the order in which their time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overdue {
    /// The Unix second from which on it is expired.
    pub since: u64,
    /// Its workspace.
    pub workspace: WorkspaceId,
}

impl Overdue {
    /// Merges lists that are sorted and each were cut at `limit`: nothing is left out before the last of the result.
    fn merge(lists: Vec<Vec<Self>>, limit: usize) -> Vec<Self> {
        let cut = lists.iter().filter(|list| list.len() >= limit).filter_map(|list| list.last()).min().copied();
        let mut merged: Vec<Self> = lists.into_iter().flatten().collect();
        merged.sort_unstable();
        merged.dedup();
        merged.retain(|overdue| cut.is_none_or(|cut| *overdue <= cut));
        merged
    }
}

/// What one step of expiry ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Files.
    pub files: usize,
    /// Uploads.
    pub uploads: usize,
}

impl Ended {
    /// Returns whether there was nothing to end.
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        self.files == 0 && self.uploads == 0
    }
}

/// What is needed to read a File's content and to check what was read.
#[derive(Clone, Debug)]
pub struct StoredContent {
    /// The File.
    pub file: File,
    /// The blobs that hold its content, in the order of their bytes.
    pub blobs: Vec<StoredBlob>,
}

/// A blob that something has, and what it should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyBlob {
    /// The blob.
    pub stored: StoredBlob,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
}

/// A blob that was begun and not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingBlob {
    /// The blob.
    pub blob: BlobId,
    /// The process that began it.
    pub process: ProcessId,
    /// That process may live: its [lease](MetadataStore::renew_process) lasts, or ran out while the store did not answer and
    /// has not been missed for [`LEASE_SECONDS`] since.
    pub lives: bool,
}

/// One of several equal shares of the blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepShare {
    /// Which one, from 0.
    pub place: u32,
    /// The number of shares.
    pub of: u32,
}

impl SweepShare {
    /// All blobs.
    pub const WHOLE: Self = Self { place: 0, of: 1 };
}

/// A place among the blobs that are `deleting`, which are in the order in which they were given to nobody any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeletingCursor {
    /// Since when the blob is given to nobody, in Unix seconds; 0 when it never was.
    pub deleted_at: u64,
    /// The blob.
    pub blob: BlobId,
}

/// Blobs whose bytes are to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletingPage {
    /// The blobs, fewer than were looked at where others have a share.
    pub blobs: Vec<BlobId>,
    /// Where to go on; none when there are no others.
    pub next: Option<DeletingCursor>,
}

impl DeletingPage {
    /// A page of blobs that were looked at, each with whether it is in the share, when `limit` were asked for.
    fn of(looked_at: Vec<(DeletingCursor, bool)>, limit: u32) -> Self {
        let is_full = looked_at.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = looked_at.last().map(|(cursor, _)| *cursor).filter(|_| is_full);
        let own = looked_at.into_iter().filter(|(_, is_own)| *is_own);
        Self { blobs: own.map(|(cursor, _)| cursor.blob).collect(), next }
    }
}

/// A place for rows.
#[async_trait]
pub trait MetadataStore: std::fmt::Debug + Send + Sync + 'static {
    /// Makes a workspace, or none when the name is taken. This and every other change of an administrator that has an
    /// [`Effect`] happens once under its key with `once`, and its answer is noted in its own transaction; what is refused is
    /// not noted.
    async fn create_workspace(
        &self,
        name: &str,
        origin: Origin,
        once: Option<Once<Workspace>>,
    ) -> Result<Effect<Option<Workspace>>, MetadataError>;
    /// At most `limit` workspaces, archived ones too if wanted, in the order of their ids, behind `after`.
    async fn list_workspaces(
        &self,
        after: Option<WorkspaceId>,
        limit: u32,
        with_archived: bool,
    ) -> Result<Page<Workspace>, MetadataError>;
    /// The workspace of this id, archived or not.
    async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, MetadataError>;
    /// The workspace of this name, archived or not.
    async fn find_workspace_named(&self, name: &str) -> Result<Option<Workspace>, MetadataError>;
    /// Gives a workspace another name, if one is said and it is not taken; none when there is no such workspace.
    async fn rename_workspace(
        &self,
        id: WorkspaceId,
        name: Option<&str>,
        origin: Origin,
        once: Option<Once<Workspace>>,
    ) -> Result<Effect<Option<Result<Workspace, NameTaken>>>, MetadataError>;
    /// Archives a workspace, once: its keys open nothing any more, and its Files stay. None when there is no such workspace.
    async fn archive_workspace(
        &self,
        id: WorkspaceId,
        origin: Origin,
        once: Option<Once<Workspace>>,
    ) -> Result<Effect<Option<Workspace>>, MetadataError>;
    /// Removes at most `limit` Files and as many Uploads of an archived workspace, or all else that it has when there are
    /// none; the workspace itself stays.
    async fn purge_workspace(&self, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged, MetadataError>;

    /// For which purposes the Files of a workspace expire otherwise than [`DefaultExpiry::of`] says.
    async fn default_expiries(&self, workspace: WorkspaceId) -> Result<Vec<(Purpose, DefaultExpiry)>, MetadataError>;
    /// Changes that for these purposes, or lets them be as for everybody; Files that are there stay as they are.
    async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
    ) -> Result<(), MetadataError>;

    /// Enters a key, or none when the secret is known already.
    async fn create_key(
        &self,
        key: NewKey,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<Option<ApiKey>>, MetadataError>;
    /// Every key, whatever it opens, revoked and expired ones too, oldest first.
    async fn list_keys(&self) -> Result<Vec<ApiKey>, MetadataError>;
    /// At most `limit` keys of a workspace that are not revoked, in the order of their ids, behind `after`.
    async fn list_keys_of(
        &self,
        workspace: WorkspaceId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Page<ApiKey>, MetadataError>;
    /// At most `limit` keys of administrators that are not revoked, in the order of their ids, behind `after`.
    async fn list_admin_keys(
        &self,
        after: Option<KeyId>,
        limit: u32,
        order: Order,
    ) -> Result<Page<ApiKey>, MetadataError>;
    /// The key of this id, revoked and expired ones too.
    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError>;
    /// What this secret opens or opened.
    async fn find_credential(&self, digest: KeyDigest) -> Result<Option<Credential>, MetadataError>;
    /// Revokes a key, once; none when there is no such key.
    async fn revoke_key(&self, id: KeyId, origin: Origin) -> Result<Option<ApiKey>, MetadataError>;
    /// Gives an active key another secret and lets the ones before it retire after so many seconds at the latest; none when
    /// there is no such key.
    async fn rotate_key(
        &self,
        id: KeyId,
        secret: NewSecret,
        overlap_seconds: u64,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<Option<Result<ApiKey, KeyStatus>>>, MetadataError>;
    /// Changes what is said of an active key; none when there is no such key.
    async fn update_key(
        &self,
        id: KeyId,
        changes: KeyChanges,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<Option<Result<ApiKey, KeyStatus>>>, MetadataError>;
    /// Notes that a key is being used, unless that was noted within the last minute.
    async fn note_key_used(&self, id: KeyId) -> Result<(), MetadataError>;

    /// The limits of a workspace or key.
    async fn limits(&self, owner: LimitOwner) -> Result<Limits, MetadataError>;
    /// Sets some of them, or lets them go, and returns all; none when there is no such workspace or key.
    async fn set_limits(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
        once: Option<Once<Limits>>,
    ) -> Result<Effect<Option<Limits>>, MetadataError>;
    /// Every workspace that has this limit, archived ones too, in the order of their ids.
    async fn workspaces_with_limit(&self, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>, MetadataError>;
    /// How much a workspace has now, as its quotas count it. Of what has expired and is not removed yet, the oldest
    /// [`USAGE_EXPIRED_ROWS`] Files and Uploads are left out.
    async fn storage_usage(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError>;
    /// The same with all that has expired and is not removed yet: one row is read.
    async fn storage_totals(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError>;
    /// The bytes of the Files of all workspaces, expired ones that are not removed yet included: one row is read for each
    /// workspace.
    async fn stored_bytes(&self) -> Result<u64, MetadataError>;

    /// Enters reads into the ledger, numbered from `first_number` on among those of this process; what has a number that is
    /// entered already is left out.
    async fn add_reads(&self, process: ProcessId, first_number: u64, reads: Vec<Reads>) -> Result<(), MetadataError>;
    /// Enters a correction into the ledger, and into the audit log, once under its name. It falls into this second.
    async fn adjust(&self, new: NewAdjustment, origin: Origin) -> Result<Adjusted, MetadataError>;
    /// At most `limit` rows of the ledger of a workspace, or of all, behind a row, in the order of commits.
    async fn ledger(
        &self,
        workspace: Option<WorkspaceId>,
        after_seq: u64,
        limit: u32,
    ) -> Result<Page<LedgerRow>, MetadataError>;
    /// Returns which of the next `limit` workspaces behind `after` have rows of reads that are older than so many seconds and
    /// were not looked at by [`merge_reads`](Self::merge_reads).
    async fn reads_to_merge(
        &self,
        after: Option<WorkspaceId>,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<MergePage, MetadataError>;
    /// Makes one row of those of the next `limit` rows of reads of a workspace that are of one key, kind, purpose and minute, if
    /// all of that minute is older than so many seconds. Returns how many rows were looked at. Rows that the cache of usage does not
    /// have yet stay, and so do those that are still to be exported, if usage was ever exported.
    async fn merge_reads(
        &self,
        workspace: WorkspaceId,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError>;
    /// What the ledger amounts to at this second.
    async fn usage(&self, query: UsageQuery) -> Result<UsageByGroup, MetadataError>;
    /// Takes at most `limit` more rows of the ledger into the cache from which usage is answered; how many there were.
    async fn roll_up_usage(&self, limit: u32) -> Result<usize, MetadataError>;
    /// Forgets that cache, to be made anew.
    async fn forget_usage_rollup(&self) -> Result<(), MetadataError>;

    /// Returns the `event_id` of the newest row of the ledger; none when the ledger is empty.
    async fn newest_event(&self) -> Result<Option<String>, MetadataError>;
    /// Returns whether the ledger has a row of this `event_id`. The newest row never goes, so a store that does not have one
    /// that was its newest was put back to an earlier moment.
    async fn has_event(&self, event_id: &str) -> Result<bool, MetadataError>;

    /// How far usage is exported; none before the first hour was.
    async fn export_progress(&self) -> Result<Option<ExportProgress>, MetadataError>;
    /// What is to be exported next, all of it read at one moment. An hour is over when its end is `margin_seconds` ago and the
    /// ledger has the ends of all Files whose deadlines lie in it; the first hour is that of the oldest row of the ledger. When
    /// an hour is over, rows come first that were committed behind `through_seq` of the progress and whose `ts` lies before its
    /// `until`: so many as are asked for, and then `through_seq` is the last of them, or all, and then it is the newest row of
    /// the ledger. Hours are told of exactly as the rows up to their `through_seq` have them.
    async fn next_export(&self, bounds: ExportBounds) -> Result<(Option<ExportProgress>, NextExport), MetadataError>;
    /// Writes messages into the outbox and notes how far usage is exported with them, in one transaction; false, and nothing is
    /// done, when the progress is not `from` any more.
    async fn freeze_export(
        &self,
        from: Option<ExportProgress>,
        to: ExportProgress,
        messages: Vec<NewMessage>,
    ) -> Result<bool, MetadataError>;

    /// Writes a message into the outbox; false when there is one of this id, which stays as it is. An id is known until its
    /// message is [forgotten](Self::forget_messages).
    async fn add_message(&self, message: NewMessage) -> Result<bool, MetadataError>;
    /// The oldest message to a sink that is neither acknowledged nor set aside, for `process` to send; none while another process
    /// that lives has it to send.
    async fn next_message(&self, sink: SinkName, process: ProcessId) -> Result<Option<Message>, MetadataError>;
    /// Leaves a message that `process` could not send to whoever asks next.
    async fn release_message(&self, seq: u64, process: ProcessId) -> Result<(), MetadataError>;
    /// Notes that a message was acknowledged, once.
    async fn acknowledge_message(&self, seq: u64) -> Result<(), MetadataError>;
    /// Sets a message aside that the receiver refused with this status for what it says, unless it is acknowledged.
    async fn set_message_aside(&self, seq: u64, status: u16) -> Result<(), MetadataError>;
    /// Puts messages in the place of one that say the same together, in one transaction; false, and nothing is done, when it is
    /// acknowledged or replaced already.
    async fn replace_message(&self, seq: u64, others: Vec<NewMessage>) -> Result<bool, MetadataError>;
    /// The oldest messages to a sink that are set aside, at most `limit`.
    async fn refused_messages(&self, sink: SinkName, limit: u32) -> Result<Vec<RefusedMessage>, MetadataError>;
    /// A message that is set aside, with what it says.
    async fn refused_message(&self, sink: SinkName, id: String) -> Result<Option<Message>, MetadataError>;
    /// Lets a message be sent again that is set aside, or all of a sink when there is no id; how many there were.
    async fn retry_refused(&self, sink: SinkName, id: Option<String>) -> Result<usize, MetadataError>;
    /// Gives a message up that is set aside: it is kept and never sent. False when there is none.
    async fn skip_refused(&self, sink: SinkName, id: String) -> Result<bool, MetadataError>;
    /// How the messages to a sink stand.
    async fn outbox_status(&self, sink: SinkName) -> Result<OutboxStatus, MetadataError>;
    /// Removes at most `limit` of the messages to a sink that were acknowledged more than so many seconds ago; how many there
    /// were.
    async fn forget_messages(
        &self,
        sink: SinkName,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError>;

    /// A page of the audit log, newest first.
    async fn audit_log(&self, query: AuditQuery) -> Result<Page<AuditEntry>, MetadataError>;
    /// Gives at most `limit` entries of the audit log their place in its order; how many there were.
    async fn number_audit_log(&self, limit: u32) -> Result<usize, MetadataError>;
    /// Removes at most `limit` of the entries that are older than so many seconds; how many there were.
    async fn forget_audit_log(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError>;

    /// Says that a process lives, for [`LEASE_SECONDS`] from now, to servers that share the store with it.
    async fn renew_process(&self, process: ProcessId) -> Result<(), MetadataError>;
    /// Says that a process does not live any more, and has nothing under way.
    async fn end_process(&self, process: ProcessId) -> Result<(), MetadataError>;
    /// Gives a blob its row, before its first byte: `pending`.
    async fn begin_blob(&self, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<(), MetadataError>;
    /// Notes what the blob store calls the unfinished upload of a blob; false when the blob has no row.
    async fn note_blob_upload(&self, blob: BlobId, upload: &str) -> Result<bool, MetadataError>;
    /// What was noted of those of these blobs that are not `ready`.
    async fn blob_uploads(&self, blobs: Vec<BlobId>) -> Result<Vec<(BlobId, String)>, MetadataError>;
    /// Makes a File of received bytes visible, and the blob that holds them ready, in one transaction; none when that blob is
    /// not pending in this workspace. This and every other change below that has an [`Effect`] is refused when the key of its
    /// caller does not open the workspace any more, or the workspace would have more than its quotas. With `once`, it happens once under its key, and its answer is noted in its
    /// own transaction; what is refused is not noted.
    async fn create_file(
        &self,
        caller: Caller,
        file: NewFile,
        once: Option<Once<File>>,
    ) -> Result<Effect<Option<File>>, MetadataError>;
    /// The File, unless it has expired.
    async fn find_file(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<File>, MetadataError>;
    /// The File and its checksums, unless it has expired.
    async fn find_content(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<StoredContent>, MetadataError>;
    /// A page of the Files that have not expired, in the order of their ids.
    async fn list_files(&self, workspace: WorkspaceId, query: FileQuery) -> Result<Page<File>, MetadataError>;
    /// Makes a File invisible and its blob `deleting`, or gone when the store itself has its bytes; the parts of a File are left
    /// to [`Self::release_parts`]. False when there is no such File or it has expired.
    async fn delete_file(&self, caller: Caller, id: FileId) -> Result<bool, MetadataError>;

    /// Begins an Upload.
    async fn create_upload(
        &self,
        caller: Caller,
        upload: NewUpload,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Upload>, MetadataError>;
    /// The Upload, whatever its status.
    async fn find_upload(&self, workspace: WorkspaceId, id: UploadId) -> Result<Option<Upload>, MetadataError>;
    /// Makes a pending blob ready and a part of a pending Upload, in one transaction; none when the blob is not pending in
    /// this workspace.
    async fn create_part(
        &self,
        caller: Caller,
        upload: UploadId,
        part: NewPart,
        once: Option<Once<Part>>,
    ) -> Result<Effect<Result<Option<Part>, UploadRefusal>>, MetadataError>;
    /// At most `limit` parts of an Upload that came in after the part `after`, in order, or that part when the Upload does
    /// not have it.
    async fn list_parts(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        after: Option<PartId>,
        limit: u32,
    ) -> Result<Result<Page<Part>, PartId>, MetadataError>;
    /// The blobs of these parts, in this order, if [`Self::complete_upload`] would take them.
    async fn find_part_blobs(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: Vec<PartId>,
    ) -> Result<Result<Vec<StoredBlob>, UploadRefusal>, MetadataError>;
    /// Makes a File of parts visible, completes the Upload and leaves its other parts to [`Self::release_parts`], in one
    /// transaction. Repeated with the same parts it changes nothing and answers the same.
    async fn complete_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Completion,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Result<Upload, UploadRefusal>>, MetadataError>;
    /// Cancels a pending Upload and leaves its parts to [`Self::release_parts`]; a cancelled one stays as it is.
    async fn cancel_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Result<Upload, UploadRefusal>>, MetadataError>;
    /// Whether something was answered under this key that is to be answered again.
    async fn is_answered(&self, workspace: WorkspaceId, key: &IdempotencyKey) -> Result<bool, MetadataError>;
    /// Removes at most `limit` answers that are too old to be given again; how many there were.
    async fn forget_answers(&self, limit: u32) -> Result<usize, MetadataError>;

    /// Returns in which workspaces Files or pending Uploads are overdue, behind `after`, each second and workspace once.
    /// Reads at most `limit` rows of each table.
    async fn overdue_workspaces(&self, after: Option<Overdue>, limit: u32) -> Result<Vec<Overdue>, MetadataError>;
    /// Does to at most `limit` expired Files of a workspace what [`Self::delete_file`] does, and ends as many of its Uploads
    /// whose time is over.
    async fn expire_workspace(&self, workspace: WorkspaceId, limit: u32) -> Result<Ended, MetadataError>;
    /// Returns the first workspace behind `after` that has parts of Files and Uploads which are gone.
    async fn next_release(&self, after: Option<WorkspaceId>) -> Result<Option<WorkspaceId>, MetadataError>;
    /// Turns the blobs of at most `limit` such parts of a workspace to `deleting`. Returns how many parts there were, and Files
    /// and Uploads that have none left.
    async fn release_parts(&self, workspace: WorkspaceId, limit: u32) -> Result<usize, MetadataError>;
    /// Forgets at most `limit` Uploads that are not pending and whose deadline was more than so many seconds ago; how many
    /// there were.
    async fn forget_uploads(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError>;
    /// Whether what has expired may be ended now: false while the clock by which it has expired is known to have jumped forward
    /// (see [`crate::model::clock_jump`]). Every step above that ends or forgets something by the time asks this itself, and
    /// finds nothing then.
    async fn may_expire(&self) -> Result<bool, MetadataError>;
    /// The jump for which expiry is held.
    async fn held_expiry(&self) -> Result<Option<ClockJump>, MetadataError>;
    /// Takes the clock as it is for right, so that expiry goes on; the jump for which it was held.
    async fn confirm_clock(&self) -> Result<Option<ClockJump>, MetadataError>;
    /// Every blob that is `pending`: no more than uploads were in flight at once.
    async fn pending_blobs(&self) -> Result<Vec<PendingBlob>, MetadataError>;
    /// Turns those of these blobs that are still `pending` to `deleting`.
    async fn abandon_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError>;
    /// Returns which share of the blobs a process sweeps: one of as many equal shares as there are processes that live.
    async fn sweep_share(&self, process: ProcessId) -> Result<SweepShare, MetadataError>;
    /// Looks at the next `limit` blobs behind `after` that are `deleting` and were given to nobody for `delay_seconds`, and
    /// returns those of a share. None are found while a hold lasts.
    async fn deleting_blobs(
        &self,
        share: SweepShare,
        after: Option<DeletingCursor>,
        limit: u32,
        delay_seconds: u64,
    ) -> Result<DeletingPage, MetadataError>;
    /// Removes the rows of those of these blobs that are `deleting`; their bytes are gone.
    async fn forget_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError>;

    /// At most `limit` blobs that are `ready`, in the order of their ids, behind `after`; with their bytes where the store
    /// has them.
    async fn ready_blobs(&self, after: Option<BlobId>, limit: u32) -> Result<Vec<ReadyBlob>, MetadataError>;
    /// Whether the blob is `ready`.
    async fn is_ready(&self, blob: BlobId) -> Result<bool, MetadataError>;
    /// Returns what has a blob: a File, or a pending Upload; none when nothing has it.
    async fn blob_owner(&self, blob: BlobId) -> Result<Option<BlobOwner>, MetadataError>;
    /// Those of these blobs that have a row, in any state.
    async fn known_blobs(&self, blobs: Vec<BlobId>) -> Result<HashSet<BlobId>, MetadataError>;
    /// Looks at the next page of all rows for some that contradict each other, in a snapshot of its own.
    async fn find_some_misfits(&self, cursor: MisfitCursor) -> Result<MisfitPage, MetadataError>;
    /// Looks at all rows, page by page.
    async fn find_misfits(&self) -> Result<Vec<Finding>, MetadataError> {
        let (mut findings, mut cursor) = (Vec::new(), Some(MisfitCursor::default()));
        while let Some(here) = cursor {
            let page = self.find_some_misfits(here).await?;
            findings.extend(page.findings);
            cursor = page.next;
        }
        Ok(findings)
    }

    /// From now on, for so many seconds, nobody is told of blobs that are [`deleting`](Self::deleting_blobs): the bytes of
    /// what a [snapshot](Self::snapshot) shows stay where they are.
    async fn hold_blobs(&self, hold: HoldId, seconds: u64) -> Result<(), MetadataError>;
    /// Lets a hold last so many seconds from now; false when it has ended.
    async fn renew_hold(&self, hold: HoldId, seconds: u64) -> Result<bool, MetadataError>;
    /// Ends a hold.
    async fn release_hold(&self, hold: HoldId) -> Result<(), MetadataError>;
    /// Writes everything as it is at one moment to a fresh SQLite database, durably.
    async fn snapshot(&self, database: &Path) -> Result<(), MetadataError>;

    /// Returns the time of the store in Unix seconds, which is one for all servers.
    async fn now_seconds(&self) -> Result<u64, MetadataError>;
    /// What the store remembers of its installation.
    async fn stamp(&self) -> Result<Option<Stamp>, MetadataError>;
    /// Moves the stamp forward. Nothing changes where the store has one of another installation, or this one or a later one.
    async fn set_stamp(&self, stamp: Stamp) -> Result<(), MetadataError>;
    /// Whether `process` is the one that scrubs: it becomes that when there is none that lives.
    async fn claim_scrub(&self, process: ProcessId) -> Result<bool, MetadataError>;
    /// How far the server's own scrub has come; none when there has not been one.
    async fn scrub_progress(&self) -> Result<Option<ScrubProgress>, MetadataError>;
    /// Notes how far it has come.
    async fn save_scrub_progress(&self, progress: ScrubProgress) -> Result<(), MetadataError>;

    /// Gives at most `limit` pages of room that deleted rows have left back to the disk, of those that are more than rows to
    /// come are likely to take; how many there were. Zero where the store does so by itself.
    async fn give_back_room(&self, limit: u32) -> Result<usize, MetadataError>;

    /// Whether the store could take a change now.
    async fn probe(&self) -> Result<(), MetadataError>;
}
