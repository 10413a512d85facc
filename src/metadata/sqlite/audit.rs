//! Rows of the audit log: added in the transaction of what they tell of.

use super::rows::{self, named, parsed};
use crate::model::audit::{Action, AuditQuery, Entry, NewEntry, Origin};
use crate::model::ids::AuditId;
use crate::model::page::Page;
use crate::random;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params, params_from_iter};

/// Enters what is done in this transaction.
pub(super) fn note(connection: &Connection, origin: Origin, new: NewEntry, now_ms: u64) -> Result<()> {
    let newest = "SELECT id FROM audit_log ORDER BY id DESC LIMIT 1";
    let last: Option<AuditId> = connection.prepare_cached(newest)?.query_row([], |row| parsed(row, 0)).optional()?;
    let id = AuditId::next(last, now_ms, random::bytes());
    let sql = "INSERT INTO audit_log (id, actor, action, workspace_id, object_id, address, request_id, details)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    connection.prepare_cached(sql)?.execute(params![
        id.to_string(),
        origin.actor.to_string(),
        new.action.name(),
        new.workspace.map(|workspace| workspace.to_string()),
        new.object,
        origin.address.map(|address| address.to_string()),
        origin.request.map(|request| request.to_string()),
        new.details.map(|details| details.to_string()),
    ])?;
    Ok(())
}

pub(super) fn list(connection: &Connection, query: &AuditQuery) -> Result<Page<Entry>> {
    let (conditions, mut values) = conditions(query);
    // The oldest of those that are newer than `before` come first, and are turned round.
    let direction = if query.before.is_some() && query.after.is_none() { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT id, actor, action, workspace_id, object_id, address, request_id, details FROM audit_log
         WHERE {conditions} ORDER BY id {direction} LIMIT ?"
    );
    values.push(Value::Integer(i64::from(query.limit) + 1));
    let mut select = connection.prepare(&sql)?;
    let found = select.query_map(params_from_iter(values), entry)?.collect::<Result<_>>()?;
    let mut page = Page::cut(found, query.limit);
    if direction == "ASC" {
        page.rows.reverse();
    }
    Ok(page)
}

/// Removes at most `limit` entries from before this second; how many there were.
pub(super) fn forget(connection: &Connection, until_seconds: u64, limit: u32) -> Result<usize> {
    let first = AuditId::next(None, until_seconds.saturating_mul(1000), [0; 11]);
    let sql = "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < ?1 ORDER BY id LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![first.to_string(), limit])
}

fn conditions(query: &AuditQuery) -> (String, Vec<Value>) {
    let (mut conditions, mut values) = (vec!["1".to_owned()], Vec::new());
    let filters = [
        ("action", texts(query.actions.as_deref(), |action| action.name().to_owned())),
        ("actor", texts(query.actors.as_deref(), ToString::to_string)),
        ("workspace_id", texts(query.workspaces.as_deref(), ToString::to_string)),
        ("object_id", query.objects.clone()),
    ];
    for (column, wanted) in filters.into_iter().filter_map(|(column, wanted)| Some((column, wanted?))) {
        conditions.push(format!("{column} IN ({})", vec!["?"; wanted.len()].join(", ")));
        values.extend(wanted.into_iter().map(Value::Text));
    }
    let at = |seconds: u64| AuditId::next(None, seconds.saturating_mul(1000), [0; 11]);
    let bounds = [(">=", query.from.map(at)), ("<", query.until.map(at)), ("<", query.after), (">", query.before)];
    for (comparison, id) in bounds.into_iter().filter_map(|(comparison, id)| Some((comparison, id?))) {
        conditions.push(format!("id {comparison} ?"));
        values.push(Value::Text(id.to_string()));
    }
    (conditions.join(" AND "), values)
}

fn texts<T>(wanted: Option<&[T]>, text: impl Fn(&T) -> String) -> Option<Vec<String>> {
    wanted.map(|wanted| wanted.iter().map(text).collect())
}

fn entry(row: &Row<'_>) -> Result<Entry> {
    let details: Option<String> = row.get(7)?;
    Ok(Entry {
        id: parsed(row, 0)?,
        origin: Origin { actor: parsed(row, 1)?, address: rows::optional(row, 5)?, request: rows::optional(row, 6)? },
        action: named(row, 2, Action::named)?,
        workspace: rows::optional(row, 3)?,
        object: row.get(4)?,
        details: details.and_then(|text| text.parse().ok()),
    })
}
