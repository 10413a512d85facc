//! Pages of the checks for rows that contradict each other.

use super::queries::Queries;
use super::store::SqliteStore;
use super::usage;
use crate::metadata::checks::CheckStore;
use crate::metadata::error::MetadataError;
use crate::metadata::rules::checks::{Check, Dialect, HOURS_OF_A_PAGE, MisfitCursor, MisfitPage, MisfitRow};
use crate::model::finding::Finding;
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params_from_iter};

/// The dialect of the checks. The type of a text comes from its column.
pub(super) const DIALECT: Dialect =
    Dialect { arrival: "seq", text: |number| format!("?{number}"), integer: |number| format!("?{number}") };

#[async_trait]
impl CheckStore for SqliteStore {
    async fn find_some_misfits(&self, cursor: MisfitCursor) -> Result<MisfitPage, MetadataError> {
        self.readers.long(move |connection| find(connection, &cursor)).await?
    }
}

fn find(connection: &Connection, cursor: &MisfitCursor) -> Result<std::result::Result<MisfitPage, MetadataError>> {
    let Some((check, after)) = cursor.check() else { return usage_page(connection, cursor).map(Ok) };
    let snapshot = connection.unchecked_transaction()?;
    let upto = last_key(&snapshot, check, after)?;
    let (sql, values) = (check.found(after.is_some(), &DIALECT), params_from_iter(after.unwrap_or_default()));
    let read = |row: &Row<'_>| Ok(MisfitRow { id: row.get(0)?, count: row.get(1)?, workspace: row.get(2)? });
    let found: Vec<MisfitRow> = snapshot.rows(&sql, values, read)?;
    let findings: std::result::Result<_, _> = found.into_iter().map(|row| check.finding(row)).collect();
    Ok(findings.map(|findings| MisfitPage { findings, next: Some(cursor.behind(upto)) }))
}

fn last_key(connection: &Connection, check: &Check, after: Option<&[String]>) -> Result<Option<Vec<String>>> {
    let key = |row: &Row<'_>| (0..check.key_columns()).map(|column| row.get(column)).collect();
    connection.row(&check.last_key(after.is_some(), &DIALECT), params_from_iter(after.unwrap_or_default()), key)
}

/// Compares some hours of one workspace with the ledger, all in one snapshot.
fn usage_page(connection: &Connection, cursor: &MisfitCursor) -> Result<MisfitPage> {
    let snapshot = connection.unchecked_transaction()?;
    let (mut after, mut hours) = (cursor.usage_after().map(<[String]>::to_vec), 0);
    for _ in 0..HOURS_OF_A_PAGE {
        after = usage::next_hour(&snapshot, after.as_deref())?;
        let Some(key) = &after else { break };
        hours += usage::wrong_rows(&snapshot, key)?;
    }
    let findings = if hours > 0 { vec![Finding::WrongRollup { hours }] } else { Vec::new() };
    Ok(MisfitPage { findings, next: after.map(|key| cursor.behind(Some(key))) })
}
