//! Files of one workspace share transactions. They are made one after the other anyway, under its lock; what this server is
//! asked for while it makes some, it makes together afterwards.

use super::connections::{Connections, Deadline};
use super::create::{self, Coming, Fate, Outcome};
use super::failure::Failure;
use super::rows;
use super::writer::Change;
use crate::clock::Clock;
use crate::metadata::MetadataError;
use crate::model::ids::WorkspaceId;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Files that share a commit at most.
const MAX_FILES_PER_COMMIT: usize = 64;
/// Bytes that stand in rows and share a commit at most, unless one File alone has more.
const MAX_BYTES_PER_COMMIT: usize = 4 << 20;
/// How long a File may wait for a transaction, which then has as much time as is left of that of its oldest File.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Whose turn it is to be made. No more wait than the server receives at once (`max_concurrent_uploads`).
#[derive(Debug)]
pub(super) struct GroupCommit {
    connections: Arc<Connections>,
    clock: Clock,
    /// Of each workspace that somebody makes Files of.
    waiting: Mutex<HashMap<WorkspaceId, VecDeque<Waiting>>>,
}

#[derive(Debug)]
struct Waiting {
    coming: Coming,
    since: Instant,
    answer: oneshot::Sender<Result<Outcome, MetadataError>>,
}

impl Waiting {
    fn answer(self, outcome: Result<Outcome, MetadataError>) {
        // Whoever asked may have gone.
        drop(self.answer.send(outcome));
    }
}

impl GroupCommit {
    pub(super) fn new(connections: Arc<Connections>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { connections, clock, waiting: Mutex::default() })
    }

    /// Makes a File, in a transaction with others of its workspace that are asked for at the same time. It is made, or not,
    /// even if nobody waits for it any more.
    pub(super) async fn create(self: &Arc<Self>, coming: Coming) -> Result<Outcome, MetadataError> {
        let workspace = coming.caller.workspace;
        let (answer, outcome) = oneshot::channel();
        let waiting = Waiting { coming, since: Instant::now(), answer };
        let idle = match self.queues().entry(workspace) {
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
        outcome.await.unwrap_or_else(|_| Err(Failure::Lost("nobody makes the File".to_owned()).into()))
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<WorkspaceId, VecDeque<Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what waits, until nothing does.
    async fn make_all(self: Arc<Self>, workspace: WorkspaceId) {
        let _dismissed = DismissOnPanic(&self, workspace);
        while let Some(group) = self.next_group(workspace) {
            self.make(workspace, group).await;
        }
    }

    /// The oldest that wait, no two of them under one key. Nothing when nobody waits; then nobody makes Files of the
    /// workspace any more either.
    fn next_group(&self, workspace: WorkspaceId) -> Option<Vec<Waiting>> {
        let mut all = self.queues();
        let queue = all.get_mut(&workspace)?;
        if queue.is_empty() {
            all.remove(&workspace);
            return None;
        }
        let (mut group, mut keys, mut bytes) = (Vec::new(), HashSet::new(), 0);
        while let Some(next) = queue.pop_front() {
            bytes += next.coming.inline_bytes();
            let key = next.coming.once.as_ref().map(|once| once.key.clone());
            let fits = group.len() < MAX_FILES_PER_COMMIT && (group.is_empty() || bytes <= MAX_BYTES_PER_COMMIT);
            if !fits || key.is_some_and(|key| !keys.insert(key)) {
                queue.push_front(next);
                break;
            }
            group.push(next);
        }
        Some(group)
    }

    /// Makes a group. Those that cannot be made leave it, those for which there may be no room come after the others, and
    /// where a mistake of one fails all, halves are made.
    async fn make(&self, workspace: WorkspaceId, group: Vec<Waiting>) {
        let (group, late): (Vec<_>, Vec<_>) = group.into_iter().partition(|one| one.since.elapsed() < MAX_WAIT);
        for one in late {
            one.answer(Err(Failure::Late.into()));
        }
        let mut groups = vec![group];
        while let Some(mut group) = groups.pop() {
            let Some(oldest) = group.first() else { continue };
            let deadline = Deadline::of_request_since(oldest.since);
            let coming: Vec<&Coming> = group.iter().map(|one| &one.coming).collect();
            match self.create_now(workspace, &coming, deadline).await {
                Ok(fates) => groups.extend(left(group, fates)),
                Err(MetadataError::Broken(_)) if group.len() > 1 => {
                    let half = group.split_off(group.len() / 2);
                    groups.extend([half, group]);
                }
                Err(error) => group.into_iter().for_each(|one| one.answer(Err(error.clone()))),
            }
        }
    }

    async fn create_now(
        &self,
        workspace: WorkspaceId,
        coming: &[&Coming],
        deadline: Deadline,
    ) -> Result<Vec<Fate>, MetadataError> {
        let set_ms = self.clock.set_ms().map(rows::stored);
        let connections = &*self.connections;
        let attempt = |deadline| async move {
            let change = Change::new(connections, deadline, set_ms).await?;
            create::create(change, workspace, coming).await
        };
        connections.run_until(deadline, attempt).await
    }
}

/// Answers what is known; the others, those first that are to be made last.
fn left(group: Vec<Waiting>, fates: Vec<Fate>) -> [Vec<Waiting>; 2] {
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
struct DismissOnPanic<'a>(&'a GroupCommit, WorkspaceId);

impl Drop for DismissOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queues().remove(&self.1);
        }
    }
}
