//! Turns at long work: while several owners ask for something, the long work of each takes turns in a few places, so that
//! an owner who asks for little finds a free processor and an idle disk. An owner that is alone is not held back.

use super::activity::Activity;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One kind of long work. Each owner has so many places for it while others ask for something, too.
#[derive(Clone, Debug)]
pub struct FairTurns<K: Eq + Hash> {
    places: usize,
    /// At most one entry for each owner that works or waits.
    seats: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
    activity: Arc<Mutex<Activity<K>>>,
}

/// The turns of one owner.
#[derive(Clone, Debug)]
pub struct OwnTurns<K: Eq + Hash> {
    turns: FairTurns<K>,
    owner: K,
}

/// The right to work now; it ends when it is dropped.
#[derive(Debug)]
pub struct Turn<K: Eq + Hash> {
    turns: FairTurns<K>,
    owner: K,
    permit: Option<OwnedSemaphorePermit>,
}

impl<K: Copy + Eq + Hash> FairTurns<K> {
    /// Work for which each owner has so many places.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { places, seats: Arc::default(), activity: Arc::new(Mutex::new(Activity::new())) }
    }

    /// Another kind of work, for which the same owners count as those that ask for something.
    #[must_use]
    pub fn beside(&self, places: usize) -> Self {
        Self { places, seats: Arc::default(), activity: Arc::clone(&self.activity) }
    }

    /// Notes that an owner asks for something.
    pub fn note(&self, owner: K) {
        lock(&self.activity).note(owner, Instant::now());
    }

    /// Waits until it is the turn of this owner, which need not wait for any when it is alone.
    pub async fn turn(&self, owner: K) -> Option<Turn<K>> {
        if lock(&self.activity).is_alone(owner, Instant::now()) {
            return None;
        }
        let seat = {
            let mut seats = lock(&self.seats);
            Arc::clone(seats.entry(owner).or_insert_with(|| Arc::new(Semaphore::new(self.places))))
        };
        let mut turn = Turn { turns: self.clone(), owner, permit: None };
        turn.permit = seat.acquire_owned().await.ok();
        Some(turn)
    }

    /// The turns of this owner.
    #[must_use]
    pub fn of(&self, owner: K) -> OwnTurns<K> {
        OwnTurns { turns: self.clone(), owner }
    }
}

impl<K: Copy + Eq + Hash> OwnTurns<K> {
    /// Waits until it is the owner's turn; none when it is alone.
    pub async fn turn(&self) -> Option<Turn<K>> {
        self.turns.turn(self.owner).await
    }
}

impl<K: Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        let mut seats = lock(&self.turns.seats);
        self.permit = None;
        let is_last = |seat: &Arc<Semaphore>| Arc::strong_count(seat) == 1;
        if seats.get(&self.owner).is_some_and(is_last) {
            seats.remove(&self.owner);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn turns_are_taken_as_long_as_there_is_another() {
        let turns = FairTurns::new(2);
        let writes = turns.beside(1);
        let (ada, bob) = (1, 2);
        turns.note(ada);
        let unlimited = [turns.turn(ada).await, turns.turn(ada).await, writes.turn(ada).await];
        assert!(unlimited.iter().all(Option::is_none));
        turns.note(bob);
        let (first, second) = (turns.turn(ada).await, turns.turn(ada).await);
        let third = turns.turn(ada);
        tokio::pin!(third);
        assert!(tokio::time::timeout(Duration::from_secs(9), &mut third).await.is_err(), "both places are taken");
        drop(tokio::time::timeout(Duration::from_secs(9), turns.turn(ada)).await);
        drop((turns.turn(bob).await, writes.of(ada).turn().await.unwrap()));
        drop(first);
        drop((third.await, second));
        assert!(lock(&turns.seats).is_empty() && lock(&writes.seats).is_empty(), "{turns:?} {writes:?}");
    }
}
