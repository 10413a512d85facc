//! Expiry.

use super::fixtures::{NOW_MS, begin, small_file, tenant};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::expiry::ExpiresAfter;
use crate::model::purpose::Purpose;

pub async fn workspaces_are_overdue_one_by_one(store: &dyn MetadataStore, clock: &Clock) {
    let callers = [tenant(store, "overdue").await, tenant(store, "overdue too").await];
    for caller in callers {
        for seconds in [3600, 3600, 3600, 3601] {
            let small = small_file(3, Purpose::UserData, ExpiresAfter::seconds(seconds));
            assert!(store.create_file(caller, small, None).await.unwrap().is_made());
        }
        begin(store, caller, 1).await;
    }
    let list = async |after, limit| store.overdue_workspaces(after, limit).await.unwrap();
    assert!(
        list(None, 10).await.iter().all(|overdue| callers.iter().all(|caller| caller.workspace != overdue.workspace))
    );
    clock.set(NOW_MS + 400_000_000);
    for limit in [1, 3, 100] {
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let overdue = list(after, limit).await;
            let Some(last) = overdue.last() else { break };
            assert!(overdue.is_sorted() && overdue.first().copied() > after, "{overdue:?}");
            after = Some(*last);
            seen.extend(
                overdue
                    .into_iter()
                    .filter(|overdue| callers.iter().any(|caller| caller.workspace == overdue.workspace)),
            );
        }
        assert_eq!(seen.len(), 6, "{limit}: {seen:?}");
    }
    for caller in callers {
        let mut files = 0;
        loop {
            let ended = store.expire_workspace(caller.workspace, 3).await.unwrap();
            assert!(ended.files <= 3 && ended.uploads <= 1);
            files += ended.files;
            if ended.is_nothing() {
                break;
            }
        }
        assert_eq!(files, 4);
    }
    clock.set(NOW_MS);
    assert!(store.find_misfits().await.unwrap().is_empty());
}
