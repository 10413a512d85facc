//! A clock that jumps.

use super::fixtures::{NOW_MS, begin, create, tenant};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::clock_jump::ClockJump;
use crate::model::expiry::ExpiresAfter;
use crate::model::purpose::Purpose;

/// Comes last: what jumped was never passed through.
pub async fn nothing_expires_by_a_clock_that_jumped(store: &dyn MetadataStore, clock: &Clock) {
    const DAY_MS: u64 = 86_400_000;
    let caller = tenant(store, "jumped").await;
    let start_ms = NOW_MS + 40 * DAY_MS;
    clock.set(start_ms);
    assert!(store.may_expire().await.unwrap(), "time that passed on the machine is no jump");
    let file = create(store, caller, 1, Purpose::UserData, ExpiresAfter::seconds(3600)).await;
    begin(store, caller, 1).await;
    clock.jump(start_ms + DAY_MS);
    assert_eq!(store.find_file(caller.workspace, file.id).await.unwrap(), None, "it has expired by this clock");
    assert!(store.expire_workspace(caller.workspace, 10).await.unwrap().is_nothing());
    assert_eq!(store.forget_audit_log(0, 10).await.unwrap() + store.forget_answers(10).await.unwrap(), 0);
    assert_eq!(store.forget_uploads(0, 10).await.unwrap(), 0);
    let jump = store.held_expiry().await.unwrap().unwrap();
    assert_eq!(jump, ClockJump { expected_ms: start_ms, found_ms: start_ms + DAY_MS });
    clock.set(start_ms + DAY_MS + 60_000);
    assert!(!store.may_expire().await.unwrap(), "it stays held");
    clock.set(start_ms + 1000);
    assert!(store.find_file(caller.workspace, file.id).await.unwrap().is_some());
    assert!(store.may_expire().await.unwrap() && store.held_expiry().await.unwrap().is_none(), "the clock is back");
    assert_eq!(store.confirm_clock().await.unwrap(), None);
    clock.jump(start_ms + 2 * DAY_MS);
    assert!(store.expire_workspace(caller.workspace, 10).await.unwrap().is_nothing());
    assert!(store.confirm_clock().await.unwrap().is_some());
    let ended = store.expire_workspace(caller.workspace, 10).await.unwrap();
    assert_eq!((ended.files, ended.uploads), (1, 1), "an operator said that the clock is right");
    assert!(store.find_misfits().await.unwrap().is_empty());
}
