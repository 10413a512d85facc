//! Creates that share transactions.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn files_asked_for_at_once_share_commits() {
    let Some(database) = Database::fresh("shared commits") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system(), TIME_LIMIT).await.unwrap();
    let caller = contract::tenant(&store, "many").await;
    let commits = proxy.commits();
    let made = join_all((0..150).map(|_| make(&store, caller))).await;
    let mut made: Vec<FileId> = made.into_iter().map(Result::unwrap).collect();
    made.sort_unstable();
    assert_eq!(file_ids(&store, caller).await, made);
    let commits = proxy.commits() - commits;
    assert!((1..=8).contains(&commits), "{commits} commits of 150 Files");
    proxy.inject(Fault::AfterCommit);
    let more = join_all((0..50).map(|_| make(&store, caller))).await;
    assert!(more.iter().all(Result::is_ok) && proxy.is_done(), "what one connection loses is known of all");
    assert_eq!(file_ids(&store, caller).await.len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_share_a_commit_have_outcomes_of_their_own() {
    let Some(database) = Database::fresh("outcomes of shared commits") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "mixed").await;
    let revoked = contract::holder(&store, caller.workspace).await;
    store.revoke_key(revoked.key, contract::ORIGIN).await.unwrap();
    let new = || contract::small_file(5, Purpose::UserData, None);
    let all = join_all((0..60).map(|at| match at % 10 {
        3 => store.create_file(revoked, new(), None),
        5 => store.create_file(caller, NewFile { place: ContentLocation::Store(BlobId::new([9; 16])), ..new() }, None),
        7 => store.create_file(caller, new(), Some(once("same"))),
        8 => store.create_file(caller, new(), Some(once(&at.to_string()))),
        _ => store.create_file(caller, new(), None),
    }))
    .await;
    let (mut made, mut replayed) = (0, 0);
    for (at, effect) in all.into_iter().enumerate() {
        match (at % 10, effect.unwrap()) {
            (3, IdempotentOutcome::Refused(Refused::KeyEnded)) | (5, IdempotentOutcome::Made(None)) => {}
            (7, IdempotentOutcome::Replayed(_)) => replayed += 1,
            (0..=2 | 4 | 6..=9, IdempotentOutcome::Made(Some(_))) => made += 1,
            (_, effect) => panic!("the one at {at}: {effect:?}"),
        }
    }
    assert_eq!((made, replayed), (43, 5));
    assert_eq!(file_ids(&store, caller).await.len(), 43);
    assert!(store.find_misfits().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_database_cannot_take_fails_alone() {
    let Some(database) = Database::fresh("rows that cannot be written") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "broken").await;
    let all = join_all((0..50).map(|at| {
        let new = contract::small_file(5, Purpose::Batch, None);
        // No text of PostgreSQL holds it.
        let status_details = (at % 20 == 7).then(|| "\0".to_owned());
        store.create_file(caller, NewFile { status_details, ..new }, None)
    }))
    .await;
    for (at, effect) in all.into_iter().enumerate() {
        match effect {
            Ok(effect) => assert!(effect.is_made() && at % 20 != 7, "{at}"),
            Err(error) => assert!(matches!(error, MetadataError::Broken(_)) && at % 20 == 7, "{at}: {error}"),
        }
    }
    assert_eq!(file_ids(&store, caller).await.len(), 47);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_takes_nobody_along() {
    let Some(database) = Database::fresh("those who go away") else { return };
    let store = Arc::new(open(&database, &Clock::system()).await);
    let caller = contract::tenant(&*store, "leavers").await;
    for round in 1..=10 {
        let asked: Vec<_> = (0..20)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { make(&store, caller).await.unwrap() })
            })
            .collect();
        tokio::task::yield_now().await;
        asked.iter().step_by(2).for_each(tokio::task::JoinHandle::abort);
        let answers = timeout(2 * PATIENCE, join_all(asked)).await.expect("nobody waits for those who are gone");
        let answered: Vec<FileId> = answers.into_iter().filter_map(Result::ok).collect();
        assert!(answered.len() >= 10, "round {round}");
        let there = file_ids(&store, caller).await;
        assert!(answered.iter().all(|id| there.contains(id)), "round {round}");
        make(&store, caller).await.unwrap();
    }
    assert!(store.find_misfits().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_counts_against_a_quota_what_is_made_of_it() {
    let Some(database) = Database::fresh("groups at their quota") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "full").await;
    let owner = LimitOwner::Workspace(caller.workspace);
    let blobs: Vec<BlobId> = (0..30).map(|at| BlobId::new([at + 1; 16])).collect();
    for blob in &blobs {
        store.begin_blob(caller.workspace, *blob, ProcessId::new([1; 16])).await.unwrap();
    }
    store.set_limits(owner, vec![(Limit::MaxFiles, Some(10))], contract::ORIGIN, None).await.unwrap().made().unwrap();
    let new =
        |blob| NewFile { place: ContentLocation::Store(blob), ..contract::small_file(5, Purpose::UserData, None) };
    let effects = join_all(blobs.iter().map(|blob| store.create_file(caller, new(*blob), None))).await;
    let full = IdempotentOutcome::Refused(Refused::Quota(QuotaExceeded::Files { limit_files: 10 }));
    let refused: Vec<BlobId> = blobs
        .iter()
        .zip(effects)
        .filter(|(_, effect)| *effect.as_ref().unwrap() == full)
        .map(|(blob, _)| *blob)
        .collect();
    assert_eq!((refused.len(), file_ids(&store, caller).await.len()), (20, 10));
    let mut pending: Vec<BlobId> = store.pending_blobs().await.unwrap().into_iter().map(|row| row.blob).collect();
    pending.sort_unstable();
    assert_eq!(pending, refused, "what was refused is as it was");
}
