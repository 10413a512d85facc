//! Tests of several servers on one database.

use super::*;
use crate::metadata::SweepShare;
use crate::model::audit::Action;
use crate::model::ids::AuditId;

/// The ids of entries newer than `before`, all entries where there is none, the newest first.
async fn newer(store: &PostgresStore, before: Option<AuditId>) -> Vec<AuditId> {
    let actions = Some(vec![Action::FileDeleted]);
    let query = AuditQuery { before, actions, limit: 100, ..AuditQuery::default() };
    store.audit_log(query).await.unwrap().rows.into_iter().map(|entry| entry.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_the_audit_log_misses_no_entry_that_was_committed_late() {
    let Some(database) = Database::fresh("the order of the audit log") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "audited").await;
    let files = [make(&store, caller).await.unwrap(), make(&store, caller).await.unwrap()];
    assert!(store.delete_file(caller, files[0]).await.unwrap());
    let first = newer(&store, None).await;
    // An entry that is older than the next and committed after that was read.
    let (slow, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
    drop(tokio::spawn(connection));
    let late = AuditId::next(Some(first[0]), 0, [0; 11]);
    let insert = format!(
        "BEGIN; INSERT INTO audit_log (id, actor, action, workspace_id, object_id)
         SELECT '{late}', actor, action, workspace_id, object_id FROM audit_log WHERE id = '{}'",
        first[0]
    );
    slow.batch_execute(&insert).await.unwrap();
    assert!(store.delete_file(caller, files[1]).await.unwrap());
    let second = newer(&store, Some(first[0])).await;
    assert_eq!(second.len(), 1);
    assert!(second[0] > late);
    slow.batch_execute("COMMIT").await.unwrap();
    assert_eq!(newer(&store, Some(second[0])).await, [late]);
    assert_eq!(newer(&store, None).await, [late, second[0], first[0]], "the newest are those that came last");
    let after = AuditQuery { after: Some(second[0]), limit: 1, ..AuditQuery::default() };
    let page = store.audit_log(AuditQuery { actions: Some(vec![Action::FileDeleted]), ..after }).await.unwrap();
    assert_eq!(page.rows.iter().map(|entry| entry.id).collect::<Vec<_>>(), [first[0]]);
    let update = std::panic::catch_unwind(|| database.run("UPDATE audit_log SET actor = 'x'"));
    assert!(update.is_err(), "it is append-only");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_blob_is_swept_by_one_of_those_who_live() {
    let Some(database) = Database::fresh("shares of the sweep") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let caller = contract::tenant(&store, "swept").await;
    let processes = [1, 2, 3].map(|number| ProcessId::new([number; 16]));
    assert_eq!(store.sweep_share(processes[0]).await.unwrap(), SweepShare::WHOLE, "it has no lease");
    let blobs: Vec<BlobId> = (0..100).map(|number| BlobId::new([number; 16])).collect();
    for blob in &blobs {
        store.begin_blob(caller.workspace, *blob, processes[0]).await.unwrap();
    }
    store.abandon_blobs(blobs.clone()).await.unwrap();
    for process in processes {
        store.renew_process(process).await.unwrap();
    }
    let mut found = Vec::new();
    for (place, process) in (0..).zip(processes) {
        let share = store.sweep_share(process).await.unwrap();
        assert_eq!(share, SweepShare { place, of: 3 });
        let own = store.deleting_blobs(share, None, 1000, 0).await.unwrap().blobs;
        assert!(own.len() > 10, "{}", own.len());
        found.extend(own);
    }
    found.sort_unstable();
    assert_eq!(found, blobs, "each is in one share");
    store.end_process(processes[0]).await.unwrap();
    assert_eq!(store.sweep_share(processes[2]).await.unwrap(), SweepShare { place: 1, of: 2 });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_the_store_is_that_of_the_database() {
    let Some(database) = Database::fresh("the time of the database") else { return };
    let store = open(&database, &Clock::system()).await;
    database.run("CREATE OR REPLACE FUNCTION now_ms() RETURNS BIGINT LANGUAGE sql STABLE AS 'SELECT 7000::bigint'");
    assert_eq!(store.now_seconds().await.unwrap(), 7);
}

/// Returns how many pages of 8 KiB a statement touches when it looks for blobs whose bytes are to be removed.
fn pages_of_deleting(database: &Database, delay_seconds: u64) -> u64 {
    let values = format!("0, '', 512, {delay_seconds}, 1, 0");
    database.run("DROP TABLE IF EXISTS looked_at; CREATE TABLE looked_at (plan JSON)");
    database.run(&format!(
        "SET venna.now_ms = {};
         PREPARE q (bigint, text, bigint, bigint, bigint, bigint) AS {};
         DO $$ DECLARE plan json; BEGIN
             EXECUTE $s$EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE q({values})$s$ INTO plan;
             INSERT INTO looked_at VALUES (plan);
         END $$",
        contract::NOW_MS,
        crate::metadata::postgres::sweep::DELETING
    ));
    let pages = "SELECT (plan->0->'Plan'->>'Shared Hit Blocks')::int + (plan->0->'Plan'->>'Shared Read Blocks')::int
                 FROM looked_at";
    database.rows(pages)[0][0].as_deref().unwrap().parse().unwrap()
}

/// However many blobs there are, and wait to be removed, one step looks at those that are due.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_the_sweep_does_not_look_at_blobs_that_wait() {
    let Some(database) = Database::fresh("the cost of a step of the sweep") else { return };
    let store = open(&database, &Clock::set_to(contract::NOW_MS)).await;
    database.run(&format!(
        "INSERT INTO blobs (id, workspace_id, process_id, state, deleted_at)
         SELECT md5(n::text), 'w', '', CASE WHEN n % 2 = 0 THEN 'deleting' ELSE 'ready' END,
             CASE WHEN n % 2 = 0 THEN {} - n % 1000 ELSE 0 END FROM generate_series(1, 60000) n",
        contract::NOW_MS / 1000
    ));
    database.run("VACUUM ANALYZE blobs");
    let (none, some) = (pages_of_deleting(&database, 3600), pages_of_deleting(&database, 500));
    assert!(none < 50 && some < 700, "none is due: {none} pages; a step of those that are: {some}");
    let (mut after, mut found) = (None, HashSet::new());
    loop {
        let page = store.deleting_blobs(SweepShare::WHOLE, after, 512, 500).await.unwrap();
        assert!(page.blobs.len() <= 512 && page.next > after || page.next.is_none());
        found.extend(page.blobs);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 15_000, "of 30,000 that are deleting, half are due");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_servers_scrubs() {
    let Some(database) = Database::fresh("who scrubs") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let [first, second] = [1, 2].map(|number| ProcessId::new([number; 16]));
    for process in [first, second] {
        store.renew_process(process).await.unwrap();
    }
    let claims = async || (store.claim_scrub(first).await.unwrap(), store.claim_scrub(second).await.unwrap());
    assert_eq!((claims().await, claims().await), ((true, false), (true, false)));
    clock.set(contract::NOW_MS + LEASE_SECONDS * 1000 / 2);
    store.renew_process(second).await.unwrap();
    clock.set(contract::NOW_MS + LEASE_SECONDS * 1000 + 1);
    assert!(store.claim_scrub(second).await.unwrap(), "the first does not live any more");
    store.renew_process(first).await.unwrap();
    assert_eq!(claims().await, (false, true));
    store.end_process(second).await.unwrap();
    assert_eq!(claims().await, (true, false), "the second has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_a_key_happens_once_on_all_servers_together() {
    let Some(database) = Database::fresh("idempotency keys on two servers") else { return };
    let stores = [open(&database, &Clock::system()).await, open(&database, &Clock::system()).await];
    let caller = contract::tenant(&stores[0], "twins").await;
    for round in 0..20 {
        let key = format!("round {round}");
        let twins = (0..8).map(|at| {
            let new = contract::small_file(5, Purpose::UserData, None);
            stores[at % 2].create_file(caller, new, Some(once(&key)))
        });
        let effects: Vec<_> = join_all(twins).await.into_iter().map(Result::unwrap).collect();
        let made: Vec<_> = effects
            .iter()
            .filter_map(|effect| if let IdempotentOutcome::Made(made) = effect { made.clone() } else { None })
            .collect();
        assert_eq!(made.len(), 1, "{effects:?}");
        let answer = made[0].id.to_string().into_bytes();
        assert_eq!(effects.iter().filter(|effect| **effect == IdempotentOutcome::Replayed(answer.clone())).count(), 7);
    }
    assert_eq!(file_ids(&stores[1], caller).await.len(), 20);
    let key = IdempotencyKey::parse("upload").unwrap();
    let uploads = (0..16).map(|at| {
        let request = RequestDigest::of("POST", "/v1/uploads");
        let once = Idempotency {
            key: key.clone(),
            request,
            answer: WriteAnswer::new(|upload: &Upload| upload.id.to_string().into()),
        };
        stores[at % 2].create_upload(caller, contract::upload(5), Some(once))
    });
    let made = join_all(uploads).await.into_iter().filter(|effect| effect.as_ref().unwrap().is_made()).count();
    assert_eq!(made, 1, "uploads, which are not made under the lock of the workspace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_holds_for_all_servers_together() {
    let Some(database) = Database::fresh("quotas on two servers") else { return };
    let stores = [open(&database, &Clock::system()).await, open(&database, &Clock::system()).await];
    let caller = contract::tenant(&stores[0], "crowded").await;
    let owner = LimitOwner::Workspace(caller.workspace);
    stores[0].set_limits(owner, vec![(Limit::MaxFiles, Some(10))], contract::ORIGIN, None).await.unwrap();
    for _ in 0..5 {
        let new = || contract::small_file(5, Purpose::UserData, None);
        let all = join_all((0..40).map(|at| stores[at % 2].create_file(caller, new(), None))).await;
        let made = all.iter().filter(|effect| effect.as_ref().unwrap().is_made()).count();
        let full = IdempotentOutcome::Refused(Refused::Quota(QuotaExceeded::Files { limit_files: 10 }));
        let refused = all.iter().filter(|effect| *effect.as_ref().unwrap() == full).count();
        assert_eq!((made, refused), (10, 30));
        let ids = file_ids(&stores[1], caller).await;
        let deletes = ids.iter().flat_map(|id| [(0, *id), (1, *id)]);
        let deleted = join_all(deletes.map(|(at, id)| stores[at].delete_file(caller, id))).await;
        assert_eq!(deleted.into_iter().filter(|deleted| *deleted.as_ref().unwrap()).count(), 10, "each goes once");
    }
    assert!(stores[0].find_misfits().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_a_workspace_appear_in_order() {
    let Some(database) = Database::fresh("the order of ids") else { return };
    let stores = [open(&database, &Clock::system()).await, open(&database, &Clock::system()).await];
    let caller = contract::tenant(&stores[0], "orderly").await;
    let writers = join_all((0..8).map(|at| {
        let store = &stores[at % 2];
        async move {
            for _ in 0..25 {
                make(store, caller).await.unwrap();
            }
        }
    }));
    let follower = async {
        let (mut seen, mut after) = (0, None);
        while seen < 200 {
            let query = FileQuery { purpose: None, limit: 50, order: Order::Ascending, after };
            let rows = stores[0].list_files(caller.workspace, query).await.unwrap().rows;
            (seen, after) = (seen + rows.len(), rows.last().map(|file| file.id).or(after));
        }
    };
    let (_, followed) = tokio::join!(writers, tokio::time::timeout(Duration::from_secs(30), follower));
    followed.expect("whoever follows the list from its end misses no file");
}
