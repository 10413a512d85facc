//! Rows of the audit log. Each is added in the transaction of its change.

use super::queries::Queries;
use super::rows::{self, parsed};
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::audit::AuditStore;
use crate::metadata::error::MetadataError;
use crate::metadata::rows::AUDIT_ENTRY;
use crate::metadata::rules::audit_query::{Filter, Filters, first_id, index_condition, is_ascending};
use crate::model::audit::{AuditQuery, Entry, NewEntry, Origin};
use crate::model::ids::AuditId;
use crate::model::page::Page;
use crate::random;
use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, Result, params, params_from_iter};

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
            let first = first_id(until_seconds);
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
        id,
        origin.actor.to_string(),
        entry.action.name(),
        entry.workspace,
        entry.object,
        origin.address.map(|address| address.to_string()),
        origin.request,
        entry.details.map(|details| details.to_string()),
    ];
    transaction.change(sql, values).map(drop)
}

fn list(connection: &Connection, query: &AuditQuery) -> Result<Page<Entry>> {
    // All searches read the same snapshot.
    let snapshot = connection.unchecked_transaction()?;
    // A page before an entry is read in ascending order and reversed.
    let ascending = is_ascending(query);
    let mut found = Vec::new();
    for Search { index, conditions, mut values } in Search::all(query) {
        let sql = format!(
            "SELECT {AUDIT_ENTRY} FROM audit_log {index}
             WHERE {} ORDER BY id {} LIMIT ?",
            conditions.join(" AND "),
            if ascending { "ASC" } else { "DESC" }
        );
        values.push(Value::Integer(i64::from(query.limit) + 1));
        found.extend(
            snapshot.prepare(&sql)?.query_map(params_from_iter(values), rows::read)?.collect::<Result<Vec<_>>>()?,
        );
    }
    found.sort_unstable_by(|one: &Entry, other| if ascending { one.id.cmp(&other.id) } else { other.id.cmp(&one.id) });
    let mut page = Page::cut(found, query.limit);
    if ascending {
        page.rows.reverse();
    }
    Ok(page)
}

/// A search of an index, in the order of ids.
#[derive(Clone, Default)]
struct Search {
    index: &'static str,
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Search {
    /// Returns the searches that together find the entries of a query: one for each value of the searched filter, with
    /// the other filters as conditions.
    fn all(query: &AuditQuery) -> Vec<Self> {
        let Filters { searched, others } = Filters::of(query);
        let mut searches = match &searched {
            Some(filter) => filter.values.iter().map(|value| Self::of(filter.column, value)).collect(),
            None => vec![Self::default()],
        };
        if others.iter().any(|filter| filter.values.is_empty()) {
            searches.clear();
        }
        let bounds = [
            (">=", query.from.map(first_id)),
            ("<", query.until.map(first_id)),
            ("<", query.after),
            (">", query.before),
        ];
        for search in &mut searches {
            for Filter { column, values } in &others {
                search.conditions.push(format!("{column} IN ({})", vec!["?"; values.len()].join(", ")));
                search.values.extend(values.iter().cloned().map(Value::Text));
            }
            for (comparison, id) in bounds.iter().filter_map(|(comparison, id)| Some((comparison, (*id)?))) {
                search.conditions.push(format!("id {comparison} ?"));
                search.values.push(Value::Text(id.to_string()));
            }
            search.conditions.push("true".to_owned());
        }
        searches
    }

    fn of(column: &str, value: &str) -> Self {
        let index = match column {
            "object_id" => "INDEXED BY audit_log_by_object",
            "actor" => "INDEXED BY audit_log_by_actor",
            "workspace_id" => "INDEXED BY audit_log_by_workspace",
            _ => "INDEXED BY audit_log_by_action",
        };
        let conditions = [format!("{column} = ?")].into_iter().chain(index_condition(column)).collect();
        Self { index, conditions, values: vec![Value::Text(value.to_owned())] }
    }
}
