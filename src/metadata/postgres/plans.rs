//! A test of the plans of all statements on large tables: no plan scans a growing table or index, except those listed
//! here.

use super::super::growing_tables::{GROWING, has_plan};
use super::endpoint::Endpoint;
use super::store::PostgresStore;
use super::{statements, tls};
use crate::clock::Clock;
use crate::metadata::contract;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_postgres::{Client, SimpleQueryMessage};
use venna_testkit::postgres::Database;

/// The time limit of requests, however busy the machine is.
const LONG_TIME_LIMIT: Duration = Duration::from_mins(1);

/// Fills the tables with the rows of a larger installation, for the statistics of the planner.
const FILL: &str = "
    SET session_replication_role = replica;
    INSERT INTO workspaces (id, name, archived_at)
        SELECT 'w' || n, 'name ' || n, CASE WHEN n % 10 = 0 THEN n END FROM generate_series(1, 2000) n;
    INSERT INTO api_keys (id, workspace_id, scopes, redacted, name, revoked_at)
        SELECT 'k' || n, 'w' || n % 2000, '', '', '', CASE WHEN n % 3 = 0 THEN n END FROM generate_series(1, 6000) n;
    INSERT INTO key_secrets (digest, key_id)
        SELECT decode(md5(n::text), 'hex'), 'k' || n FROM generate_series(1, 6000) n;
    INSERT INTO persons (id, issuer, subject, last_signed_in_at)
        SELECT 'u' || n, 'i', 's' || n, n FROM generate_series(1, 6000) n;
    INSERT INTO links (id, workspace_id, key_id, kind, file_id, one_time, expires_at)
        SELECT 'link_' || g, 'ws_' || g % 1000, 'key_' || g, 'download', 'file-' || g, 0, g FROM generate_series(1, 20000) g;
    INSERT INTO sessions (id, digest, actor, last_used_at, expires_at, ends_at)
        SELECT 's' || lpad(n::text, 9, '0'), decode(md5(n::text), 'hex'), 'u' || n % 500, n, n, n FROM generate_series(1, 9000) n;
    INSERT INTO limits (owner_id, name, value)
        SELECT 'w' || n % 2000, 'limit ' || n / 2000, n FROM generate_series(1, 6000) n;
    INSERT INTO default_expiries (workspace_id, purpose, lives_seconds)
        SELECT 'w' || n % 2000, 'purpose ' || n / 2000, n FROM generate_series(1, 6000) n;
    INSERT INTO blobs (id, workspace_id, process_id, state, size_bytes, sha256, checksums)
        SELECT md5('b' || n), 'w' || n % 2000, 'p',
            CASE n % 500 WHEN 0 THEN 'pending' WHEN 1 THEN 'deleting' ELSE 'ready' END, n, '', ''
        FROM generate_series(1, 20000) n;
    INSERT INTO files (workspace_id, id, blob_id, purpose, filename, size_bytes, expires_at)
        SELECT 'w' || n % 200, 'f' || lpad(n::text, 9, '0'), md5('b' || n), 'purpose ' || n % 6, 'name', n,
            CASE WHEN n % 3 = 0 THEN n END FROM generate_series(1, 16000) n;
    INSERT INTO file_parts (workspace_id, file_id, position, blob_id, size_bytes)
        SELECT 'w' || n / 20 % 200, 'f' || lpad((n / 20)::text, 9, '0'), n % 20, md5('b' || n), n
        FROM generate_series(1, 10000) n;
    INSERT INTO uploads (workspace_id, id, size_bytes, filename, purpose, expires_at, status)
        SELECT 'w' || n % 200, 'u' || n, n, 'name', 'batch', n, CASE WHEN n % 20 = 0 THEN 'pending' ELSE 'completed' END
        FROM generate_series(1, 20000) n;
    INSERT INTO parts (id, workspace_id, upload_id, blob_id, size_bytes, sha256)
        SELECT 'p' || n, 'w' || n / 20 % 200, 'u' || n / 20, md5('b' || n), n, '' FROM generate_series(1, 20000) n;
    INSERT INTO answers (workspace_id, key, request, answer, made_at)
        SELECT 'w' || n % 200, 'key ' || n, '', '', n FROM generate_series(1, 20000) n;
    INSERT INTO audit_log (seq, id, actor, action, workspace_id, object_id)
        SELECT CASE WHEN n < 15900 THEN 1000000 + n END, 'a' || lpad(n::text, 9, '0'), 'k' || n % 500,
            CASE WHEN n % 20 = 0 THEN 'project.created' ELSE 'resource.deleted' END, 'w' || n % 200, 'f' || n
        FROM generate_series(1, 16000) n;
    INSERT INTO ledger (seq, event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count)
        SELECT CASE WHEN n < 19500 THEN 1000000 + n END, 'st+:f' || lpad(n::text, 9, '0'), n * 10,
            CASE n % 300 WHEN 0 THEN 'adjustment' WHEN 1 THEN 'end' ELSE 'create' END, 'w' || n % 200, 'k' || n % 500,
            'purpose ' || n % 6, 'f' || n, n, 1 FROM generate_series(1, 20000) n;
    INSERT INTO ledger (seq, event_id, ts, fact, workspace_id, api_key_id, purpose, bytes, count)
        SELECT 2000000 + n, 'rd:' || n, n * 10, 'list', 'w' || n % 200, 'k' || n % 500, NULL, 0, 1
        FROM generate_series(1, 20000) n;
    INSERT INTO ledger_merges (workspace_id, ts, seq) SELECT 'w' || n, n, 2000000 + n FROM generate_series(1, 200) n
        ON CONFLICT DO NOTHING;
    INSERT INTO outbox (message_id, sink, content_type, body, created_at, acknowledged_at)
        SELECT 'm' || n, 'sink ' || n % 2, '', '', n, CASE WHEN n % 20 > 0 THEN n END FROM generate_series(1, 20000) n;
    INSERT INTO usage_hourly
        SELECT 'w' || n % 200, n / 1000 * 3600, 'k' || n % 500, 'purpose ' || n % 6, 1, 1, 1, 1, 1, 1, 1
        FROM generate_series(1, 20000) n ON CONFLICT DO NOTHING;
    INSERT INTO usage_hourly_totals SELECT 'w' || n % 200, n / 200 * 3600, '', '', 1, 1, 1, 1, 1, 1, 1
        FROM generate_series(1, 16000) n ON CONFLICT DO NOTHING;
    SET session_replication_role = origin;
    ANALYZE;
    SET plan_cache_mode = force_custom_plan;
    SET enable_seqscan = off;
    SET jit = off";

