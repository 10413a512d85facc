//! Creation of Files from whole content: several of one workspace in one transaction, each with its own outcome.

use super::admission::AdmissionFacts;
use super::answers::{self, Rejection, RequestGuard};
use super::audit;
use super::blobs::{self, CLAIM, KEEP};
use super::connections::{Prepared, in_order};
use super::failure::Failure;
use super::files::{self, INSERT};
use super::group_commit::{GroupOutcome, Shared};
use super::ledger::{self, BEGIN};
use super::links::{self, TAKE_UNUSED, USE_UP};
use super::pending::PendingCreate;
use super::writer::{Lock, Transaction};
use crate::metadata::rules;
use crate::metadata::rules::files::new_file;
use crate::model::audit::Origin;
use crate::model::blob::ContentLocation;
use crate::model::caller::{Caller, Refused};
use crate::model::file::File;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::{AuditId, BlobId, FileId, LinkId, WorkspaceId};
use crate::model::ledger::Fact;
use futures_util::try_join;

/// The outcome of a create. There is no File when its blob is not pending any more.
pub(super) type Outcome = IdempotentOutcome<Option<File>>;

impl Shared for PendingCreate {
    type Outcome = Outcome;
    const MAX_PER_COMMIT: usize = 64;

    fn workspace(&self) -> WorkspaceId {
        self.caller.workspace
    }

    fn inline_bytes(&self) -> usize {
        match &self.new.place {
            ContentLocation::Inline(bytes) => bytes.len(),
            ContentLocation::Store(_) => 0,
        }
    }

    fn name(&self) -> Option<String> {
        let key = || self.once.as_ref().map(|once| once.key.as_str().to_owned());
        self.new.link.map(|link| link.to_string()).or_else(key)
    }

    fn make<'a>(
        tx: Transaction<'a>,
        workspace: WorkspaceId,
        all: &'a [&'a Self],
    ) -> impl Future<Output = Result<Vec<GroupOutcome<Outcome>>, Failure>> + Send + 'a {
        create(tx, workspace, all)
    }
}

/// The facts for one create under the lock; whether its blob is pending, and whether it may use its link.
type Found = (Result<AdmissionFacts, Rejection>, bool, bool);

/// The decision about one create under the lock.
enum Decision {
    Make(File, BlobId),
    Unmade(Outcome),
    Later,
}

/// Creates Files of one workspace in two round trips: the reads under its lock, then the writes. Where a create is
/// refused or replayed, the whole group is rolled back.
async fn create(
    tx: Transaction<'_>,
    workspace: WorkspaceId,
    creates: &[&PendingCreate],
) -> Result<Vec<GroupOutcome<Outcome>>, Failure> {
    let statements = Statements::prepare(&tx).await?;
    let mut guards = Vec::with_capacity(creates.len());
    for each in creates {
        guards.push(RequestGuard::prepare(&tx, each.caller, each.once.as_ref()).await?);
    }
    let locks = answers::locks_of_all(&guards, Some(Lock::Workspace(workspace)));
    let asked = creates.iter().zip(&guards).map(|(each, guard)| async {
        try_join!(guard.ask(Some(each.new.purpose)), statements.claim(each), statements.take_link(each))
    });
    let (found, mut newest_entry) =
        tx.begin(&locks, async { try_join!(in_order(asked), statements.newest_entry(creates)) }).await?;
    let files = match all_made(decide(creates, found, tx.now_ms())) {
        Ok(files) => files,
        Err(outcomes) => return tx.rollback_with(outcomes).await,
    };
    if let Some((first, _)) = files.first() {
        tx.set_proof(ledger::creation_proof(first.id));
    }
    let now_seconds = tx.now_seconds();
    let written = creates.iter().zip(&guards).zip(&files).map(|((each, guard), (file, blob))| async {
        try_join!(statements.write(each, file, *blob), guard.note(Some(file), now_seconds)).map(drop)
    });
    let used = creates.iter().zip(&files).filter_map(|(each, (file, _))| Some((each, each.new.link?, file.id)));
    let used = used.map(|(each, link, file)| {
        let entry_id = audit::fresh_id(&tx, newest_entry);
        newest_entry = entry_id.parse().ok();
        statements.use_link(each.caller, link, file, now_seconds, entry_id)
    });
    let used: Vec<_> = used.collect();
    tx.commit(async { try_join!(in_order(written), in_order(used)).map(drop) }).await?;
    Ok(files.into_iter().map(|(file, _)| GroupOutcome::Known(IdempotentOutcome::Made(Some(file)))).collect())
}

/// Returns the Files to write if every create goes ahead, else the outcome of each.
fn all_made(decisions: Vec<Decision>) -> Result<Vec<(File, BlobId)>, Vec<GroupOutcome<Outcome>>> {
    if decisions.iter().all(|decision| matches!(decision, Decision::Make(..))) {
        let made = |decision| if let Decision::Make(file, blob) = decision { Some((file, blob)) } else { None };
        return Ok(decisions.into_iter().filter_map(made).collect());
    }
    let outcome = |decision| match decision {
        Decision::Make(..) => GroupOutcome::Retry,
        Decision::Unmade(outcome) => GroupOutcome::Known(outcome),
        Decision::Later => GroupOutcome::Deferred,
    };
    Err(decisions.into_iter().map(outcome).collect())
}

