//! Files that come as a whole: some of one workspace in one transaction, each with an outcome of its own.

use super::admission::Standing;
use super::answers::{self, Opening, Stop};
use super::blobs::{self, CLAIM, KEEP};
use super::connections::{Prepared, in_order};
use super::failure::Failure;
use super::files::{self, INSERT};
use super::group_commit::{Fate, Shared};
use super::ledger::{self, BEGIN};
use super::pending::PendingCreate;
use super::writer::{Change, Lock};
use crate::metadata::rules::files::new_file;
use crate::model::blob::ContentLocation;
use crate::model::file::File;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::{BlobId, WorkspaceId};
use crate::model::ledger::Fact;
use futures_util::try_join;

/// What came of it. There is no File when its blob is not pending any more.
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
        self.once.as_ref().map(|once| once.key.as_str().to_owned())
    }

    fn make<'a>(
        change: Change<'a>,
        workspace: WorkspaceId,
        all: &'a [&'a Self],
    ) -> impl Future<Output = Result<Vec<Fate<Outcome>>, Failure>> + Send + 'a {
        create(change, workspace, all)
    }
}

/// What is decided under the lock.
enum Decision {
    Make(File, BlobId),
    Unmade(Outcome),
    Later,
}

/// Makes Files of one workspace in two round trips: what is decided under its lock, then what is written. Where some of them
/// are not to be made, nothing is written.
async fn create(
    change: Change<'_>,
    workspace: WorkspaceId,
    coming: &[&PendingCreate],
) -> Result<Vec<Fate<Outcome>>, Failure> {
    let statements = Statements::prepare(&change).await?;
    let mut openings = Vec::with_capacity(coming.len());
    for each in coming {
        openings.push(Opening::prepare(&change, each.caller, each.once.as_ref()).await?);
    }
    let locks = answers::locks_of_all(&openings, Some(Lock::Workspace(workspace)));
    let asked = coming
        .iter()
        .zip(&openings)
        .map(|(each, opening)| async { try_join!(opening.ask(Some(each.new.purpose)), statements.claim(each)) });
    let found = change.begin(&locks, in_order(asked)).await?;
    let files = match all_made(decide(coming, found, change.now_ms())) {
        Ok(files) => files,
        Err(fates) => return change.give_up(fates).await,
    };
    if let Some((first, _)) = files.first() {
        change.proven_by(ledger::coming(first.id));
    }
    let now_seconds = change.now_seconds();
    let written = coming.iter().zip(&openings).zip(&files).map(|((each, opening), (file, blob))| async {
        try_join!(statements.write(each, file, *blob), opening.note(Some(file), now_seconds)).map(drop)
    });
    change.commit(async { in_order(written).await.map(drop) }).await?;
    Ok(files.into_iter().map(|(file, _)| Fate::Known(IdempotentOutcome::Made(Some(file)))).collect())
}

/// What is to be written, if all are to be made.
fn all_made(decisions: Vec<Decision>) -> Result<Vec<(File, BlobId)>, Vec<Fate<Outcome>>> {
    if decisions.iter().all(|decision| matches!(decision, Decision::Make(..))) {
        let made = |decision| if let Decision::Make(file, blob) = decision { Some((file, blob)) } else { None };
        return Ok(decisions.into_iter().filter_map(made).collect());
    }
    let fate = |decision| match decision {
        Decision::Make(..) => Fate::Again,
        Decision::Unmade(outcome) => Fate::Known(outcome),
        Decision::Later => Fate::Later,
    };
    Err(decisions.into_iter().map(fate).collect())
}

/// Each counts those before it.
fn decide(coming: &[&PendingCreate], found: Vec<(Result<Standing, Stop>, bool)>, now_ms: u64) -> Vec<Decision> {
    let mut before = Vec::new();
    let one = |(each, (standing, claimed)): (&&PendingCreate, (Result<Standing, Stop>, bool))| {
        let mut standing = match standing {
            Ok(standing) => standing,
            Err(stop) => return Decision::Unmade(stop.into()),
        };
        if let Some(refused) = standing.refuse_bytes(each.new.content.size_bytes) {
            return Decision::Unmade(IdempotentOutcome::Refused(refused));
        }
        let blob = match each.new.place {
            ContentLocation::Inline(_) => blobs::fresh_name(now_ms),
            ContentLocation::Store(blob) if claimed => blob,
            ContentLocation::Store(_) => return Decision::Unmade(IdempotentOutcome::Made(None)),
        };
        standing.count(&before);
        if standing.refuse_bytes(each.new.content.size_bytes).is_some() {
            return Decision::Later;
        }
        let new = &each.new;
        let file =
            new_file(files::next_id(&standing, now_ms), new, standing.expires_after(new.purpose, new.expires_after));
        before.push((file.id, file.size_bytes));
        Decision::Make(file, blob)
    };
    coming.iter().zip(found).map(one).collect()
}

struct Statements<'a> {
    claim: Prepared<'a>,
    keep: Prepared<'a>,
    insert_file: Prepared<'a>,
    begin: Prepared<'a>,
}

impl<'a> Statements<'a> {
    async fn prepare(change: &'a Change<'_>) -> Result<Self, Failure> {
        Ok(Self {
            claim: change.prepare(CLAIM).await?,
            keep: change.prepare(KEEP).await?,
            insert_file: change.prepare(INSERT).await?,
            begin: change.prepare(BEGIN).await?,
        })
    }

    /// False when there is no blob to claim.
    async fn claim(&self, each: &PendingCreate) -> Result<bool, Failure> {
        match each.new.place {
            ContentLocation::Store(blob) => {
                blobs::claim(&self.claim, each.caller.workspace, blob, &each.new.content).await
            }
            ContentLocation::Inline(_) => Ok(false),
        }
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
