//! Fair sharing of limited resources between owners, such as workspaces.
//!
//! A [`FairSemaphore`] has a fixed number of permits. A lone owner may hold its share. The more permits others hold,
//! the smaller the share, and the first permit of an owner is never refused while one is free. With a share of one
//! half, two busy owners get a third each, and a third stays free.

pub mod activity;
pub mod contention;
pub mod queue;

// Clients choose none of the keys, so the maps need no hash that withstands chosen ones.
use foldhash::{HashMap, HashMapExt};
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A semaphore whose permits owners share fairly.
#[derive(Debug)]
pub struct FairSemaphore<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    held: Mutex<Held<K>>,
    returned: Notify,
}

#[derive(Debug)]
struct Held<K> {
    permits: usize,
    permits_per_owner: usize,
    all: usize,
    /// The number of permits by owner. Owners without a permit have no entry.
    of_owner: HashMap<K, usize>,
}

/// A permit, returned on drop.
#[derive(Debug)]
pub struct FairPermit<K: Copy + Eq + Hash> {
    owner: K,
    inner: Arc<Inner<K>>,
}

/// Returns whether an owner with `own` permits may acquire another of `permits`, of which others hold `others`. A lone
/// owner may hold `permits_per_owner`.
#[must_use]
pub const fn may_acquire(own: usize, others: usize, permits: usize, permits_per_owner: usize) -> bool {
    let free_of_others = permits.saturating_sub(others);
    own < free_of_others && (own as u128) * (permits as u128) < (permits_per_owner as u128) * (free_of_others as u128)
}

impl<K: Copy + Eq + Hash> FairSemaphore<K> {
    /// Returns a semaphore of `permits`, of which a lone owner may hold `permits_per_owner`.
    #[must_use]
    pub fn new(permits: usize, permits_per_owner: usize) -> Self {
        let held = Mutex::new(Held { permits, permits_per_owner, all: 0, of_owner: HashMap::new() });
        Self(Arc::new(Inner { held, returned: Notify::new() }))
    }

    /// Changes the number of permits. Permits that are held stay, and count.
    pub fn resize(&self, permits: usize, permits_per_owner: usize) {
        let mut held = self.0.lock();
        (held.permits, held.permits_per_owner) = (permits, permits_per_owner);
        drop(held);
        self.0.returned.notify_waiters();
    }

    /// Acquires a permit if the owner may have another.
    #[must_use]
    pub fn try_acquire(&self, owner: K) -> Option<FairPermit<K>> {
        let Self(inner) = self;
        let mut held = inner.lock();
        let Held { permits, permits_per_owner, all, of_owner } = &mut *held;
        let entry = of_owner.entry(owner);
        let own = if let Entry::Occupied(own) = &entry { *own.get() } else { 0 };
        if !may_acquire(own, all.saturating_sub(own), *permits, *permits_per_owner) {
            return None;
        }
        *all += 1;
        entry.insert_entry(own + 1);
        Some(FairPermit { owner, inner: Arc::clone(inner) })
    }

    /// Waits until the owner may have another permit. The caller bounds the number of waiters.
    pub async fn acquire(&self, owner: K) -> FairPermit<K> {
        loop {
            let mut returned = pin!(self.0.returned.notified());
            returned.as_mut().enable();
            if let Some(share) = self.try_acquire(owner) {
                return share;
            }
            returned.await;
        }
    }
}

impl<K> Inner<K> {
    fn lock(&self) -> MutexGuard<'_, Held<K>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Clone for FairSemaphore<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Copy + Eq + Hash> Drop for FairPermit<K> {
    fn drop(&mut self) {
        let mut held = self.inner.lock();
        held.all = held.all.saturating_sub(1);
        if let Entry::Occupied(mut own) = held.of_owner.entry(self.owner) {
            *own.get_mut() = own.get().saturating_sub(1);
            if *own.get() == 0 {
                own.remove();
            }
        }
        drop(held);
        self.inner.returned.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn an_owner_that_is_alone_has_its_share_and_others_leave_room() {
        let shares = FairSemaphore::new(512, 256);
        let take_all = |owner: u8| std::iter::from_fn(|| shares.try_acquire(owner)).collect::<Vec<_>>();
        let (ada, bob) = (take_all(1), take_all(2));
        assert_eq!((ada.len(), bob.len()), (256, 128));
        drop(ada);
        let eve = take_all(3);
        assert_eq!(eve.len(), 192);
        let one_each: Vec<_> = (4..100).map(|owner| shares.try_acquire(owner).unwrap()).collect();
        drop((bob, eve, one_each));
        assert!(shares.0.lock().of_owner.is_empty() && shares.0.lock().all == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_semaphore_grows_for_who_waits_and_shrinks_under_permits_that_are_held() {
        let shares = FairSemaphore::new(1, 1);
        let held = shares.try_acquire(1).unwrap();
        let (second, ()) = tokio::join!(shares.acquire(2), async { shares.resize(9, 4) });
        shares.resize(1, 1);
        drop(second);
        assert!(shares.try_acquire(2).is_none(), "the only permit is held");
        drop(held);
        assert!(shares.try_acquire(2).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_place_that_is_returned() {
        let shares = FairSemaphore::new(4, 1);
        let held = shares.try_acquire(1).unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(9), shares.acquire(1)).await.is_err());
        let (taken, ()) = tokio::join!(shares.acquire(1), async { drop(held) });
        drop(taken);
    }

    proptest! {
        #[test]
        fn the_first_place_is_never_refused_while_one_is_free(others in 0_usize..600, permits in 1_usize..600, share in 1_usize..600) {
            prop_assert_eq!(may_acquire(0, others, permits, share), others < permits);
        }

        #[test]
        fn there_are_never_more_than_there_are(own in 0_usize..600, others in 0_usize..600, permits in 1_usize..600, share in 1_usize..600) {
            if may_acquire(own, others, permits, share) {
                prop_assert!(own + others < permits && own < share);
            }
        }
    }
}