/// Allowed scans of a whole table or index: a text of the statement, the table or index, and the reason.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("DELETE FROM usage_hourly", "usage_hourly", "the cache is forgotten as a whole, on the command line"),
    (
        "FROM api_keys k WHERE k.person_id IS NULL ORDER BY k.id",
        "api_keys_pkey",
        "every key, for the command line and the first start",
    ),
    (
        "sum(stored_bytes), 0)::bigint FROM workspaces",
        "workspaces",
        "each workspace once: the bytes of a pass of the scrub",
    ),
    ("SELECT 1 FROM sessions LIMIT $1", "sessions_by_end", "a count up to the limit of sessions"),
    ("LIMIT 1", "_pkey", "the first entry of the index"),
    ("min(expires_at)", "files_overdue", "the first entry of the index"),
    ("LIMIT 1", "parts_id_key", "the first entry of the index"),
    ("b.state = 'pending'", "blobs_pending", "every pending blob"),
    ("seq IS NULL", "_unnumbered", "rows that came since the last pass of the sweep"),
    ("min((SELECT min(l.ts)", "workspaces_pkey", "each workspace once, before the first export"),
    ("ANY(ARRAY(SELECT id FROM workspaces))", "workspaces_pkey", "each workspace once: the minutes of all workspaces"),
    (
        "AND $1::text[] IS NULL",
        "ledger_event_id_key",
        "Files of all workspaces that have expired and are not swept yet",
    ),
    ("min(nullif(deleted_at, 0))", "blobs_due", "what waits for the sweep, up to a limit"),
    ("LIMIT 50) t", "_pkey", "the first page of fsck"),
    ("LIMIT 1000) t", "_pkey", "the first page of fsck"),
    ("LIMIT 1000) t LEFT JOIN ledger", "ledger_event_id_key", "a page of fsck costs as much as this small ledger"),
];

