//! Rows of the audit log. Each is added in the transaction of its change.

use super::queries::Queries;
use super::rows::{self, named, parsed};
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::audit::AuditStore;
use crate::metadata::error::MetadataError;
use crate::model::audit::{Action, AuditQuery, Entry, NewEntry, Origin};
use crate::model::ids::AuditId;
use crate::model::page::Page;
use crate::random;
use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, Result, Row, params, params_from_iter};
use std::collections::BTreeSet;

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit_log(&self, query: AuditQuery) -> Result<Page<Entry>, MetadataError> {
        self.readers.long(move |connection| list(connection, &query)).await
    }

    /// The order of entries is the order of their ids.
    async fn number_audit_log(&self, _limit: u32) -> Result<usize, MetadataError> {
        Ok(0)
    }

    async fn forget_audit_log(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError> {
        self.expire(move |transaction| {
            let until_seconds = transaction.now_seconds().saturating_sub(older_than_seconds);
            let first = AuditId::next(None, until_seconds.saturating_mul(1000), [0; 11]);
            let sql = "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < ?1 ORDER BY id LIMIT ?2)";
            transaction.change(sql, params![first.to_string(), limit])
        })
        .await
    }
}

/// Adds the entry of a change, if it has one.
pub(super) fn add(transaction: &Transaction<'_>, origin: Origin, entry: impl Into<Option<NewEntry>>) -> Result<()> {
    let Some(entry) = entry.into() else { return Ok(()) };
    let newest = "SELECT id FROM audit_log ORDER BY id DESC LIMIT 1";
    let last: Option<AuditId> = transaction.row(newest, [], |row| parsed(row, 0))?;
    let id = AuditId::next(last, transaction.now_ms(), random::bytes());
    let sql = "INSERT INTO audit_log (id, actor, action, workspace_id, object_id, address, request_id, details)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        id.to_string(),
        origin.actor.to_string(),
        entry.action.name(),
        entry.workspace.map(|workspace| workspace.to_string()),
        entry.object,
        origin.address.map(|address| address.to_string()),
        origin.request.map(|request| request.to_string()),
        entry.details.map(|details| details.to_string()),
    ];
    transaction.change(sql, values).map(drop)
}

fn list(connection: &Connection, query: &AuditQuery) -> Result<Page<Entry>> {
    // All searches read the same snapshot.
    let snapshot = connection.unchecked_transaction()?;
    // A page before an entry is read in ascending order and reversed.
    let ascending = query.before.is_some() && query.after.is_none();
    let mut found = Vec::new();
    for Search { index, conditions, mut values } in Search::all(query) {
        let sql = format!(
            "SELECT id, actor, action, workspace_id, object_id, address, request_id, details FROM audit_log {index}
             WHERE {} ORDER BY id {} LIMIT ?",
            conditions.join(" AND "),
            if ascending { "ASC" } else { "DESC" }
        );
        values.push(Value::Integer(i64::from(query.limit) + 1));
        found.extend(snapshot.prepare(&sql)?.query_map(params_from_iter(values), entry)?.collect::<Result<Vec<_>>>()?);
    }
    found.sort_unstable_by(|one: &Entry, other| if ascending { one.id.cmp(&other.id) } else { other.id.cmp(&one.id) });
    let mut page = Page::cut(found, query.limit);
    if ascending {
        page.rows.reverse();
    }
    Ok(page)
}

/// A search of an index, in the order of ids.
#[derive(Default)]
struct Search {
    index: &'static str,
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Search {
    /// Returns the searches that together find the entries of a query: one for each value of the most selective filter,
    /// with the other filters as conditions.
    fn all(query: &AuditQuery) -> Vec<Self> {
        let mut filters = vec![
            ("object_id", "INDEXED BY audit_log_by_object", query.objects.clone()),
            ("actor", "INDEXED BY audit_log_by_actor", texts(query.actors.as_deref(), ToString::to_string)),
            (
                "workspace_id",
                "INDEXED BY audit_log_by_workspace",
                texts(query.workspaces.as_deref(), ToString::to_string),
            ),
            (
                "action",
                "INDEXED BY audit_log_by_action",
                texts(query.actions.as_deref(), |action| action.name().to_owned()),
            ),
        ];
        filters.retain(|(_, _, wanted)| wanted.is_some());
        // Most entries are deletes of Files, which the index by action leaves out.
        let deletes = query.actions.as_ref().is_some_and(|actions| actions.contains(&Action::FileDeleted));
        let mut searches = match filters.first() {
            Some(("action", ..)) if deletes => vec![Self::default()],
            Some((column, index, Some(wanted))) => {
                let wanted: BTreeSet<_> = wanted.iter().collect();
                let search = |value: &&String| Self::of(column, index, value);
                let searches = wanted.iter().map(search).collect();
                filters.remove(0);
                searches
            }
            _ => vec![Self::default()],
        };
        let at = |seconds: u64| AuditId::next(None, seconds.saturating_mul(1000), [0; 11]);
        let bounds = [(">=", query.from.map(at)), ("<", query.until.map(at)), ("<", query.after), (">", query.before)];
        for search in &mut searches {
            for (column, _, wanted) in &filters {
                let wanted = wanted.clone().unwrap_or_default();
                search.conditions.push(format!("{column} IN ({})", vec!["?"; wanted.len()].join(", ")));
                search.values.extend(wanted.into_iter().map(Value::Text));
            }
            for (comparison, id) in bounds.iter().filter_map(|(comparison, id)| Some((comparison, (*id)?))) {
                search.conditions.push(format!("id {comparison} ?"));
                search.values.push(Value::Text(id.to_string()));
            }
            search.conditions.push("true".to_owned());
        }
        if filters.iter().any(|(_, _, wanted)| wanted.as_ref().is_some_and(Vec::is_empty)) {
            searches.clear();
        }
        searches
    }

    fn of(column: &str, index: &'static str, value: &str) -> Self {
        let mut conditions = vec![format!("{column} = ?")];
        if column == "action" {
            conditions.push(format!("action <> '{}'", Action::FileDeleted.name()));
        }
        Self { index, conditions, values: vec![Value::Text(value.to_owned())] }
    }
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
