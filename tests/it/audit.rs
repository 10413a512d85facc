//! The audit log at rest: nobody changes it, and it is kept as long as the operator says.

use venna::clock::Clock;
use venna::model::audit::{Action, AuditQuery};
use venna_testkit::rows::Rows;
use venna_testkit::server::eventually;
use venna_testkit::{Form, TestServer};

const NOW_MS: u64 = 1_795_374_000_000;
const DAY_MS: u64 = 86_400_000;
/// More than one batch of the sweeper.
const OLD_ENTRIES: i64 = 1200;

fn count(database: &Rows) -> i64 {
    database.number("SELECT count(*) FROM audit_log")
}

/// Entries of a week before the server was opened.
fn add_old_entries(database: &Rows) {
    let digits = database.choose("printf('%020d', n)", "lpad(n::text, 20, '0')");
    let sql = format!(
        "WITH RECURSIVE number (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM number WHERE n < {OLD_ENTRIES})
         INSERT INTO audit_log (id, actor, action, object_id)
         SELECT 'audit_00Vb' || {digits}, 'command_line', 'project.created', 'ws_old' FROM number"
    );
    database.execute(&sql).unwrap();
}

/// A file that ends in an hour, so that it is seen when a pass of the sweeper has come by.
fn a_witness() -> Form {
    let form = Form::default().field("purpose", "user_data").field("expires_after[anchor]", "created_at");
    form.field("expires_after[seconds]", "3600").file("brief.txt", b"b")
}

#[tokio::test]
async fn entries_go_when_they_are_older_than_they_have_to_be_kept() {
    let settings = [("sweep_interval_seconds", "1"), ("audit_retention_days", "2"), ("inline_max_bytes", "0")];
    let server = TestServer::with(&settings, Clock::set_to(NOW_MS)).await;
    let (ada, database) = (server.user("ada").await, server.database());
    let fresh = count(&database);
    add_old_entries(&database);
    eventually(|| count(&database) == fresh, || format!("{} entries, not {fresh}", count(&database))).await;
    server.clock.set(NOW_MS + 2 * DAY_MS - 3_600_000);
    ada.post(a_witness()).await.is_ok();
    server.clock.set(NOW_MS + 2 * DAY_MS);
    server.blobs_become(0).await;
    assert_eq!(count(&database), fresh, "they are two days old, and no older");
    server.clock.set(NOW_MS + 2 * DAY_MS + 1000);
    eventually(|| count(&database) == 0, || format!("{} entries are left", count(&database))).await;
    ada.delete_file(&ada.create_file("a", b"a").await.id()).await.is_ok();
    let log = server.installation().await.audit_log;
    let page = log.list(AuditQuery { limit: 10, ..AuditQuery::default() }).await.unwrap();
    let entry = page.rows.first().unwrap();
    assert_eq!((page.rows.len(), entry.action), (1, Action::FileDeleted));
    assert_eq!(entry.id.created_at(), NOW_MS / 1000 + 2 * 86_400 + 1, "the log goes on where nothing is left of it");
    server.close().await;
}

#[tokio::test]
async fn without_a_limit_entries_stay_for_ever() {
    let settings = [("sweep_interval_seconds", "1"), ("audit_retention_days", "0"), ("inline_max_bytes", "0")];
    let server = TestServer::with(&settings, Clock::set_to(NOW_MS)).await;
    let (ada, database) = (server.user("ada").await, server.database());
    add_old_entries(&database);
    let all = count(&database);
    ada.post(a_witness()).await.is_ok();
    server.clock.set(NOW_MS + 36_500 * DAY_MS);
    server.blobs_become(0).await;
    assert_eq!(count(&database), all);
    server.close().await;
}

#[tokio::test]
async fn nobody_changes_an_entry() {
    let server = TestServer::at(NOW_MS).await;
    server.user("ada").await;
    let database = server.database();
    let before: Vec<String> = everything(&database);
    for column in ["id", "actor", "action", "workspace_id", "object_id", "address", "request_id", "details"] {
        let error = database.execute(&format!("UPDATE audit_log SET {column} = 'another'")).unwrap_err();
        assert!(error.contains("append-only"), "{column}: {error}");
    }
    let upsert = "INSERT INTO audit_log (id, actor, action, object_id) SELECT id, 'command_line', action, 'another'
                  FROM audit_log WHERE true ON CONFLICT (id) DO UPDATE SET object_id = excluded.object_id";
    assert!(database.execute(upsert).unwrap_err().contains("append-only"));
    assert_eq!(everything(&database), before);
    server.close().await;
}

fn everything(database: &Rows) -> Vec<String> {
    let columns = "id, actor, action, workspace_id, object_id, address, request_id, details";
    let (sqlite, postgres) = (format!("json_array({columns})"), format!("jsonb_build_array({columns})"));
    let rows = database.texts(&format!("SELECT {} FROM audit_log ORDER BY id", database.choose(&sqlite, &postgres)));
    assert!(!rows.is_empty());
    rows
}