/// Required indexes: a text of the statement, and the index.
const REQUIRED: &[(&str, &str)] = &[
    ("f.purpose = $3 ORDER BY f.id", "files_by_purpose"),
    ("ORDER BY lower(f.filename)", "files_by_name"),
    ("workspace_id = $2 ORDER BY seq", "ledger_by_workspace"),
    ("<> 'adjustment' AND workspace_id = ANY($1) AND ts >=", "ledger_by_workspace_time"),
    ("fact = 'adjustment' AND workspace_id = ANY($1)", "ledger_adjustments_by_workspace"),
    ("actor = v.value", "audit_log_by_actor"),
    ("object_id = v.value", "audit_log_by_object"),
    ("b.state = 'pending'", "blobs_pending"),
    ("(deleted_at, id) >", "blobs_due"),
    ("AND (ts + 0, seq) > ($2, $3) AND ts + 0 < $4", "ledger_reads"),
    ("AND (l.ts + 0, l.seq) > (coalesce(m.ts, 0)", "ledger_reads"),
    ("max(acknowledged_at)", "outbox_acknowledged_by_sink"),
    ("l.name = $1", "limits_by_name"),
    ("WHERE f.blob_id = t.id", "files_by_blob"),
];

/// Returns a value for a parameter: NULL for one that the statement compares with NULL.
fn value(sql: &str, place: usize, kind: &str) -> String {
    match kind {
        _ if sql.contains(&format!("${place}::{kind} IS NULL")) => format!("NULL::{kind}"),
        "text" => "'w7'".to_owned(),
        "text[]" => "ARRAY['w7']".to_owned(),
        "bytea" => "'\\x00'::bytea".to_owned(),
        "bigint" => "100".to_owned(),
        other => format!("NULL::{other}"),
    }
}

/// Adds every scan of a whole table or index, and the name of every index that the plan uses.
fn scans(node: &Value, found: &mut Vec<String>, indexes: &mut BTreeSet<String>) {
    let text = |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default();
    let (kind, table, index) = (text("Node Type"), text("Relation Name"), text("Index Name"));
    indexes.insert(index.to_owned());
    let grows = GROWING.contains(&table) || kind == "Bitmap Index Scan";
    let whole = kind == "Seq Scan" || (!index.is_empty() && text("Index Cond").is_empty());
    if grows && whole {
        found.push(if index.is_empty() { table.to_owned() } else { index.to_owned() });
    }
    for child in node.get("Plans").and_then(Value::as_array).into_iter().flatten() {
        scans(child, found, indexes);
    }
}

/// Fills the tables with one row for each workspace, for statistics that know no large workspace.
const FILL_SMALL: &str = "
    SET session_replication_role = replica;
    DELETE FROM ledger;
    INSERT INTO files (workspace_id, id, blob_id, purpose, filename, size_bytes, expires_at)
        SELECT 'w' || n, 'f' || lpad(n::text, 9, '0'), md5('b' || n), 'purpose ' || n % 6, 'name', n,
            CASE WHEN n % 3 = 0 THEN n END FROM generate_series(1, 10000) n;
    INSERT INTO uploads (workspace_id, id, size_bytes, filename, purpose, expires_at, status)
        SELECT 'w' || n, 'u' || n, n, 'name', 'batch', n, 'completed' FROM generate_series(1, 10000) n;
    INSERT INTO ledger (seq, event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count)
        SELECT n, 'st+:f' || lpad(n::text, 9, '0'), n * 10, 'create', 'w' || n, 'k', 'purpose', 'f' || n, n, 1
        FROM generate_series(1, 10000) n;
    ANALYZE;
    SET plan_cache_mode = force_custom_plan";

/// Required indexes whatever the statistics say of workspaces: a text of the statement, and the index.
const REQUIRED_ALWAYS: &[(&str, &str)] = &[
    ("now_ms() / 1000) AND f.id = $2", "files_pkey"),
    ("f.id = ANY($2)", "files_pkey"),
    ("f.purpose = $3 ORDER BY f.id", "files_by_purpose"),
    ("workspace_id = $2 ORDER BY seq", "ledger_by_workspace"),
];

