//! A fixed number of places that owners share, so that none of them can take all.
//!
//! An owner that is alone may take its share. The more places others hold, the smaller the share becomes, and the first place is
//! never refused while one is free. With a share of a half, two busy owners come to a third each, and a third is left.

pub mod activity;
pub mod queue;
pub mod turns;

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Places that owners share.
#[derive(Debug)]
pub struct Shares<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    places: usize,
    places_per_owner: usize,
    held: Mutex<Held<K>>,
    returned: Notify,
}

#[derive(Debug)]
struct Held<K> {
    all: usize,
    /// How many an owner holds; no entry of one that holds none.
    of_owner: HashMap<K, usize>,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub struct Share<K: Eq + Hash> {
    owner: K,
    shares: Arc<Inner<K>>,
}

/// Whether an owner that holds `own` places may take another of `places`, of which others hold `others`; `places_per_owner` is
/// what one may hold that is alone.
#[must_use]
pub const fn may_take(own: usize, others: usize, places: usize, places_per_owner: usize) -> bool {
    let free_of_others = places.saturating_sub(others);
    own < free_of_others && (own as u128) * (places as u128) < (places_per_owner as u128) * (free_of_others as u128)
}

impl<K: Copy + Eq + Hash> Shares<K> {
    /// So many places, of which one owner may hold `places_per_owner` when it is alone.
    #[must_use]
    pub fn new(places: usize, places_per_owner: usize) -> Self {
        let held = Mutex::new(Held { all: 0, of_owner: HashMap::new() });
        Self(Arc::new(Inner { places, places_per_owner, held, returned: Notify::new() }))
    }

    /// Takes a place for this owner, if it may have another.
    #[must_use]
    pub fn try_take(&self, owner: K) -> Option<Share<K>> {
        let Self(shares) = self;
        let mut held = shares.lock();
        let own = held.of_owner.get(&owner).copied().unwrap_or_default();
        if !may_take(own, held.all.saturating_sub(own), shares.places, shares.places_per_owner) {
            return None;
        }
        held.all += 1;
        held.of_owner.insert(owner, own + 1);
        Some(Share { owner, shares: Arc::clone(shares) })
    }

    /// Waits until this owner may have another place. The caller bounds how many wait.
    pub async fn take(&self, owner: K) -> Share<K> {
        loop {
            let mut returned = pin!(self.0.returned.notified());
            returned.as_mut().enable();
            if let Some(share) = self.try_take(owner) {
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

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.shares.lock();
        held.all = held.all.saturating_sub(1);
        if let Some(own) = held.of_owner.get_mut(&self.owner) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                held.of_owner.remove(&self.owner);
            }
        }
        drop(held);
        self.shares.returned.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn an_owner_that_is_alone_has_its_share_and_others_leave_room() {
        let shares = Shares::new(512, 256);
        let take_all = |owner: u8| std::iter::from_fn(|| shares.try_take(owner)).collect::<Vec<_>>();
        let (ada, bob) = (take_all(1), take_all(2));
        assert_eq!((ada.len(), bob.len()), (256, 128));
        drop(ada);
        let eve = take_all(3);
        assert_eq!(eve.len(), 192);
        let one_each: Vec<_> = (4..100).map(|owner| shares.try_take(owner).unwrap()).collect();
        drop((bob, eve, one_each));
        assert!(shares.0.lock().of_owner.is_empty() && shares.0.lock().all == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_place_that_is_returned() {
        let shares = Shares::new(4, 1);
        let held = shares.try_take(1).unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(9), shares.take(1)).await.is_err());
        let (taken, ()) = tokio::join!(shares.take(1), async { drop(held) });
        drop(taken);
    }

    proptest! {
        #[test]
        fn the_first_place_is_never_refused_while_one_is_free(others in 0_usize..600, places in 1_usize..600, share in 1_usize..600) {
            prop_assert_eq!(may_take(0, others, places, share), others < places);
        }

        #[test]
        fn there_are_never_more_than_there_are(own in 0_usize..600, others in 0_usize..600, places in 1_usize..600, share in 1_usize..600) {
            if may_take(own, others, places, share) {
                prop_assert!(own + others < places && own < share);
            }
        }
    }
}
