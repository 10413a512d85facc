//! What every metadata store does, whatever is behind it: one suite for each trait, run on every driver.

mod admin;
mod answers;
mod audit;
mod backlog;
mod blobs;
mod clock_watch;
mod default_expiries;
pub mod export;
mod files;
mod fixtures;
mod keys;
pub mod ledger;
mod limits;
mod links;
mod overdue;
mod people;
pub mod read_merges;
mod releases;
mod sessions;
mod stamps;
mod uploads;
mod workspaces;

pub use files::concurrent_changes_get_their_own_answers;
pub use fixtures::{NOW_MS, ORIGIN, file, holder, small_file, tenant, upload};
pub use limits::a_total_is_never_less_than_nothing;

use super::MetadataStore;
use crate::clock::Clock;
use crate::model::audit::{Action, Actor, AuditQuery};
use crate::model::limits::Limit;
use crate::model::outbox::SinkName;
use crate::model::usage::{Dimensions, SlotWidth, UsageQuery};

/// Runs the whole contract over a fresh store whose clock is `clock`.
pub async fn holds(store: &dyn MetadataStore, clock: &Clock) {
    workspaces::workspaces_have_unique_names_and_end(store).await;
    backlog::what_waits_is_counted_up_to_a_limit(store).await;
    keys::keys_are_found_by_their_secrets(store, clock).await;
    files::a_file_appears_with_its_commit_and_goes_with_its_delete(store).await;
    files::small_content_lives_and_dies_with_its_file(store).await;
    files::a_workspace_sees_its_own_files_only(store).await;
    files::pages_visit_each_file_once(store).await;
    files::a_cursor_needs_no_file(store).await;
    files::names_are_found_by_their_beginning(store, clock).await;
    blobs::a_blob_is_committed_once_and_by_its_workspace(store).await;
    blobs::what_is_abandoned_cannot_be_committed(store).await;
    blobs::uploads_of_blobs_are_noted_until_they_are_ready(store).await;
    blobs::what_was_read_is_removed_later_and_what_was_not_at_once(store, clock).await;
    files::expired_files_are_gone_at_the_second(store, clock).await;
    default_expiries::a_workspace_decides_where_clients_do_not(store).await;
    answers::what_has_a_key_happens_once(store, clock).await;
    keys::a_key_that_has_ended_changes_nothing(store, clock).await;
    audit::what_was_done_is_in_the_audit_log(store, clock).await;
    sessions::sessions_begin_and_end(store, clock).await;
    sessions::a_session_ends_at_its_limits(store, clock).await;
    sessions::a_sign_in_beyond_the_limit_ends_the_oldest_session(store, clock).await;
    links::links_belong_to_a_workspace_and_end(store, clock).await;
    links::a_key_is_opened_by_its_id(store).await;
    links::links_are_revoked_by_key_and_by_workspace(store, clock).await;
    links::a_link_makes_one_file(store, clock).await;
    links::keys_of_links_rotate(store, clock).await;
    people::memberships_are_keys_of_people(store, clock).await;
    stamps::a_stamp_only_moves_forward(store).await;
    limits::quotas_count_what_is_there_and_what_is_to_come(store, clock).await;
    limits::parts_beyond_the_declared_bytes_count_at_once(store, clock).await;
    limits::what_has_expired_makes_room_before_it_is_swept(store, clock).await;
    overdue::workspaces_are_overdue_one_by_one(store, clock).await;
    releases::parts_of_what_is_gone_are_released_in_steps(store, clock).await;
    uploads::uploads_are_forgotten_after_their_time(store, clock).await;
    uploads::a_part_may_have_its_place(store).await;
    uploads::an_upload_without_a_size_grows_to_its_limit(store).await;
    uploads::a_chosen_name_is_of_one_file(store, clock).await;
    clock_watch::nothing_expires_by_a_clock_that_jumped(store, clock).await;
    admin::holds(store, clock).await;
    store.probe().await.unwrap();
}

/// Asks each question that reads many rows, for one workspace and for all, so that its statements are prepared.
pub async fn every_question(store: &dyn MetadataStore) {
    let caller = tenant(store, "questions").await;
    let everything = || AuditQuery { limit: 10, ..AuditQuery::default() };
    let actors = Some(vec![Actor::Key(caller.key)]);
    let objects = Some(vec![caller.key.to_string()]);
    let actions = Some(vec![Action::KeyCreated, Action::KeyRevoked]);
    store.audit_log(everything()).await.unwrap();
    store.audit_log(AuditQuery { actors, ..everything() }).await.unwrap();
    store.audit_log(AuditQuery { objects, ..everything() }).await.unwrap();
    store.audit_log(AuditQuery { actions, ..everything() }).await.unwrap();
    let by = Dimensions { workspace: true, key: false, purpose: false };
    for workspaces in [None, Some(vec![caller.workspace]), Some(Vec::new())] {
        for width in [SlotWidth::Hour, SlotWidth::Minute] {
            let (start, end) = (NOW_MS / 1000, NOW_MS / 1000 + 3600);
            let query = UsageQuery { start, end, width, workspaces: workspaces.clone(), keys: None, by };
            store.usage(query).await.unwrap();
        }
    }
    store.ledger(None, 0, 10).await.unwrap();
    store.ledger(Some(caller.workspace), 0, 10).await.unwrap();
    store.workspaces_with_limit(Limit::MonthlySpendCents).await.unwrap();
    for sink in [SinkName::Usage] {
        store.outbox_status(sink).await.unwrap();
        store.forget_messages(sink, 60, 10).await.unwrap();
    }
}
