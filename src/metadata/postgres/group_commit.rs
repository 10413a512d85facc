//! Changes of one workspace share transactions. They are made one after the other anyway, under its lock; what this server is
//! asked for while it makes some, it makes together afterwards.

use super::connections::{Connections, Deadline};
use super::failure::Failure;
use super::writer::Change;
use crate::metadata::error::MetadataError;
use crate::model::ids::WorkspaceId;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Bytes that stand in rows and share a commit at most, unless one change alone has more.
const MAX_BYTES_PER_COMMIT: usize = 4 << 20;
/// How long a change may wait for a transaction, which then has as much time as is left of that of its oldest change.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// Changes of one kind that may wait in a workspace. A workspace with more is refused.
const MAX_WAITING_PER_WORKSPACE: usize = 8192;

/// A change that shares transactions with others of its kind and workspace.
pub(super) trait Shared: fmt::Debug + Send + Sync + Sized + 'static {
    /// The result for the one who asked.
    type Outcome: fmt::Debug + Send + 'static;
    /// Changes that share a commit at most.
    const MAX_PER_COMMIT: usize;

    /// Returns the workspace that is changed.
    fn workspace(&self) -> WorkspaceId;
    /// Returns the number of bytes of it that stand in rows.
    fn inline_bytes(&self) -> usize;
    /// Returns a name that no two changes of a transaction may have.
    fn name(&self) -> Option<String>;
    /// Makes changes of one workspace in one transaction; what came of each, in their order.
    fn make<'a>(
        change: Change<'a>,
        workspace: WorkspaceId,
        all: &'a [&'a Self],
    ) -> impl Future<Output = Result<Vec<Fate<Self::Outcome>>, Failure>> + Send + 'a;
}

/// The result of one of several changes once a transaction is over.
pub(super) enum Fate<T> {
    /// Its outcome.
    Known(T),
    /// It may be made, and is not, for something else kept the transaction from being committed, or it was full.
    Again,
    /// There is no room for it beside those that may be made: it is to be asked for once they are.
    Later,
}

/// The queues of one kind of change.
#[derive(Debug)]
pub(super) struct GroupCommit<W: Shared> {
    connections: Arc<Connections>,
    /// Of each workspace for which something waits or is made.
    waiting: Mutex<HashMap<WorkspaceId, VecDeque<Waiting<W>>>>,
}

#[derive(Debug)]
struct Waiting<W: Shared> {
    work: W,
    since: Instant,
    answer: oneshot::Sender<Result<W::Outcome, MetadataError>>,
}

impl<W: Shared> Waiting<W> {
    fn answer(self, outcome: Result<W::Outcome, MetadataError>) {
        // Whoever asked may have gone.
        drop(self.answer.send(outcome));
    }
}

impl<W: Shared> GroupCommit<W> {
    pub(super) fn new(connections: Arc<Connections>) -> Arc<Self> {
        Arc::new(Self { connections, waiting: Mutex::default() })
    }

