//! Workspaces do not delay each other.

use super::*;
use crate::model::audit::Action;
use crate::model::ids::PartId;

#[tokio::test(flavor = "multi_thread")]
async fn many_deletes_of_one_workspace_share_commits_and_keep_no_other_waiting() {
    const FILES: usize = 600;
    const MADE_AT_ONCE: usize = 200;
    let Some(database) = Database::fresh("many deletes at once") else { return };
    let store = open(&database, &Clock::system()).await;
    let (busy, quiet) = (contract::tenant(&store, "busy").await, contract::tenant(&store, "quiet").await);
    let mut files: Vec<FileId> = Vec::new();
    while files.len() < FILES {
        let made = join_all((0..MADE_AT_ONCE).map(|_| make(&store, busy))).await;
        files.extend(made.into_iter().map(Result::unwrap));
    }
    let (locker, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
    drop(tokio::spawn(connection));
    locker.batch_execute("BEGIN; SELECT 1 FROM files FOR UPDATE").await.unwrap();
    let deletes = join_all(files.iter().map(|file| store.delete_file(busy, *file)));
    // Behind the deletes, the upload would wait for a lock that is held until it is over.
    let upload = async {
        make(&store, quiet).await.unwrap();
        locker.batch_execute("COMMIT").await.unwrap();
    };
    let (deleted, ()) = tokio::join!(deletes, upload);
    assert!(deleted.iter().all(|outcome| matches!(outcome, Ok(true))), "none is refused and all are gone");
    let told = format!("SELECT 1 FROM audit_log WHERE action = '{}'", Action::FileDeleted.name());
    let commits = database.rows(&format!("{told} GROUP BY xmin::text")).len();
    assert!(commits * 8 < FILES, "{commits} commits");
    assert!(!store.delete_file(busy, files[0]).await.unwrap(), "it is gone");
    let usage = store.storage_usage(busy.workspace).await.unwrap();
    assert_eq!((usage.stored_files, usage.stored_bytes), (0, 0));
    let ends = database.rows("SELECT 1 FROM ledger WHERE fact = 'end'").len();
    let entries = database.rows(&told).len();
    assert_eq!((ends, entries), (FILES, FILES));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_workspace_leave_connections_to_others() {
    let Some(database) = Database::fresh("shares of the connections") else { return };
    let store = open(&database, &Clock::system()).await;
    let (busy, quiet) = (contract::tenant(&store, "busy").await, contract::tenant(&store, "quiet").await);
    let IdempotentOutcome::Made(upload) = store.create_upload(busy, contract::upload(1), None).await.unwrap() else {
        panic!("nothing keeps it from being made")
    };
    let (locker, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
    drop(tokio::spawn(connection));
    locker.batch_execute("BEGIN; SELECT 1 FROM uploads FOR UPDATE").await.unwrap();
    let cancels = join_all((0..200).map(|_| store.cancel_upload(busy, upload.id, None)));
    let other = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        make(&store, quiet).await.unwrap()
    };
    // Without places of its own it would wait until the cancels have had their time.
    tokio::select! {
        _ = cancels => panic!("the cancels were over first"),
        _ = other => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_used_is_revoked_with_the_others() {
    let Some(database) = Database::fresh("links that are used and revoked") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "links").await;
    let file = make(&store, caller).await.unwrap();
    let grant = Download { file, content_type: None, disposition: None, one_time: false };
    let new = NewLink { grant: LinkGrant::Download(grant), valid_seconds: 100 };
    for _ in 0..2 {
        store.create_link(caller, new.clone()).await.unwrap().unwrap().unwrap();
    }
    let (user, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
    drop(tokio::spawn(connection));
    user.batch_execute("BEGIN; UPDATE links SET first_used_at = 1 WHERE id = (SELECT min(id) FROM links)")
        .await
        .unwrap();
    let use_ends = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        user.batch_execute("COMMIT").await.unwrap();
    };
    let (revoked, ()) = tokio::join!(store.revoke_links(caller.workspace, None, 256, contract::ORIGIN), use_ends);
    assert_eq!(revoked.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_ends_its_own_session_alone() {
    let Some(database) = Database::fresh("late answers") else { return };
    let store = PostgresStore::open(&database.url, Clock::system(), TIME_LIMIT).await.unwrap();
    let caller = contract::tenant(&store, "late").await;
    let file = make(&store, caller).await.unwrap();
    let reads = || join_all((0..6).map(|_| store.find_file(caller.workspace, file)));
    reads().await.into_iter().for_each(|found| drop(found.unwrap()));
    let sessions = || -> HashSet<String> {
        let sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'venna' AND datname = current_database()";
        database.rows(sql).into_iter().map(|row| row[0].clone().unwrap()).collect()
    };
    let before = sessions();
    assert!(before.len() > 2, "{before:?}");
    let now_ms = |sleep: &str| {
        database.run(&format!(
            "CREATE OR REPLACE FUNCTION now_ms() RETURNS BIGINT LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
             BEGIN {sleep} RETURN floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint; END $$"
        ));
    };
    now_ms("PERFORM pg_sleep(3.5);");
    assert!(store.find_file(caller.workspace, file).await.is_err(), "the answer is late");
    now_ms("");
    reads().await.into_iter().for_each(|found| assert!(found.unwrap().is_some()));
    let kept = before.intersection(&sessions()).count();
    assert!(kept + 1 >= before.len(), "{kept} of {}", before.len());
}

/// That a blob is not pending any more may be the work of whoever swept it.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_abandoned_does_not_prove_a_part() {
    let Some(database) = Database::fresh("proofs of parts") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = Arc::new(PostgresStore::open(&url, Clock::system(), TIME_LIMIT).await.unwrap());
    let caller = contract::tenant(&*store, "parts").await;
    let IdempotentOutcome::Made(upload) = store.create_upload(caller, contract::upload(5), None).await.unwrap() else {
        panic!("nothing keeps it from being made")
    };
    let (blob, process) = (BlobId::new([7; 16]), ProcessId::new([7; 16]));
    store.begin_blob(caller.workspace, blob, process).await.unwrap();
    store.abandon_blobs(vec![blob]).await.unwrap();
    let until = Instant::now() + Duration::from_secs(1);
    let another = database.rows("SELECT pg_current_xact_id()::text")[0][0].clone().unwrap();
    let proof = writer::Proof::Part(PartId::new(1, [1; 12]).to_string());
    let told = writer::verify_outcome(&store.connections, &another, Some(&proof), until).await;
    assert!(told.unwrap_err().is_lost());
    let another = BlobId::new([8; 16]);
    store.begin_blob(caller.workspace, another, process).await.unwrap();
    let content = contract::small_file(5, Purpose::UserData, None).content;
    proxy.inject(Fault::AfterCommit);
    let made = store
        .create_part(caller, upload.id, NewPart { blob: another, content, offset_bytes: None }, None)
        .await
        .unwrap();
    let IdempotentOutcome::Made(Ok(Some(part))) = made else { panic!("{made:?}") };
    assert!(proxy.is_done(), "the answer to its commit was lost");
    assert_eq!(store.list_parts(caller.workspace, upload.id, None, 10).await.unwrap().unwrap().rows, [part]);
}

/// A long read that passes its limit is told so, its statement ends in the database, and its place is free again.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_read_past_its_limit_ends_and_gives_its_place_back() {
    const LIMIT: Duration = Duration::from_millis(400);
    let Some(database) = Database::fresh("the limit of long reads") else { return };
    let workspace = contract::tenant(&open(&database, &Clock::system()).await, "patient").await.workspace;
    let endpoint: Endpoint = database.url.parse().unwrap();
    let timeouts = Timeouts { long: LIMIT, ..Timeouts::of_requests(TIME_LIMIT) };
    let connections = Arc::new(Connections::new(&endpoint, CommitMode::Flushed, Clock::system(), timeouts).unwrap());
    let sleep = async |sql: &'static str| {
        let (connections, owner) = (Arc::clone(&connections), Some(workspace));
        let begun = Instant::now();
        let read = connections
            .read_long(owner, move |session| {
                Box::pin(async move {
                    session.row(sql, &[]).await?;
                    session.row(sql, &[]).await.map(drop)
                })
            })
            .await;
        (read, begun.elapsed())
    };
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(%'
                   AND pid <> pg_backend_pid() AND datname = current_database()";
    // One statement is too long, and two are together.
    for sql in ["SELECT pg_sleep(20)", "SELECT pg_sleep(0.3)"] {
        let (read, took) = sleep(sql).await;
        assert!(matches!(read, Err(MetadataError::TookTooLong(_))), "{sql}: {read:?}");
        assert!(took >= LIMIT && took < Duration::from_secs(3), "{sql}: {took:?}");
        let begun = Instant::now();
        while database.rows(running)[0][0].as_deref() != Some("0") {
            assert!(begun.elapsed() < Duration::from_secs(3), "{sql} runs on in the database");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let (read, _) = sleep("SELECT pg_sleep(0.01)").await;
    assert!(read.is_ok(), "the only place of the workspace is free: {read:?}");
}
