//! Limits of long work under contention. While several owners are active, each has a few permits, so that an owner with
//! little work finds a free processor and an idle disk. A lone owner is not limited.

use super::activity::Activity;
use foldhash::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A limit of one kind of work. Each owner has a fixed number of permits while others are active.
#[derive(Clone, Debug)]
pub struct ContentionLimiter<K: Eq + Hash> {
    permits: usize,
    /// The semaphores of owners that work or wait.
    semaphores: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
    activity: Arc<Mutex<Activity<K>>>,
}

/// The limiter of one owner.
#[derive(Clone, Debug)]
pub struct OwnerLimiter<K: Eq + Hash> {
    limiter: ContentionLimiter<K>,
    owner: K,
}

/// A permit to work, returned on drop.
#[derive(Debug)]
pub struct ContentionPermit<K: Eq + Hash> {
    limiter: ContentionLimiter<K>,
    owner: K,
    permit: Option<OwnedSemaphorePermit>,
}

impl<K: Copy + Eq + Hash> ContentionLimiter<K> {
    /// Returns a limiter with `permits` for each owner.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Self { permits, semaphores: Arc::default(), activity: Arc::new(Mutex::new(Activity::new())) }
    }

    /// Returns a limiter of another kind of work, for which the same owners count as active.
    #[must_use]
    pub fn with_shared_activity(&self, permits: usize) -> Self {
        Self { permits, semaphores: Arc::default(), activity: Arc::clone(&self.activity) }
    }

    /// Records that an owner is active.
    pub fn note(&self, owner: K) {
        lock(&self.activity).note(owner, Instant::now());
    }

    /// Waits for a permit of `owner`; returns none if it is alone.
    pub async fn acquire(&self, owner: K) -> Option<ContentionPermit<K>> {
        if lock(&self.activity).is_alone(owner, Instant::now()) {
            return None;
        }
        let semaphore = {
            let mut semaphores = lock(&self.semaphores);
            Arc::clone(semaphores.entry(owner).or_insert_with(|| Arc::new(Semaphore::new(self.permits))))
        };
        let mut permit_of_owner = ContentionPermit { limiter: self.clone(), owner, permit: None };
        permit_of_owner.permit = semaphore.acquire_owned().await.ok();
        Some(permit_of_owner)
    }

    /// Returns the limiter of one owner.
    #[must_use]
    pub fn for_owner(&self, owner: K) -> OwnerLimiter<K> {
        OwnerLimiter { limiter: self.clone(), owner }
    }
}

impl<K: Copy + Eq + Hash> OwnerLimiter<K> {
    /// Waits for a permit; returns none if the owner is alone.
    pub async fn acquire(&self) -> Option<ContentionPermit<K>> {
        self.limiter.acquire(self.owner).await
    }
}

impl<K: Eq + Hash> Drop for ContentionPermit<K> {
    fn drop(&mut self) {
        let mut semaphores = lock(&self.limiter.semaphores);
        self.permit = None;
        let is_last = |semaphore: &Arc<Semaphore>| Arc::strong_count(semaphore) == 1;
        if semaphores.get(&self.owner).is_some_and(is_last) {
            semaphores.remove(&self.owner);
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
        let limiter = ContentionLimiter::new(2);
        let writes = limiter.with_shared_activity(1);
        let (ada, bob) = (1, 2);
        limiter.note(ada);
        let unlimited = [limiter.acquire(ada).await, limiter.acquire(ada).await, writes.acquire(ada).await];
        assert!(unlimited.iter().all(Option::is_none));
        limiter.note(bob);
        let (first, second) = (limiter.acquire(ada).await, limiter.acquire(ada).await);
        let third = limiter.acquire(ada);
        tokio::pin!(third);
        assert!(tokio::time::timeout(Duration::from_secs(9), &mut third).await.is_err(), "both permits are taken");
        drop(tokio::time::timeout(Duration::from_secs(9), limiter.acquire(ada)).await);
        drop((limiter.acquire(bob).await, writes.for_owner(ada).acquire().await.unwrap()));
        drop(first);
        drop((third.await, second));
        assert!(lock(&limiter.semaphores).is_empty() && lock(&writes.semaphores).is_empty(), "{limiter:?} {writes:?}");
    }
}
