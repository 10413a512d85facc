//! Rows of the audit log: added in the transaction of what they tell of.

use super::connections::{Prepared, Session, Values};
use super::failure::Failure;
use super::rows::{self, named, parsed};
use super::writer::{Change, Proof};
use crate::model::audit::{Action, AuditQuery, Entry, NewEntry, Origin};
use crate::model::ids::AuditId;
use crate::model::page::Page;
use crate::random;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The newest entry: the next is newer, whatever the clock says.
pub(super) const NEWEST: &str = "SELECT id FROM audit_log ORDER BY id DESC LIMIT 1";
pub(super) const INSERT: &str =
    "INSERT INTO audit_log (id, actor, action, workspace_id, object_id, address, request_id, details)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Enters what is done in this transaction.
pub(super) async fn note(change: &Change<'_>, origin: Origin, new: NewEntry) -> Result<(), Failure> {
    let newest = newest(&change.prepare(NEWEST).await?).await?;
    let insert_entry = change.prepare(INSERT).await?;
    insert(&insert_entry, fresh_id(change, newest), origin, new).await
}

pub(super) async fn newest(newest: &Prepared<'_>) -> Result<Option<AuditId>, Failure> {
    newest.row(&[]).await?.map(|row| parsed(&row, 0)).transpose()
}

/// The id of an entry, by which the change that it tells of is proven.
pub(super) fn fresh_id(change: &Change<'_>, newest: Option<AuditId>) -> String {
    let id = AuditId::next(newest, change.now_ms(), random::bytes()).to_string();
    change.proven_by(Proof::Entry(id.clone()));
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

pub(super) async fn list(session: &Session, query: &AuditQuery) -> Result<Page<Entry>, Failure> {
    // The oldest of those that are newer than `before` come first, and are turned round.
    let direction = if query.before.is_some() && query.after.is_none() { "ASC" } else { "DESC" };
    let (mut conditions, mut values) = (vec!["true".to_owned()], Vec::<Box<dyn ToSql + Sync + Send>>::new());
    let filters = [
        ("action", texts(query.actions.as_deref(), |action| action.name().to_owned())),
        ("actor", texts(query.actors.as_deref(), ToString::to_string)),
        ("workspace_id", texts(query.workspaces.as_deref(), ToString::to_string)),
        ("object_id", query.objects.clone()),
    ];
    for (column, wanted) in filters.into_iter().filter_map(|(column, wanted)| Some((column, wanted?))) {
        values.push(Box::new(wanted));
        conditions.push(format!("{column} = ANY(${})", values.len()));
    }
    let at = |seconds: u64| AuditId::next(None, seconds.saturating_mul(1000), [0; 11]);
    let bounds = [(">=", query.from.map(at)), ("<", query.until.map(at)), ("<", query.after), (">", query.before)];
    for (comparison, id) in bounds.into_iter().filter_map(|(comparison, id)| Some((comparison, id?))) {
        values.push(Box::new(id.to_string()));
        conditions.push(format!("id {comparison} ${}", values.len()));
    }
    let sql = format!(
        "SELECT id, actor, action, workspace_id, object_id, address, request_id, details FROM audit_log
         WHERE {} ORDER BY id {direction} LIMIT {}",
        conditions.join(" AND "),
        u64::from(query.limit) + 1
    );
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
    let found = session.query(&sql, &values).await?;
    let mut page = Page::cut(found.iter().map(entry).collect::<Result<_, _>>()?, query.limit);
    if direction == "ASC" {
        page.rows.reverse();
    }
    Ok(page)
}

/// Removes at most `limit` entries that are older than so many seconds; how many there were.
pub(super) async fn forget(
    session: &Session,
    older_than_seconds: u64,
    limit: u32,
    set_ms: Option<i64>,
) -> Result<u64, Failure> {
    let now = session.row("SELECT now_ms($1)", &[&set_ms]).await?;
    let now_ms = now.map(|row| rows::number(&row, 0)).transpose()?.unwrap_or_default();
    let until_seconds = (now_ms / 1000).saturating_sub(older_than_seconds);
    let first = AuditId::next(None, until_seconds.saturating_mul(1000), [0; 11]).to_string();
    let sql = "WITH old AS MATERIALIZED (SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2)
               DELETE FROM audit_log a USING old WHERE a.id = old.id";
    session.execute(sql, &[&first, &i64::from(limit)]).await
}

fn texts<T>(wanted: Option<&[T]>, text: impl Fn(&T) -> String) -> Option<Vec<String>> {
    wanted.map(|wanted| wanted.iter().map(text).collect())
}

fn entry(row: &Row) -> Result<Entry, Failure> {
    let details: Option<&str> = row.try_get(7)?;
    Ok(Entry {
        id: parsed(row, 0)?,
        origin: Origin { actor: parsed(row, 1)?, address: rows::optional(row, 5)?, request: rows::optional(row, 6)? },
        action: named(row, 2, Action::named)?,
        workspace: rows::optional(row, 3)?,
        object: row.try_get(4)?,
        details: details.and_then(|text| text.parse().ok()),
    })
}