/// Decides about each create. Each counts those before it.
fn decide(creates: &[&PendingCreate], found: Vec<Found>, now_ms: u64) -> Vec<Decision> {
    let mut before = Vec::new();
    let one = |(each, (facts, claimed, has_link)): (&&PendingCreate, Found)| {
        let mut facts = match facts {
            Ok(facts) => facts,
            Err(rejection) => return Decision::Unmade(rejection.into()),
        };
        if !has_link {
            return Decision::Unmade(IdempotentOutcome::Refused(Refused::LinkEnded));
        }
        if let Some(refused) = facts.refuse_bytes(each.new.content.size_bytes) {
            return Decision::Unmade(IdempotentOutcome::Refused(refused));
        }
        let blob = match each.new.place {
            ContentLocation::Inline(_) => blobs::fresh_name(now_ms),
            ContentLocation::Store(blob) if claimed => blob,
            ContentLocation::Store(_) => return Decision::Unmade(IdempotentOutcome::Made(None)),
        };
        facts.count(&before);
        if facts.refuse_bytes(each.new.content.size_bytes).is_some() {
            return Decision::Later;
        }
        let new = &each.new;
        let file = new_file(files::next_id(&facts, now_ms), new, facts.expires_after(new.purpose, new.expires_after));
        before.push((file.id, file.size_bytes));
        Decision::Make(file, blob)
    };
    creates.iter().zip(found).map(one).collect()
}

struct Statements<'a> {
    claim: Prepared<'a>,
    keep: Prepared<'a>,
    insert_file: Prepared<'a>,
    begin: Prepared<'a>,
    take_link: Prepared<'a>,
    use_link: Prepared<'a>,
    newest_entry: Prepared<'a>,
    add_entry: Prepared<'a>,
}

impl<'a> Statements<'a> {
    async fn prepare(tx: &'a Transaction<'_>) -> Result<Self, Failure> {
        Ok(Self {
            claim: tx.prepare(CLAIM).await?,
            keep: tx.prepare(KEEP).await?,
            insert_file: tx.prepare(&INSERT).await?,
            begin: tx.prepare(BEGIN).await?,
            take_link: tx.prepare(TAKE_UNUSED).await?,
            use_link: tx.prepare(USE_UP).await?,
            newest_entry: tx.prepare(audit::NEWEST).await?,
            add_entry: tx.prepare(audit::INSERT).await?,
        })
    }

    /// Claims the blob. Returns false for inline content and for a blob that is not pending.
    async fn claim(&self, each: &PendingCreate) -> Result<bool, Failure> {
        match each.new.place {
            ContentLocation::Store(blob) => {
                blobs::claim(&self.claim, each.caller.workspace, blob, &each.new.content).await
            }
            ContentLocation::Inline(_) => Ok(false),
        }
    }

    /// Takes the link of a create. Returns false if the link was used or revoked.
    async fn take_link(&self, each: &PendingCreate) -> Result<bool, Failure> {
        match each.new.link {
            Some(link) => links::take_unused(&self.take_link, each.caller.workspace, link).await,
            None => Ok(true),
        }
    }

    /// Returns the newest entry of the audit log if a create uses a link, whose entry follows it.
    async fn newest_entry(&self, creates: &[&PendingCreate]) -> Result<Option<AuditId>, Failure> {
        let has_link = creates.iter().any(|each| each.new.link.is_some());
        if has_link { audit::newest(&self.newest_entry).await } else { Ok(None) }
    }

    /// Records the use of a link by a create, with an entry in the audit log.
    async fn use_link(
        &self,
        caller: Caller,
        link: LinkId,
        file: FileId,
        now_seconds: u64,
        entry_id: String,
    ) -> Result<(), Failure> {
        let entry = rules::links::used(caller.workspace, link, caller.key, file);
        try_join!(
            links::mark_used(&self.use_link, caller.workspace, link, file, now_seconds),
            audit::insert(&self.add_entry, entry_id, Origin::of_link_user(caller), entry)
        )
        .map(drop)
    }

    async fn write(&self, each: &PendingCreate, file: &File, blob: BlobId) -> Result<(), Failure> {
        let workspace = each.caller.workspace;
        let kept = async {
            match &each.new.place {
                ContentLocation::Inline(bytes) => {
                    blobs::keep(&self.keep, workspace, blob, bytes, &each.new.content).await
                }
                ContentLocation::Store(_) => Ok(()),
            }
        };
        try_join!(
            kept,
            files::insert(&self.insert_file, workspace, file, Some(blob)),
            ledger::begin(&self.begin, each.caller, file, Fact::Create)
        )
        .map(drop)
    }
}
