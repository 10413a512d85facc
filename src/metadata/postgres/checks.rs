//! Pages of the search for inconsistent rows.

use super::connections::Session;
use super::failure::Failure;
use super::rows::number;
use super::store::{PostgresStore, read_long};
use super::usage;
use crate::metadata::checks::CheckStore;
use crate::metadata::error::MetadataError;
use crate::metadata::rules::checks::{Dialect, HOURS_OF_A_PAGE, MisfitCursor, MisfitPage, MisfitRow};
use crate::model::finding::Finding;
use async_trait::async_trait;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Parameters are sent as text, whatever they are compared with.
const DIALECT: Dialect = Dialect {
    arrival: "arrival",
    text: |number| format!("CAST(${number} AS TEXT)"),
    integer: |number| format!("CAST(CAST(${number} AS TEXT) AS BIGINT)"),
};

#[async_trait]
impl CheckStore for PostgresStore {
    async fn find_some_misfits(&self, cursor: MisfitCursor) -> Result<MisfitPage, MetadataError> {
        read_long!(self, |session| find(session, &cursor).await)
    }
}

/// Returns a page of findings. Must run in one snapshot.
async fn find(session: &Session, cursor: &MisfitCursor) -> Result<MisfitPage, Failure> {
    let Some((check, after)) = cursor.check() else { return usage_page(session, cursor).await };
    let values = texts(after.unwrap_or_default());
    let last = session.rows(&check.last_key(after.is_some(), &DIALECT), &values).await?;
    let key = |row: &Row| (0..check.key_columns()).map(|column| row.try_get(column)).collect();
    let upto: Option<Vec<String>> = last.first().map(key).transpose()?;
    let found = session.rows(&check.found(after.is_some(), &DIALECT), &values).await?;
    let findings = found.iter().map(|row| {
        let misfit = MisfitRow { id: row.try_get(0)?, count: number(row, 1)?, workspace: row.try_get(2)? };
        let finding = check.finding(misfit);
        finding.map_err(|error| Failure::Unreadable(error.to_string()))
    });
    Ok(MisfitPage { findings: findings.collect::<Result<_, _>>()?, next: Some(cursor.behind(upto)) })
}

fn texts(values: &[String]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// Compares some hours of one workspace with the ledger.
async fn usage_page(session: &Session, cursor: &MisfitCursor) -> Result<MisfitPage, Failure> {
    let (mut after, mut hours) = (cursor.usage_after().map(<[String]>::to_vec), 0);
    for _ in 0..HOURS_OF_A_PAGE {
        after = usage::next_hour(session, after.as_deref()).await?;
        let Some(key) = &after else { break };
        hours += usage::wrong_rows(session, key).await?;
    }
    let findings = if hours > 0 { vec![Finding::WrongRollup { hours }] } else { Vec::new() };
    Ok(MisfitPage { findings, next: after.map(|key| cursor.behind(Some(key))) })
}
