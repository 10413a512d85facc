//! Fair permits for connections: waiting workspaces take turns, and each has a cap.

use super::failure::Failure;
use crate::model::ids::WorkspaceId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// Operations of one owner that may wait for a permit. An owner with more is refused.
const MAX_WAITING_PER_OWNER: usize = 1024;

/// The workspace that an operation is for; none for the server's own work, administration and the check of a key.
pub(super) type Owner = Option<WorkspaceId>;

/// A semaphore that is fair among workspaces.
#[derive(Clone, Debug)]
pub(super) struct FairGate(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    /// The most permits of one workspace.
    max_per_workspace: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// Every owner that holds a permit or waits for one.
    shares: HashMap<Owner, Share>,
    /// Owners that wait, in the order of their turns.
    turns: VecDeque<Owner>,
}

#[derive(Debug, Default)]
struct Share {
    held: usize,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

/// A permit to use a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<Gate>,
    owner: Owner,
}

impl FairGate {
    pub(super) fn new(permits: usize, max_per_workspace: usize) -> Self {
        let state = State { free: permits, shares: HashMap::new(), turns: VecDeque::new() };
        Self(Arc::new(Gate { max_per_workspace, state: Mutex::new(state) }))
    }

    /// Waits for a permit. Requests of one owner are served in order.
    ///
    /// # Errors
    /// Returns [`Failure::Crowded`] when too many requests of the owner wait already, and [`Failure::Late`] at the
    /// deadline.
    pub(super) async fn acquire(&self, owner: Owner, until: Instant) -> Result<Permit, Failure> {
        let (sender, permit) = oneshot::channel();
        let granted = {
            let mut state = self.0.lock();
            let share = state.shares.entry(owner).or_default();
            if share.waiting.len() >= MAX_WAITING_PER_OWNER {
                share.waiting.retain(|waiting| !waiting.is_closed());
            }
            if share.waiting.len() >= MAX_WAITING_PER_OWNER {
                return Err(Failure::Crowded);
            }
            let is_first = share.waiting.is_empty();
            share.waiting.push_back(sender);
            if is_first && !state.turns.contains(&owner) {
                state.turns.push_back(owner);
            }
            self.0.grant(&mut state)
        };
        hand_out(granted);
        match timeout_at(until, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Failure::Late),
        }
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grants free permits by turns. The caller hands them out without the lock, which a dropped permit takes.
    fn grant(self: &Arc<Self>, state: &mut State) -> Vec<(oneshot::Sender<Permit>, Permit)> {
        let (mut granted, mut passed) = (Vec::new(), 0);
        while state.free > 0 && passed < state.turns.len() {
            let Some(owner) = state.turns.pop_front() else { break };
            let Some(share) = state.shares.get_mut(&owner) else { continue };
            while share.waiting.front().is_some_and(oneshot::Sender::is_closed) {
                share.waiting.pop_front();
            }
            if owner.is_some() && share.held >= self.max_per_workspace {
                state.turns.push_back(owner);
                passed += 1;
                continue;
            }
            if let Some(waiting) = share.waiting.pop_front() {
                share.held += 1;
                state.free -= 1;
                granted.push((waiting, Permit { gate: Arc::clone(self), owner }));
                passed = 0;
            }
            if !share.waiting.is_empty() {
                state.turns.push_back(owner);
            } else if share.held == 0 {
                state.shares.remove(&owner);
            }
        }
        granted
    }

    fn release(self: &Arc<Self>, owner: Owner) {
        let granted = {
            let mut state = self.lock();
            state.free += 1;
            if let Some(share) = state.shares.get_mut(&owner) {
                share.held = share.held.saturating_sub(1);
                if share.held == 0 && share.waiting.is_empty() {
                    state.shares.remove(&owner);
                }
            }
            self.grant(&mut state)
        };
        hand_out(granted);
    }
}

/// A permit for a dropped operation returns to the gate.
fn hand_out(granted: Vec<(oneshot::Sender<Permit>, Permit)>) {
    for (waiting, permit) in granted {
        drop(waiting.send(permit));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.release(self.owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn workspace(number: u8) -> WorkspaceId {
        WorkspaceId::next(None, 1, [number; 11])
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    async fn waiting(
        gate: &FairGate,
        owner: Owner,
        count: usize,
    ) -> Vec<tokio::task::JoinHandle<Result<Permit, Failure>>> {
        let mut all = Vec::new();
        for _ in 0..count {
            let gate = gate.clone();
            all.push(tokio::spawn(async move { gate.acquire(owner, Instant::now() + Duration::from_secs(5)).await }));
        }
        while gate.0.lock().shares.get(&owner).map_or(0, |share| share.waiting.len()) < count {
            tokio::task::yield_now().await;
        }
        all
    }

    #[tokio::test]
    async fn a_workspace_has_its_share_and_another_the_next_turn() {
        let gate = FairGate::new(3, 2);
        let (one, two) = (Some(workspace(1)), Some(workspace(2)));
        let first = gate.acquire(one, soon()).await.unwrap();
        let _second = gate.acquire(one, soon()).await.unwrap();
        assert!(matches!(gate.acquire(one, soon()).await, Err(Failure::Late)), "two is its share");
        let own = gate.acquire(None, soon()).await.unwrap();
        let many = waiting(&gate, one, 500).await;
        let other = waiting(&gate, two, 1).await;
        drop(own);
        let other = tokio::time::timeout(Duration::from_secs(1), other.into_iter().next().unwrap()).await;
        assert!(other.unwrap().unwrap().is_ok(), "500 of the first workspace wait and take nothing from the second");
        drop(first);
        assert!(many.into_iter().next().unwrap().await.unwrap().is_ok(), "a share is handed on");
    }

    #[tokio::test]
    async fn who_overruns_the_queue_is_refused_alone_and_who_goes_away_leaves_room() {
        let gate = FairGate::new(1, 1);
        let (one, two) = (Some(workspace(1)), Some(workspace(2)));
        let held = gate.acquire(one, soon()).await.unwrap();
        let queue = waiting(&gate, one, MAX_WAITING_PER_OWNER).await;
        assert!(matches!(gate.acquire(one, soon()).await, Err(Failure::Crowded)));
        assert!(matches!(gate.acquire(two, soon()).await, Err(Failure::Late)), "the second workspace may wait");
        queue.iter().for_each(tokio::task::JoinHandle::abort);
        for one in queue {
            drop(one.await);
        }
        assert!(matches!(gate.acquire(one, soon()).await, Err(Failure::Late)), "there is room in the queue again");
        drop(held);
        for _ in 0..3 {
            drop(gate.acquire(two, soon()).await.unwrap());
        }
        assert!(gate.0.lock().shares.is_empty(), "nothing is left behind");
    }
}
