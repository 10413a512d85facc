//! Rows of the audit log: inserted in the transaction of the event and numbered when they are read, so that a follower
//! misses no entry that was committed late.

use super::connections::{Connections, Prepared, Session, Values};
use super::failure::Failure;
use super::rows::{self, count, parsed};
use super::store::{PostgresStore, read_long, transaction, write};
use super::task::Task;
use super::writer::{Lock, Proof, Transaction};
use crate::metadata::audit::AuditStore;
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::metadata::rows::AUDIT_ENTRY;
use crate::metadata::rules::audit_query::{Filter, Filters, first_id, index_condition, is_ascending};
use crate::model::audit::{AuditQuery, Entry, NewEntry, Origin};
use crate::model::ids::AuditId;
use crate::model::page::Page;
use crate::random;
use async_trait::async_trait;
use tokio_postgres::types::ToSql;

/// The newest entry. The next id is higher, whatever the clock says.
pub(super) const NEWEST: &str = "SELECT id FROM audit_log ORDER BY id DESC LIMIT 1";
/// The most entries that get their numbers in one transaction.
const NUMBERED_AT_ONCE: u32 = 5000;
pub(super) const INSERT: &str =
    "INSERT INTO audit_log (id, actor, action, workspace_id, object_id, address, request_id, details)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

#[async_trait]
impl AuditStore for PostgresStore {
    async fn audit_log(&self, query: AuditQuery) -> Result<Page<Entry>, MetadataError> {
        while self.number_audit_log(NUMBERED_AT_ONCE).await? == count(NUMBERED_AT_ONCE.into()) {}
        read_long!(self, |session| list(session, &query).await)
    }

    async fn number_audit_log(&self, limit: u32) -> Result<usize, MetadataError> {
        if !is_behind(&self.connections).await? {
            return Ok(0);
        }
        transaction!(self, |tx| {
            let sql = "UPDATE audit_log a SET seq = n.seq
                FROM (SELECT id, (SELECT coalesce(max(seq), 0) FROM audit_log) + row_number() OVER (ORDER BY id) AS seq
                      FROM (SELECT id FROM audit_log WHERE seq IS NULL ORDER BY id LIMIT $1) u) n
                WHERE a.id = n.id";
            let number = tx.prepare(sql).await?;
            let limit = i64::from(limit);
            let values: Values<'_> = &[&limit];
            let numbered = tx.begin(&[Lock::Task(Task::AuditLog)], number.execute(values)).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(numbered)
        })
        .map(count)
    }

    async fn forget_audit_log(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        write!(self, |session| {
            let now = session.row("SELECT now_ms()", &[]).await?;
            let now_ms = now.map(|row| rows::number(&row, 0)).transpose()?.unwrap_or_default();
            let until_seconds = (now_ms / 1000).saturating_sub(older_than_seconds);
            let first = first_id(until_seconds).to_string();
            let sql = "WITH old AS MATERIALIZED (SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2)
                       DELETE FROM audit_log a USING old WHERE a.id = old.id";
            session.execute(sql, &[&first, &i64::from(limit)]).await
        })
        .map(count)
    }
}

/// Adds the entry of a change, if it has one.
pub(super) async fn note(
    tx: &Transaction<'_>,
    origin: Origin,
    entry: impl Into<Option<NewEntry>>,
) -> Result<(), Failure> {
    let Some(new) = entry.into() else { return Ok(()) };
    let newest = newest(&tx.prepare(NEWEST).await?).await?;
    let insert_entry = tx.prepare(INSERT).await?;
    insert(&insert_entry, fresh_id(tx, newest), origin, new).await
}

pub(super) async fn newest(newest: &Prepared<'_>) -> Result<Option<AuditId>, Failure> {
    newest.row(&[]).await?.map(|row| parsed(&row, 0)).transpose()
}

/// Returns the id of a new entry, which also proves the transaction.
pub(super) fn fresh_id(tx: &Transaction<'_>, newest: Option<AuditId>) -> String {
    let id = AuditId::next(newest, tx.now_ms(), random::bytes()).to_string();
    tx.set_proof(Proof::Entry(id.clone()));
    id
}

pub(super) async fn insert(insert: &Prepared<'_>, id: String, origin: Origin, new: NewEntry) -> Result<(), Failure> {
    let workspace = new.workspace.map(|workspace| workspace.to_string());
    let address = origin.address.map(|address| address.to_string());
    let request = origin.request.map(|request| request.to_string());
    let details = new.details.map(|details| details.to_string());
    let (actor, action) = (origin.actor.to_string(), new.action.name());
    let values: Values<'_> = &[&id, &actor, &action, &workspace, &new.object, &address, &request, &details];
    insert.execute(values).await.map(drop)
}

async fn list(session: &Session, query: &AuditQuery) -> Result<Page<Entry>, Failure> {
    // A page before an entry is read in ascending order and reversed.
    let ascending = is_ascending(query);
    let order = format!("ORDER BY seq {} LIMIT {}", if ascending { "ASC" } else { "DESC" }, u64::from(query.limit) + 1);
    let (mut conditions, mut values) = (vec!["seq IS NOT NULL".to_owned()], Vec::<Box<dyn ToSql + Sync + Send>>::new());
    // The searched filter is joined value by value, each in the order of ids.
    let Filters { searched, others } = Filters::of(query);
    let is_searched = searched.is_some();
    if let Some(Filter { column, values: wanted }) = searched {
        values.push(Box::new(Vec::from_iter(wanted)));
        conditions.push(format!("{column} = v.value"));
        conditions.extend(index_condition(column));
    }
    for Filter { column, values: wanted } in others {
        values.push(Box::new(Vec::from_iter(wanted)));
        conditions.push(format!("{column} = ANY(${})", values.len()));
    }
    // An entry that is gone was the oldest or stood behind the next older one.
    for (column, comparison, id) in [("after", "<", query.after), ("before", ">", query.before)] {
        let Some(id) = id else { continue };
        values.push(Box::new(id.to_string()));
        let (older, place) = (i32::from(column == "after"), values.len());
        conditions.push(format!(
            "seq {comparison} coalesce((SELECT seq FROM audit_log WHERE id = ${place}),
             (SELECT seq + {older} FROM audit_log WHERE id < ${place} AND seq IS NOT NULL ORDER BY id DESC LIMIT 1), 0)"
        ));
    }
    let bounds = [(">=", query.from.map(first_id)), ("<", query.until.map(first_id))];
    for (comparison, id) in bounds.into_iter().filter_map(|(comparison, id)| Some((comparison, id?))) {
        values.push(Box::new(id.to_string()));
        conditions.push(format!("id {comparison} ${}", values.len()));
    }
    let found = format!(
        "SELECT {AUDIT_ENTRY}, seq FROM audit_log
         WHERE {} {order}",
        conditions.join(" AND ")
    );
    let sql = if is_searched {
        format!("SELECT a.* FROM unnest($1::text[]) v (value) CROSS JOIN LATERAL ({found}) a {order}")
    } else {
        found
    };
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
    let found = session.query(&sql, &values).await?;
    let mut page = Page::cut(rows::read_all(&found)?, query.limit);
    if ascending {
        page.rows.reverse();
    }
    Ok(page)
}

/// Returns whether a committed entry has no number yet.
async fn is_behind(connections: &Connections) -> Result<bool, MetadataError> {
    connections
        .run(|deadline| async move {
            let session = connections.session(deadline.request).await?;
            let behind = session.row("SELECT 1 FROM audit_log WHERE seq IS NULL LIMIT 1", &[]);
            Ok(connections.ask(&session, deadline, behind).await?.is_some())
        })
        .await
}
