//! A test of the plans of all statements: none reads more rows than it concerns, but for those that are named here.

use super::connection::connect;
use super::store::{Opener, SqliteStore};
use super::{checks, statements};
use crate::clock::Clock;
use crate::metadata::contract;
use crate::metadata::growing_tables::{GROWING, has_plan};
use crate::metadata::migrations;
use crate::metadata::rules::checks::CHECKS;
use std::collections::BTreeSet;

/// A step of a plan that is allowed although it may read many rows: what the statement contains, the beginning of the
/// step, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    // Pages in the order of an index: LIMIT ends them, and no row of the index is passed over.
    ("FROM workspaces w LEFT JOIN ledger_merges", "SEARCH w USING PRIMARY KEY (id>?)", "a page"),
    ("FROM ledger_merges WHERE workspace_id = ?1", "SEARCH ledger_merges", "one row"),
    ("WHERE id > ?1 ORDER BY id LIMIT", "SEARCH workspaces USING PRIMARY KEY (id>?)", "a page"),
    ("INDEXED BY workspaces_not_archived", "SEARCH workspaces USING INDEX workspaces_not_archived (id>?)", "a page"),
    ("?4 IS NULL ORDER BY id ASC LIMIT", "SEARCH files USING PRIMARY KEY (workspace_id=?)", "a page"),
    ("?4 IS NULL ORDER BY id DESC LIMIT", "SEARCH files USING PRIMARY KEY (workspace_id=?)", "a page"),
    ("?2 IS NULL ORDER BY seq LIMIT", "SEARCH ledger USING INTEGER PRIMARY KEY (rowid>?)", "a page"),
    ("ORDER BY seq DESC LIMIT 1", "SCAN ledger", "the newest row, which is the last of the key"),
    ("SELECT max(seq), count(*)", "SEARCH ledger USING INTEGER PRIMARY KEY (rowid>?)", "a step of the roll-up"),
    ("AND seq > ?1 AND seq <= ?2", "SEARCH ledger USING INTEGER PRIMARY KEY (rowid>?", "a step of the roll-up"),
    (
        "FROM ledger WHERE seq > ?1 ORDER BY seq LIMIT",
        "SEARCH ledger USING INTEGER PRIMARY KEY (rowid>?)",
        "up to a limit",
    ),
    (
        "min(nullif(deleted_at, 0))",
        "SCAN blobs USING COVERING INDEX blobs_due",
        "what waits for the sweep, up to a limit",
    ),
    ("WHERE id < ?1 ORDER BY id LIMIT", "SEARCH audit_log USING PRIMARY KEY (id<?)", "a step of the sweep"),
    (
        "made_at <= ?1 ORDER BY made_at LIMIT",
        "SEARCH answers USING COVERING INDEX answers_by_age",
        "a step of the sweep",
    ),
    (
        "FROM blobs WHERE state = 'deleting' AND (deleted_at, id) >",
        "SEARCH blobs USING COVERING INDEX blobs_due (",
        "a step of the sweep, in the order of the index",
    ),
    (
        "WHERE id > ?1 AND state = 'ready' ORDER BY id LIMIT",
        "SEARCH blobs USING INDEX",
        "a page: only blobs that are not ready are passed over",
    ),
    ("ORDER BY owner_id LIMIT", "SEARCH releases USING PRIMARY KEY (workspace_id=?)", "a step of the sweep"),
    (
        "ORDER BY workspace_id LIMIT 1",
        "SEARCH releases USING PRIMARY KEY (workspace_id>?)",
        "the first entry of the key",
    ),
    ("WHERE true ORDER BY id DESC LIMIT", "SCAN audit_log", "a page"),
    ("ORDER BY id DESC LIMIT 1", "SCAN audit_log", "the newest entry, which is the last of the key"),
    (
        "SELECT min(expires_at) FROM files",
        "SEARCH files USING COVERING INDEX files_by_expiry",
        "the first entry of the index",
    ),
    ("SELECT min(workspace_id)", "S", "the first entry of the index"),
    ("SELECT min(l.ts)", "S", "the first entry of the index, for each workspace"),
    (
        "ORDER BY id DESC LIMIT ?",
        "SEARCH audit_log USING INDEX audit_log_by_workspace (workspace_id=?)",
        "a page; a further filter passes over entries of the workspace alone",
    ),
    ("LIMIT ?2)", "SEARCH files USING PRIMARY KEY (workspace_id=?)", "a step of a purge"),
    ("WHERE workspace_id = ?1", "SEARCH api_keys USING", "the end of a purge: the keys of one workspace"),
    (
        "DELETE FROM default_expiries WHERE workspace_id = ?1",
        "SEARCH default_expiries",
        "the end of a purge: a row for each purpose",
    ),
    (
        "DELETE FROM answers WHERE workspace_id = ?1",
        "SEARCH answers",
        "the end of a purge: a day of answers of one workspace",
    ),
    ("DELETE FROM uploads WHERE workspace_id = ?1", "SEARCH uploads", "the end of a purge"),
    (
        "<> 'pending' AND expires_at <= ?1 ORDER BY expires_at LIMIT",
        "SEARCH uploads USING INDEX uploads_ended",
        "a step of the sweep",
    ),
    ("FROM persons WHERE id > ?1 ORDER BY id LIMIT", "SEARCH persons USING PRIMARY KEY (id>?)", "a page"),
    ("DELETE FROM links WHERE id IN", "SEARCH links USING COVERING INDEX links_by_expiry", "a step of the sweep"),
    ("DELETE FROM links WHERE id IN", "SEARCH links USING COVERING INDEX links_by_workspace", "a step of a purge"),
    ("FROM sessions WHERE ?4 IS NULL AND id < ?1", "SEARCH sessions USING PRIMARY KEY (id<?)", "a page"),
    (
        "ends_at <= ?1 ORDER BY ends_at LIMIT",
        "SEARCH sessions USING COVERING INDEX sessions_by_end",
        "a step of the sweep",
    ),
    ("SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT ?1)", "SCAN sessions", "a count up to the limit of sessions"),
    // Whatever is there is asked for.
    (
        "sum(stored_bytes), 0) FROM workspaces",
        "SCAN workspaces",
        "each workspace once: the bytes of a pass of the scrub",
    ),
    ("WHERE workspace_id = ?1 ORDER BY purpose", "SEARCH default_expiries", "a row for each purpose"),
    ("FROM blobs WHERE state = 'pending'", "SCAN blobs USING COVERING INDEX blobs_pending", "every pending blob"),
    (
        "FROM api_keys k WHERE k.person_id IS NULL ORDER BY k.id",
        "SCAN k",
        "every key, for the command line and the first start",
    ),
    (
        "ledger NOT INDEXED WHERE fact <> 'adjustment' AND true AND seq >",
        "SEARCH ledger USING INTEGER PRIMARY KEY (rowid>?",
        "rows of all workspaces since the last roll-up, for the administration",
    ),
    ("WHERE true AND hour <", "SCAN usage_hourly", "the usage of all workspaces, for the administration"),
    (
        "INDEXED BY ledger_adjustments WHERE fact = 'adjustment' AND true",
        "SCAN ledger USING INDEX ledger_adjustments",
        "corrections of all workspaces, for the administration",
    ),
    (
        "INDEXED BY files_by_expiry",
        "SEARCH files USING INDEX files_by_expiry (expires_at<?)",
        "Files of all workspaces that have expired and are not swept yet",
    ),
    (
        "WHERE seq > ?1 AND seq <= ?4 AND ts < ?2 ORDER BY seq LIMIT",
        "SEARCH ledger USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        "rows since the last export, once an hour",
    ),
    // Pages of fsck begin at their key, all columns of it, and LIMIT ends them.
    (" t ORDER BY t.", "SCAN t", "the first page of fsck, or the rows of any"),
    ("> (?1, ?2) ORDER BY t.", "SEARCH t USING PRIMARY KEY ((workspace_id,", "a page of fsck"),
    ("> (?1) ORDER BY t.", "SEARCH t USING", "a page of fsck"),
    ("> (?1", "SCAN t", "the rows of a page of fsck"),
    ("u.workspace_id = t.id", "SEARCH u USING", "fsck adds up the Uploads of one workspace"),
    (
        "ORDER BY expires_at, workspace_id LIMIT",
        "SEARCH files USING COVERING INDEX files_by_expiry",
        "a step of the sweep",
    ),
    (
        "ORDER BY expires_at, workspace_id LIMIT",
        "SEARCH uploads USING COVERING INDEX uploads_by_expiry",
        "a step of the sweep",
    ),
    ("f.workspace_id = t.id", "SEARCH f USING", "fsck adds up the Files of one workspace"),
];

