//! Group commit: operations of one workspace share transactions. The lock of the workspace runs them one after the
//! other anyway, so operations that arrive during a transaction run together in the next one.

use super::connections::Connections;
use super::failure::Failure;
use super::timeouts::Deadline;
use super::writer::Transaction;
use crate::metadata::error::MetadataError;
use crate::model::ids::WorkspaceId;
use crate::traces::Step;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The most bytes of inline content in one transaction, unless a single operation has more.
const MAX_BYTES_PER_COMMIT: usize = 4 << 20;
/// Waiting operations of one kind in a workspace. More are refused.
const MAX_WAITING_PER_WORKSPACE: usize = 8192;

/// An operation that shares transactions with others of its kind and workspace.
pub(super) trait Shared: fmt::Debug + Send + Sync + Sized + 'static {
    /// The result of one operation.
    type Outcome: fmt::Debug + Send + 'static;
    /// The most operations in one transaction.
    const MAX_PER_COMMIT: usize;

    /// Returns the workspace of the operation.
    fn workspace(&self) -> WorkspaceId;
    /// Returns the number of bytes of its inline content.
    fn inline_bytes(&self) -> usize;
    /// Returns a name that must be unique within a transaction.
    fn name(&self) -> Option<String>;
    /// Runs operations of one workspace in one transaction. Returns their outcomes in order.
    fn make<'a>(
        tx: Transaction<'a>,
        workspace: WorkspaceId,
        all: &'a [&'a Self],
    ) -> impl Future<Output = Result<Vec<GroupOutcome<Self::Outcome>>, Failure>> + Send + 'a;
}

/// The outcome of one operation of a group.
pub(super) enum GroupOutcome<T> {
    /// The operation has ended with this.
    Known(T),
    /// The transaction was rolled back for another operation, or was full: run it again.
    Retry,
    /// A quota has no room for it beside the others of its group: run it after them.
    Deferred,
}

/// The queues of one kind of operation.
#[derive(Debug)]
pub(super) struct GroupCommit<W: Shared> {
    connections: Arc<Connections>,
    /// The queue of each workspace with an operation that waits or runs.
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
        // The caller may be gone.
        drop(self.answer.send(outcome));
    }
}

impl<W: Shared> GroupCommit<W> {
    pub(super) fn new(connections: Arc<Connections>) -> Arc<Self> {
        Arc::new(Self { connections, waiting: Mutex::default() })
    }

    /// Runs an operation in a transaction with concurrent ones of its workspace. It runs to its end even if the caller
    /// is dropped.
    ///
    /// # Errors
    /// Returns [`MetadataError::Crowded`] when too many wait already, and the errors of the transaction.
    pub(super) async fn make(self: &Arc<Self>, work: W) -> Result<W::Outcome, MetadataError> {
        let workspace = work.workspace();
        let _step = Step::begin("commit");
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
        outcome.await.unwrap_or_else(|_| Err(Failure::Lost("the task of the group ended".to_owned()).into()))
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<WorkspaceId, VecDeque<Waiting<W>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the operations of a workspace until its queue is empty.
    async fn make_all(self: Arc<Self>, workspace: WorkspaceId) {
        let _dismissed = DismissOnPanic(&self, workspace);
        while let Some(group) = self.next_group(workspace) {
            self.make_group(workspace, group).await;
        }
    }

    /// Takes the oldest operations, with distinct names. Returns none and removes the queue when it is empty.
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

    /// Runs a group. Operations that have ended leave it, and deferred ones run after the others. Where a bad row fails
    /// the whole group, each half runs alone.
    async fn make_group(&self, workspace: WorkspaceId, group: Vec<Waiting<W>>) {
        let (group, late): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|one| one.since.elapsed() < self.connections.timeouts.group);
        for one in late {
            one.answer(Err(Failure::Late.into()));
        }
        let mut groups = vec![group];
        while let Some(mut group) = groups.pop() {
            let Some(oldest) = group.first() else { continue };
            let deadline = self.connections.timeouts.since(oldest.since);
            let all: Vec<&W> = group.iter().map(|one| &one.work).collect();
            match self.make_now(workspace, &all, deadline).await {
                Ok(outcomes) => groups.extend(left(group, outcomes)),
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
    ) -> Result<Vec<GroupOutcome<W::Outcome>>, MetadataError> {
        let connections = &*self.connections;
        let attempt = |deadline| async move {
            let tx = Transaction::new(connections, Some(workspace), deadline).await?;
            W::make(tx, workspace, all).await
        };
        connections.run_until(deadline, attempt).await
    }
}

/// Answers the operations that have ended. Returns the deferred ones, then those to run again.
fn left<W: Shared>(group: Vec<Waiting<W>>, outcomes: Vec<GroupOutcome<W::Outcome>>) -> [Vec<Waiting<W>>; 2] {
    let [mut later, mut again] = [Vec::new(), Vec::new()];
    for (one, outcome) in group.into_iter().zip(outcomes) {
        match outcome {
            GroupOutcome::Known(outcome) => one.answer(Ok(outcome)),
            GroupOutcome::Retry => again.push(one),
            GroupOutcome::Deferred => later.push(one),
        }
    }
    [later, again]
}

/// Removes the queue of a workspace after a panic: its callers get an error, and the next operation starts a new task.
struct DismissOnPanic<'a, W: Shared>(&'a GroupCommit<W>, WorkspaceId);

impl<W: Shared> Drop for DismissOnPanic<'_, W> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queues().remove(&self.1);
        }
    }
}