    /// Makes a change, in a transaction with others of its workspace that are asked for at the same time. It is made, or
    /// not, even if nobody waits for it any more.
    ///
    /// # Errors
    /// [`MetadataError::Crowded`] when too many wait already; else as the transaction.
    pub(super) async fn make(self: &Arc<Self>, work: W) -> Result<W::Outcome, MetadataError> {
        let workspace = work.workspace();
        let (answer, outcome) = oneshot::channel();
        let waiting = Waiting { work, since: Instant::now(), answer };
        let idle = match self.queues().entry(workspace) {
            Entry::Occupied(queue) if queue.get().len() >= MAX_WAITING_PER_WORKSPACE => {
                return Err(Failure::Crowded.into());
            }
            Entry::Occupied(mut queue) => {
                queue.get_mut().push_back(waiting);
                false
            }
            Entry::Vacant(place) => {
                place.insert(VecDeque::from([waiting]));
                true
            }
        };
        if idle {
            tokio::spawn(Arc::clone(self).make_all(workspace));
        }
        outcome.await.unwrap_or_else(|_| Err(Failure::Lost("nobody makes the change".to_owned()).into()))
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<WorkspaceId, VecDeque<Waiting<W>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what waits, until nothing does.
    async fn make_all(self: Arc<Self>, workspace: WorkspaceId) {
        let _dismissed = DismissOnPanic(&self, workspace);
        while let Some(group) = self.next_group(workspace) {
            self.make_group(workspace, group).await;
        }
    }

    /// The oldest that wait, no two of them of one name. Nothing when nobody waits; then nobody makes changes of
    /// the workspace any more either.
    fn next_group(&self, workspace: WorkspaceId) -> Option<Vec<Waiting<W>>> {
        let mut all = self.queues();
        let queue = all.get_mut(&workspace)?;
        if queue.is_empty() {
            all.remove(&workspace);
            return None;
        }
        let (mut group, mut names, mut bytes) = (Vec::new(), HashSet::new(), 0);
        while let Some(next) = queue.pop_front() {
            bytes += next.work.inline_bytes();
            let fits = group.len() < W::MAX_PER_COMMIT && (group.is_empty() || bytes <= MAX_BYTES_PER_COMMIT);
            if !fits || next.work.name().is_some_and(|name| !names.insert(name)) {
                queue.push_front(next);
                break;
            }
            group.push(next);
        }
        Some(group)
    }

    /// Makes a group. Those that cannot be made leave it, those for which there may be no room come after the others, and
    /// where a mistake of one fails all, halves are made.
    async fn make_group(&self, workspace: WorkspaceId, group: Vec<Waiting<W>>) {
        let (group, late): (Vec<_>, Vec<_>) = group.into_iter().partition(|one| one.since.elapsed() < MAX_WAIT);
        for one in late {
            one.answer(Err(Failure::Late.into()));
        }
        let mut groups = vec![group];
        while let Some(mut group) = groups.pop() {
            let Some(oldest) = group.first() else { continue };
            let deadline = Deadline::of_request_since(oldest.since);
            let all: Vec<&W> = group.iter().map(|one| &one.work).collect();
            match self.make_now(workspace, &all, deadline).await {
                Ok(fates) => groups.extend(left(group, fates)),
                Err(MetadataError::Broken(_)) if group.len() > 1 => {
                    let half = group.split_off(group.len() / 2);
                    groups.extend([half, group]);
                }
                Err(error) => group.into_iter().for_each(|one| one.answer(Err(error.clone()))),
            }
        }
    }

    async fn make_now(
        &self,
        workspace: WorkspaceId,
        all: &[&W],
        deadline: Deadline,
    ) -> Result<Vec<Fate<W::Outcome>>, MetadataError> {
        let connections = &*self.connections;
        let attempt = |deadline| async move {
            let change = Change::new(connections, Some(workspace), deadline).await?;
            W::make(change, workspace, all).await
        };
        connections.run_until(deadline, attempt).await
    }
}

/// Answers what is known; the others, those first that are to be made last.
fn left<W: Shared>(group: Vec<Waiting<W>>, fates: Vec<Fate<W::Outcome>>) -> [Vec<Waiting<W>>; 2] {
    let [mut later, mut again] = [Vec::new(), Vec::new()];
    for (one, fate) in group.into_iter().zip(fates) {
        match fate {
            Fate::Known(outcome) => one.answer(Ok(outcome)),
            Fate::Again => again.push(one),
            Fate::Later => later.push(one),
        }
    }
    [later, again]
}

/// Those who wait behind a panic are told, and the next one finds the workspace idle.
struct DismissOnPanic<'a, W: Shared>(&'a GroupCommit<W>, WorkspaceId);

impl<W: Shared> Drop for DismissOnPanic<'_, W> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queues().remove(&self.1);
        }
    }
}
