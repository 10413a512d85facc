//! Every fixture is upgraded by the program: all rows are there, all files are served, and the bill is the same.

use super::fixture::Fixture;
use super::life::{ADMIN_KEY, EXPIRING, ONCE, PART_BYTES, PENDING, RESEARCH_KEY, content, create, post};
use super::store::{Row, Store, TableRows};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use venna::model::ids::FileId;
use venna_testkit::program::Client;

/// The first schema with recorded answers to requests that have an `Idempotency-Key`.
const ANSWERS: u32 = 6;
/// The first schema with keys that have scopes and several secrets, and the table that has the secrets since then.
const SCOPES: u32 = 8;
/// The first schema with a ledger.
const LEDGER: u32 = 11;
/// The first schema with corrections of the bill.
const ADJUSTMENTS: u32 = 12;
/// The first schema with signed links.
const LINKS: u32 = 38;
/// The length of a bucket of usage in seconds.
const MINUTE_SECONDS: u64 = 60;

/// The line items of a workspace.
type Bill = BTreeMap<&'static str, i64>;

#[test]
fn installations_on_sqlite_arrive_whole() {
    Fixture::all(Store::Sqlite).iter().for_each(arrives);
}

#[test]
fn installations_on_postgresql_arrive_whole() {
    Fixture::all(Store::Postgres).iter().for_each(arrives);
}