#[tokio::test(flavor = "multi_thread")]
async fn statistics_of_small_workspaces_mislead_no_plan() {
    let Some(database) = Database::fresh("plans after statistics of small workspaces") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = PostgresStore::open(&database.url, clock.clone(), LONG_TIME_LIMIT).await.unwrap();
    contract::holds(&store, &clock).await;
    contract::every_question(&store).await;
    let client = connect(&database).await;
    client.batch_execute(FILL_SMALL).await.unwrap();
    let (mut faults, mut required) = (Vec::new(), BTreeSet::new());
    for (sql, plan) in plans(&client).await {
        let mut indexes = BTreeSet::new();
        scans(&plan, &mut Vec::new(), &mut indexes);
        check_indexes(REQUIRED_ALWAYS, &sql, &indexes, &mut required, &mut faults);
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(required.len(), REQUIRED_ALWAYS.len(), "statements that were looked for: {required:?}");
}

/// Notes which entries of the list apply to a statement, and a fault for each index that its plan does not use.
fn check_indexes(
    list: &[(&str, &str)],
    sql: &str,
    used: &BTreeSet<String>,
    required: &mut BTreeSet<usize>,
    faults: &mut Vec<String>,
) {
    for (place, (_, index)) in list.iter().enumerate().filter(|(_, (text, _))| sql.contains(text)) {
        required.insert(place);
        if !used.contains(*index) {
            faults.push(format!("does not use {index} but {used:?}\n    {sql}"));
        }
    }
}

async fn connect(database: &Database) -> Client {
    let endpoint: Endpoint = database.url.parse().unwrap();
    let (client, connection) = endpoint.config.connect(tls::connector(&endpoint).unwrap()).await.unwrap();
    drop(tokio::spawn(connection));
    client
}

/// Returns the plan of every statement that tests have prepared, each with its text in one line.
async fn plans(client: &Client) -> Vec<(String, Value)> {
    let mut plans = Vec::new();
    for sql in statements::seen().into_iter().filter(|sql| has_plan(sql)) {
        // Other tests have tables of their own.
        if client.batch_execute(&format!("PREPARE looked_at AS {sql}")).await.is_err() {
            continue;
        }
        let types =
            "SELECT coalesce(parameter_types, '{}')::text[] FROM pg_prepared_statements WHERE name = 'looked_at'";
        let types: Vec<String> = client.query_one(types, &[]).await.unwrap().get(0);
        let values = (1..).zip(&types).map(|(place, kind)| value(&sql, place, kind)).collect::<Vec<_>>();
        let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE looked_at{values}");
        let answer = client.simple_query(&explain).await.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
        let lines = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        let mut plan: Value = lines.collect::<String>().parse().unwrap();
        client.batch_execute("DEALLOCATE looked_at").await.unwrap();
        plans.push((sql.split_whitespace().collect::<Vec<_>>().join(" "), plan[0]["Plan"].take()));
    }
    plans
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_more_than_it_concerns() {
    let Some(database) = Database::fresh("the plans of statements") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = PostgresStore::open(&database.url, clock.clone(), LONG_TIME_LIMIT).await.unwrap();
    contract::holds(&store, &clock).await;
    contract::every_question(&store).await;
    let Some(other) = Database::fresh("the plans of statements of the ledger") else { return };
    let other = PostgresStore::open(&other.url, clock.clone(), LONG_TIME_LIMIT).await.unwrap();
    contract::ledger::usage_is_what_happened(&other, &clock, 50, 17).await;
    contract::ledger::reads_are_entered_once(&other, &clock).await;
    contract::ledger::corrections_are_entered_once(&other).await;
    contract::read_merges::old_reads_are_merged(&other, &clock).await;
    let Some(other) = Database::fresh("the plans of statements of the export") else { return };
    contract::export::holds(&PostgresStore::open(&other.url, clock.clone(), LONG_TIME_LIMIT).await.unwrap(), &clock)
        .await;

    let client = connect(&database).await;
    client.batch_execute(FILL).await.unwrap();
    let (mut faults, mut required, mut explained) = (Vec::new(), BTreeSet::new(), 0);
    for (sql, plan) in plans(&client).await {
        explained += 1;
        let (mut whole, mut indexes) = (Vec::new(), BTreeSet::new());
        scans(&plan, &mut whole, &mut indexes);
        for scanned in whole {
            let allowed = |(text, name, _): &(&str, &str, &str)| sql.contains(text) && scanned.contains(name);
            if !ALLOWED.iter().any(allowed) {
                faults.push(format!("scans {scanned}\n    {sql}"));
            }
        }
        check_indexes(REQUIRED, &sql, &indexes, &mut required, &mut faults);
    }
    assert!(explained > 80, "{explained} statements were looked at");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(required.len(), REQUIRED.len(), "statements that were looked for: {required:?}");
}