/// Returns why a step of a plan may read rows that its statement does not concern.
fn fault(step: &str) -> Option<&'static str> {
    if step.starts_with("USE TEMP B-TREE FOR ORDER BY") || step.starts_with("USE TEMP B-TREE FOR LAST") {
        return Some("sorts rows");
    }
    let mut words = step.split(' ');
    let (verb, table) = (words.next()?, words.next()?);
    // Statements call a growing table by a letter.
    if !GROWING.contains(&table) && table.len() > 1 {
        return None;
    }
    if verb == "SCAN" {
        return Some("scans a table");
    }
    let keys = step.rsplit_once(" (")?.1;
    if !keys.contains("=?") {
        return Some("searches a range of all rows");
    }
    (keys == "workspace_id=?)").then_some("reads all rows of a workspace")
}

/// Returns the steps of a plan.
fn steps(explain: &mut rusqlite::Statement<'_>) -> Vec<String> {
    let values = rusqlite::params_from_iter(vec![rusqlite::types::Null; explain.parameter_count()]);
    let steps = explain.query_map(values, |row| row.get(3)).unwrap();
    steps.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn a_page_of_fsck_begins_at_its_key_however_many_rows_share_the_first_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venna.db");
    drop(SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap());
    let connection = connect(&path).unwrap();
    for check in &CHECKS {
        for sql in [check.last_key(true, &checks::DIALECT), check.found(true, &checks::DIALECT)] {
            let steps = steps(&mut connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap());
            let page = steps.iter().find(|step| step.starts_with("SEARCH t USING")).unwrap();
            let bounds = page.rsplit_once(" (").unwrap().1.matches('?').count();
            assert_eq!(bounds, check.key_columns(), "{page}\n{sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_more_than_it_concerns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venna.db");
    let clock = Clock::set_to(contract::NOW_MS);
    let store = SqliteStore::open(&path, clock.clone(), Opener::Server).unwrap();
    contract::holds(&store, &clock).await;
    contract::every_question(&store).await;
    let other = SqliteStore::open(&folder.path().join("export.db"), clock.clone(), Opener::Server).unwrap();
    contract::export::holds(&other, &clock).await;
    let other = SqliteStore::open(&folder.path().join("ledger.db"), clock.clone(), Opener::Server).unwrap();
    contract::ledger::usage_is_what_happened(&other, &clock, 200, 17).await;
    contract::ledger::reads_are_entered_once(&other, &clock).await;
    contract::ledger::corrections_are_entered_once(&other).await;
    contract::read_merges::old_reads_are_merged(&other, &clock).await;

    let connection = connect(&path).unwrap();
    let (mut faults, mut used, mut explained) = (Vec::new(), BTreeSet::new(), 0);
    for sql in statements::seen() {
        // A migration runs once, over whatever is there.
        let migrates = migrations::SQLITE.iter().any(|migration| migration.sql.contains(sql.trim()));
        if !has_plan(&sql) || migrates || sql.contains("sqlite_") {
            continue;
        }
        // One line, in which exceptions are looked for.
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        // Other tests have tables of their own.
        let Ok(mut explain) = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")) else { continue };
        explained += 1;
        for step in steps(&mut explain) {
            let Some(fault) = fault(&step) else { continue };
            let allowed = |(_, (text, allowed, _)): &(usize, &(&str, &str, &str))| {
                sql.contains(text) && step.starts_with(allowed)
            };
            match ALLOWED.iter().enumerate().find(allowed) {
                Some((place, _)) => drop(used.insert(place)),
                None => faults.push(format!("{fault}: {step}\n    {sql}")),
            }
        }
    }
    assert!(explained > 100, "{explained} statements were looked at");
    assert!(faults.is_empty(), "{} steps:\n{}", faults.len(), faults.join("\n"));
    let idle: Vec<_> = ALLOWED.iter().enumerate().filter(|(place, _)| !used.contains(place)).collect();
    assert!(idle.is_empty(), "nothing needs these exceptions: {idle:?}");
}