fn arrives(fixture: &Fixture) {
    let Some(installation) = fixture.install() else { return };
    println!("schema {} of {:?}", fixture.schema, fixture.store);
    let before = installation.tables();
    assert_eq!(installation.schema(), fixture.schema);
    installation.output(&["upgrade"]);
    let newest = Fixture::all(fixture.store).last().unwrap().schema;
    assert_eq!(installation.schema(), newest);
    let after = installation.tables();
    assert_rows_stay(fixture.schema, &before, &after);
    assert_eq!(installation.output(&["fsck", "--json"]), "", "no finding");

    let server = installation.serve();
    let first = server.client(&installation.key("first-key"));
    let (bill, end) = expected_bill(fixture.schema, &before);
    wait_for(end);
    assert_eq!(usage(&first, &before, end), bill, "the bill is the same");
    assert_files(&first, &before, &workspace(&before, "default"));
    assert_files(&first.with_key(&installation.key(RESEARCH_KEY)), &before, &workspace(&before, "research"));
    complete_pending(&first, &before);
    if fixture.schema >= ANSWERS {
        let again = create(&first.once(ONCE.0), "user_data", ONCE.1, &content(ONCE.1, 45), &[]);
        assert!(again.is_replay, "answered as before the upgrade: {}", again.json());
        assert_eq!(again.id(), text(&file_named(&before, ONCE.1)["id"]));
    }
    if fixture.schema >= LINKS {
        let listed = first.send("GET", "/v1/links").unwrap().json();
        let kinds: BTreeSet<_> =
            listed["data"].as_array().unwrap().iter().map(|link| link["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, BTreeSet::from(["download", "upload"]));
    }
    if fixture.schema >= ADJUSTMENTS {
        let admin = first.with_key(&installation.key(ADMIN_KEY));
        assert_eq!(admin.send("GET", "/v1/organization/audit_logs").unwrap().status, 200);
    }
    drop(server);
    assert_eq!(installation.output(&["fsck", "--json"]), "", "no finding after a server has worked on it");
}

/// Asserts that each row of the earlier schema is there, in each of its columns that is left. Tables gain rows, and
/// columns, by migrations alone.
fn assert_rows_stay(schema: u32, before: &TableRows, after: &TableRows) {
    for (table, rows) in before {
        let there = &after[table];
        let is_left = |column: &String| there.first().is_none_or(|row| row.contains_key(column));
        let project = |rows: &[Row], columns: &BTreeSet<&String>| {
            let part = |row: &Row| -> Row {
                row.iter().filter(|(name, _)| columns.contains(name)).map(|(a, b)| (a.clone(), b.clone())).collect()
            };
            let mut parts: Vec<Row> = rows.iter().map(part).collect();
            parts.sort();
            parts
        };
        let columns: BTreeSet<&String> = rows.iter().flat_map(Row::keys).filter(|column| is_left(column)).collect();
        let dropped: BTreeSet<&String> = rows.iter().flat_map(Row::keys).filter(|column| !is_left(column)).collect();
        if table == "api_keys" && schema < SCOPES {
            assert_eq!(dropped.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["digest"], "in key_secrets now");
            assert_eq!(after["key_secrets"].len(), rows.len());
        } else {
            assert!(dropped.is_empty(), "{table} has lost {dropped:?}");
        }
        let (mut expected, found) = (project(rows, &columns), project(there, &columns));
        if table == "schema_migrations" {
            expected.extend(found.iter().filter(|row| number(&row["number"]) > i64::from(schema)).cloned());
            expected.sort();
        }
        assert_eq!(found, expected, "the rows of {table}");
    }
}

/// Returns the bill of the default workspace at the end of the minute in which the fixture was recorded, from its rows
/// alone, and that end as a Unix second.
fn expected_bill(schema: u32, before: &TableRows) -> (Bill, u64) {
    let owner = workspace(before, "default");
    let created_at = |file: &Row| text(&file["id"]).parse::<FileId>().unwrap().created_at();
    let files = || before["files"].iter().filter(|row| text(&row["workspace_id"]) == owner);
    let newest = before["files"].iter().map(created_at);
    let rows = before.get("ledger").into_iter().flatten();
    let times = rows.clone().map(|row| number(&row["ts"]).try_into().unwrap()).chain(newest);
    let end = (times.max().unwrap() + 1).next_multiple_of(MINUTE_SECONDS);
    let mut bill = Bill::from([("a", 0), ("b", 0), ("in", 0), ("out", 0), ("storage", 0)]);
    let mut add = |item, quantity: i64| *bill.get_mut(item).unwrap() += quantity;
    let stored = |bytes: i64, since: i64| bytes * (i64::try_from(end).unwrap() - since);
    if schema < LEDGER {
        for file in files() {
            add("storage", stored(number(&file["size_bytes"]), i64::try_from(created_at(file)).unwrap()));
        }
        return (bill, end);
    }
    for row in rows.filter(|row| text(&row["workspace_id"]) == owner) {
        let (bytes, count) = (number(&row["bytes"]), number(&row["count"]));
        match text(&row["fact"]) {
            "list" => add("a", count),
            "retrieve" => add("b", count),
            "content" => {
                add("b", count);
                add("out", bytes);
            }
            fact => {
                add("storage", stored(bytes, number(&row["ts"])));
                if matches!(fact, "create" | "complete") {
                    add("a", count);
                    add("in", bytes);
                }
            }
        }
    }
    (bill, end)
}

/// Returns the bill of the client's workspace from the oldest fact until a whole minute, as the API tells it.
fn usage(client: &Client, before: &TableRows, end: u64) -> Bill {
    let oldest = before["files"].iter().map(|file| text(&file["id"]).parse::<FileId>().unwrap().created_at());
    let start = oldest.min().unwrap() / MINUTE_SECONDS * MINUTE_SECONDS;
    let query = format!("start_time={start}&end_time={end}&bucket_width=1m&limit=1440");
    let page = client.send("GET", &format!("/v1/organization/usage/files?{query}")).unwrap().json();
    assert_eq!(page["has_more"], false, "{page}");
    let buckets = page["data"].as_array().unwrap().iter();
    let results: Vec<_> = buckets.flat_map(|bucket| bucket["results"].as_array().unwrap().clone()).collect();
    let sum = |field: &str| -> i64 {
        let value = |result: &serde_json::Value| {
            result[field].as_i64().unwrap_or_else(|| result[field].as_str().unwrap().parse().unwrap())
        };
        results.iter().map(value).sum()
    };
    Bill::from([
        ("a", sum("ops_class_a")),
        ("b", sum("ops_class_b")),
        ("in", sum("input_bytes")),
        ("out", sum("output_bytes")),
        ("storage", sum("byte_seconds")),
    ])
}

/// Asserts that the client sees its files with the fields that they had, and downloads their bytes.
fn assert_files(client: &Client, before: &TableRows, owner: &str) {
    let list = client.send("GET", "/v1/files?limit=1000&order=asc").unwrap().json();
    let served = |name: &&serde_json::Value| name["filename"] != EXPIRING;
    let served: Vec<&serde_json::Value> = list["data"].as_array().unwrap().iter().filter(served).collect();
    let mut rows: Vec<&Row> = before["files"].iter().filter(|row| text(&row["workspace_id"]) == owner).collect();
    rows.retain(|row| text(&row["filename"]) != EXPIRING);
    rows.sort_by_key(|row| row["id"].clone());
    assert_eq!(served.len(), rows.len(), "{list}");
    for (file, row) in served.into_iter().zip(rows) {
        let (id, name) = (text(&row["id"]), text(&row["filename"]));
        let size = usize::try_from(number(&row["size_bytes"])).unwrap();
        assert_eq!((file["id"].as_str(), file["filename"].as_str()), (Some(id), Some(name)));
        assert_eq!(
            (file["bytes"].as_u64(), file["purpose"].as_str()),
            (Some(size as u64), Some(text(&row["purpose"])))
        );
        assert_eq!(file["expires_at"].as_i64(), optional_number(&row["expires_at"]), "{file}");
        assert_eq!(file["created_at"].as_u64().unwrap(), id.parse::<FileId>().unwrap().created_at());
        let details = row.get("status_details").is_some_and(|details| !is_null(details));
        assert_eq!(file["status"], if details { "error" } else { "processed" }, "{file}");
        let retrieved = client.send("GET", &format!("/v1/files/{id}")).unwrap().json();
        assert_eq!(&retrieved, file);
        let downloaded = client.send("GET", &format!("/v1/files/{id}/content")).unwrap();
        assert_eq!((downloaded.status, downloaded.body.len()), (200, size), "{name}");
        if let Some(expected) = known_content(name, size) {
            assert!(downloaded.body == expected, "{name}");
        }
    }
}

/// Returns the content of a file by its name, for the files that have their name as content.
fn known_content(name: &str, size: usize) -> Option<Vec<u8>> {
    let of_parts = || PART_BYTES.iter().flat_map(|part| content(name, *part)).collect();
    match name {
        "joined.txt" => Some(of_parts()),
        _ => std::path::Path::new(name).extension().filter(|end| *end == "txt").map(|_| content(name, size)),
    }
}

/// Completes the Upload whose parts came before the upgrade.
fn complete_pending(client: &Client, before: &TableRows) {
    let pending = |row: &&Row| text(&row["filename"]) == PENDING;
    let upload = before["uploads"].iter().find(pending).unwrap();
    let mut parts: Vec<&Row> = before["parts"].iter().filter(|part| part["upload_id"] == upload["id"]).collect();
    parts.sort_by_key(|part| number(&part["seq"]));
    let ids: Vec<&str> = parts.iter().map(|part| text(&part["id"])).collect();
    let path = format!("/v1/uploads/{}/complete", text(&upload["id"]));
    let completed = post(client, &path, &serde_json::json!({"part_ids": ids}));
    assert_eq!(completed.status, 200, "{}", completed.json());
    let file = completed.json()["file"]["id"].as_str().unwrap().to_owned();
    let downloaded = client.send("GET", &format!("/v1/files/{file}/content")).unwrap();
    let expected: Vec<u8> = PART_BYTES.iter().flat_map(|part| content(PENDING, *part)).collect();
    assert!(downloaded.body == expected, "the bytes of its parts");
}

fn file_named<'a>(before: &'a TableRows, name: &str) -> &'a Row {
    before["files"].iter().find(|row| text(&row["filename"]) == name).unwrap()
}

fn workspace(before: &TableRows, name: &str) -> String {
    let row = before["workspaces"].iter().find(|row| text(&row["name"]) == name).unwrap();
    text(&row["id"]).to_owned()
}

/// Waits until a Unix second: a fixture that was recorded a moment ago has a minute that is not over.
fn wait_for(second: u64) {
    while SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() < second {
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Returns a text of a row: quoted once by JSON, and once more by SQLite.
fn text(value: &str) -> &str {
    value.trim_matches('"').trim_matches('\'')
}

fn number(value: &str) -> i64 {
    text(value).parse().unwrap()
}

fn is_null(value: &str) -> bool {
    matches!(value, "null" | "\"NULL\"")
}

fn optional_number(value: &str) -> Option<i64> {
    (!is_null(value)).then(|| number(value))
}
