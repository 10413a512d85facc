//! Which blobs this process is writing: what tells an upload in progress from one that was left behind, and how many of them
//! each workspace and key has.

use crate::model::ids::BlobId;
use crate::model::limits::{ConcurrencyScope, LimitOwner};
use crate::shares::may_take;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The blobs that this process is writing now, and at most so many at once.
#[derive(Debug)]
pub struct InFlight {
    state: Mutex<State>,
    max: usize,
}

#[derive(Debug, Default)]
struct State {
    blobs: HashSet<BlobId>,
    /// How many of them an owner has; no entry of one that has none.
    owned: HashMap<LimitOwner, usize>,
}

/// Keeps a blob in flight until it is dropped.
#[derive(Debug)]
pub struct InFlightToken {
    registry: Arc<InFlight>,
    blob: BlobId,
    owners: [LimitOwner; 2],
}

impl InFlight {
    /// An empty registry for at most `max` blobs at once.
    #[must_use]
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), max })
    }

    /// Enters a blob of these owners, of whom each may have so many at once, and fewer the more the others have
    /// ([`may_take`]). To be called before the store hears of the blob,
    /// so that whoever sees its row and not its name here knows that it was left behind.
    ///
    /// # Errors
    /// When too many are in flight.
    pub fn enter(
        self: &Arc<Self>,
        blob: BlobId,
        owners: [(LimitOwner, usize); 2],
    ) -> Result<InFlightToken, ConcurrencyScope> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.blobs.len() >= self.max {
            return Err(ConcurrencyScope::Server);
        }
        for (owner, max) in owners {
            let own = state.owned.get(&owner).copied().unwrap_or_default();
            let others = state.blobs.len().saturating_sub(own);
            let is_admitted = match owner {
                LimitOwner::Workspace(_) => may_take(own, others, self.max, max.min(self.max)),
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
        Ok(InFlightToken { registry: Arc::clone(self), blob, owners })
    }

    /// Whether the blob is being written.
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
