//! Fair shares of the processors: while several workspaces ask for something, the long reads of each (pages of lists, blocks of
//! content) take turns on half of the processors at most, so that whoever asks for little finds a free one. Whoever is alone
//! has them all.

use crate::model::ids::WorkspaceId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a workspace counts as one that asks for something.
const ACTIVE_TIME: Duration = Duration::from_secs(1);

/// Who reads and who waits: at most one entry for each workspace that does either.
#[derive(Clone, Debug)]
pub struct FairShare {
    /// Long reads of one workspace that run at once while others ask for something, too.
    places: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    seats: HashMap<WorkspaceId, Arc<Semaphore>>,
    /// The workspace that asked last, and when.
    newest: Option<(WorkspaceId, Instant)>,
    /// The last one before it that was another.
    other: Option<(WorkspaceId, Instant)>,
}

/// The right to read something now; it ends when it is dropped.
#[derive(Debug)]
pub struct Turn {
    share: FairShare,
    workspace: WorkspaceId,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for FairShare {
    fn default() -> Self {
        let places = (thread::available_parallelism().map_or(1, usize::from) / 2).max(1);
        Self { places, state: Arc::default() }
    }
}

impl FairShare {
    /// A workspace asks for something.
    pub fn note(&self, workspace: WorkspaceId) {
        self.lock().note(workspace, Instant::now());
    }

    /// Waits until it is the turn of a long read of this workspace, which need not wait for any when it is alone.
    pub async fn turn(&self, workspace: WorkspaceId) -> Option<Turn> {
        let seat = {
            let mut state = self.lock();
            if state.is_alone(workspace, Instant::now()) {
                return None;
            }
            let seat = state.seats.entry(workspace).or_insert_with(|| Arc::new(Semaphore::new(self.places)));
            Arc::clone(seat)
        };
        let mut turn = Turn { share: self.clone(), workspace, permit: None };
        turn.permit = seat.acquire_owned().await.ok();
        Some(turn)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, workspace: WorkspaceId, now: Instant) {
        if self.newest.is_some_and(|(newest, _)| newest != workspace) {
            self.other = self.newest;
        }
        self.newest = Some((workspace, now));
    }

    fn is_alone(&self, workspace: WorkspaceId, now: Instant) -> bool {
        let is_another =
            |(asked, at): &(WorkspaceId, Instant)| *asked != workspace && now.duration_since(*at) < ACTIVE_TIME;
        ![self.newest, self.other].iter().flatten().any(is_another)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.share.lock();
        self.permit = None;
        let is_last = |seat: &Arc<Semaphore>| Arc::strong_count(seat) == 1;
        if state.seats.get(&self.workspace).is_some_and(is_last) {
            state.seats.remove(&self.workspace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(number: u64) -> WorkspaceId {
        WorkspaceId::next(None, number, [0; 11])
    }

    #[test]
    fn whoever_else_asked_within_a_second_is_there() {
        let (ada, bob, eve) = (workspace(1), workspace(2), workspace(3));
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let mut state = State::default();
        assert!(state.is_alone(ada, at(0)), "nobody asked");
        state.note(ada, at(0));
        state.note(ada, at(10));
        assert!(state.is_alone(ada, at(20)) && !state.is_alone(bob, at(20)));
        state.note(bob, at(20));
        for _ in 0..3 {
            state.note(ada, at(900));
        }
        assert!(!state.is_alone(ada, at(1019)) && !state.is_alone(bob, at(1019)));
        assert!(state.is_alone(ada, at(1020)), "bob was there a second ago");
        assert!(!state.is_alone(eve, at(1899)) && state.is_alone(eve, at(1900)));
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_taken_as_long_as_there_is_another() {
        let share = FairShare { places: 2, state: Arc::default() };
        let (ada, bob) = (workspace(1), workspace(2));
        share.note(ada);
        let unlimited = [share.turn(ada).await, share.turn(ada).await, share.turn(ada).await];
        assert!(unlimited.iter().all(Option::is_none));
        share.note(bob);
        let (first, second) = (share.turn(ada).await, share.turn(ada).await);
        let third = share.turn(ada);
        tokio::pin!(third);
        assert!(tokio::time::timeout(Duration::from_secs(9), &mut third).await.is_err(), "both places are taken");
        drop(tokio::time::timeout(Duration::from_secs(9), share.turn(ada)).await);
        drop(share.turn(bob).await);
        drop(first);
        drop((third.await, second));
        assert!(share.lock().seats.is_empty(), "{share:?}");
    }
}
