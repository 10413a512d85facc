//! The registry of blobs that this process is writing. It tells a running upload from an orphan, and limits uploads per
//! workspace and key.

use crate::metrics::{Counted, METRICS};
use crate::model::ids::BlobId;
use crate::model::limits::{ConcurrencyScope, LimitOwner};
use crate::shares::may_acquire;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The blobs in flight, limited in number.
#[derive(Debug)]
pub struct InFlight {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    max: usize,
    blobs: HashSet<BlobId>,
    /// The number of blobs by owner. Owners without a blob have no entry.
    owned: HashMap<LimitOwner, usize>,
}

/// An entry of the registry, removed on drop.
#[derive(Debug)]
pub struct InFlightToken {
    registry: Arc<InFlight>,
    blob: BlobId,
    owners: [LimitOwner; 2],
    _counted: Counted,
}

impl InFlight {
    /// Returns an empty registry for at most `max` blobs.
    #[must_use]
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { max, ..State::default() }) })
    }

    /// Changes the maximum. Blobs that are in flight stay, and count.
    pub fn resize(&self, max: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).max = max;
    }

    /// Adds a blob of these owners, each with its limit. Workspaces share the registry fairly ([`may_acquire`]). Call
    /// it before the blob's row is written: a row without an entry here is an orphan.
    ///
    /// # Errors
    /// When too many are in flight.
    pub fn enter(
        self: &Arc<Self>,
        blob: BlobId,
        owners: [(LimitOwner, usize); 2],
    ) -> Result<InFlightToken, ConcurrencyScope> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.blobs.len() >= state.max {
            return Err(ConcurrencyScope::Server);
        }
        for (owner, max) in owners {
            let own = state.owned.get(&owner).copied().unwrap_or_default();
            let others = state.blobs.len().saturating_sub(own);
            let is_admitted = match owner {
                LimitOwner::Workspace(_) => may_acquire(own, others, state.max, max.min(state.max)),
                LimitOwner::Key(_) => own < max,
            };
            if !is_admitted {
                return Err(ConcurrencyScope::Owner(owner));
            }
        }
        let owners = owners.map(|(owner, _)| owner);
        for owner in owners {
            *state.owned.entry(owner).or_default() += 1;
        }
        state.blobs.insert(blob);
        let counted = Counted::on(&METRICS.uploads_in_flight);
        Ok(InFlightToken { registry: Arc::clone(self), blob, owners, _counted: counted })
    }

    /// Returns whether the blob is being written.
    #[must_use]
    pub fn contains(&self, blob: BlobId) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).blobs.contains(&blob)
    }
}

impl Drop for InFlightToken {
    fn drop(&mut self) {
        let mut state = self.registry.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.blobs.remove(&self.blob);
        for owner in self.owners {
            let left = state.owned.get(&owner).copied().unwrap_or_default().saturating_sub(1);
            if left == 0 {
                state.owned.remove(&owner);
            } else {
                state.owned.insert(owner, left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{KeyId, WorkspaceId};

    fn owners(workspace: u64, key: u64, max: [usize; 2]) -> [(LimitOwner, usize); 2] {
        let workspace = LimitOwner::Workspace(WorkspaceId::next(None, workspace, [0; 11]));
        [(workspace, max[0]), (LimitOwner::Key(KeyId::next(None, key, [0; 11])), max[1])]
    }

    #[test]
    fn a_token_holds_its_place_until_it_is_dropped() {
        let registry = InFlight::new(1);
        let (first, second) = (BlobId::new([1; 16]), BlobId::new([2; 16]));
        let token = registry.enter(first, owners(1, 1, [9, 9])).unwrap();
        assert!(registry.contains(first));
        assert_eq!(registry.enter(second, owners(2, 2, [9, 9])).unwrap_err(), ConcurrencyScope::Server);
        drop(token);
        assert!(!registry.contains(first) && registry.enter(second, owners(1, 1, [9, 9])).is_ok());
        assert!(registry.state.lock().unwrap().owned.is_empty(), "who has none is forgotten");
    }

    #[test]
    fn a_changed_maximum_counts_what_is_in_flight() {
        let registry = InFlight::new(1);
        let enter = |number: u8| registry.enter(BlobId::new([number; 16]), owners(number.into(), 1, [9, 9]));
        let first = enter(1).unwrap();
        registry.resize(2);
        let second = enter(2).unwrap();
        registry.resize(1);
        drop(second);
        assert_eq!(enter(3).unwrap_err(), ConcurrencyScope::Server);
        drop(first);
        assert!(enter(3).is_ok());
    }

    #[test]
    fn each_owner_has_places_of_its_own() {
        let registry = InFlight::new(9);
        let enter = |number: u8, owners| registry.enter(BlobId::new([number; 16]), owners);
        let narrow = owners(1, 2, [2, 1]);
        let (_first, _second) = (enter(1, owners(1, 1, [2, 9])).unwrap(), enter(2, narrow).unwrap());
        assert_eq!(enter(3, owners(1, 3, [2, 9])).unwrap_err(), ConcurrencyScope::Owner(narrow[0].0));
        assert_eq!(enter(3, owners(1, 2, [9, 1])).unwrap_err(), ConcurrencyScope::Owner(narrow[1].0));
        assert!(enter(3, owners(2, 4, [2, 1])).is_ok(), "others have theirs");
    }

    #[test]
    fn busy_workspaces_leave_places_for_others() {
        let (registry, mut tokens) = (InFlight::new(64), Vec::new());
        let mut fill = |workspace: u64| {
            let before = tokens.len();
            loop {
                let number = u8::try_from(tokens.len()).unwrap();
                match registry.enter(BlobId::new([number; 16]), owners(workspace, workspace, [32, 99])) {
                    Ok(token) => tokens.push(token),
                    Err(_) => return tokens.len() - before,
                }
            }
        };
        assert_eq!([1, 2, 3, 4].map(&mut fill), [32, 16, 8, 4]);
    }
}
