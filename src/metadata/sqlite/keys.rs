//! Rows of API keys.

use super::rows::parsed;
use crate::metadata::NewKey;
use crate::model::api_key::{ApiKey, KeyDigest};
use crate::model::ids::KeyId;
use crate::random;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

const COLUMNS: &str = "id, workspace_id, name, redacted, expires_at, revoked_at";

pub(super) fn create(connection: &Connection, key: &NewKey, now_ms: u64) -> Result<Option<ApiKey>> {
    let sql =
        "INSERT INTO api_keys (id, workspace_id, digest, redacted, name, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (digest) DO NOTHING";
    let id = KeyId::next(None, now_ms, random::bytes());
    let expires_at = key.valid_seconds.map(|seconds| id.created_at().saturating_add(seconds));
    let row = params![id.to_string(), key.workspace.to_string(), key.digest.0, key.redacted, key.name, expires_at];
    let inserted = connection.prepare_cached(sql)?.execute(row)?;
    Ok((inserted == 1).then(|| ApiKey {
        id,
        workspace: key.workspace,
        name: key.name.clone(),
        redacted: key.redacted.clone(),
        expires_at,
        revoked_at: None,
    }))
}

pub(super) fn list(connection: &Connection) -> Result<Vec<ApiKey>> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys ORDER BY id"))?;
    select.query_map([], key)?.collect()
}

pub(super) fn find(connection: &Connection, digest: KeyDigest) -> Result<Option<ApiKey>> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys WHERE digest = ?1"))?;
    select.query_row([digest.0], key).optional()
}

pub(super) fn revoke(connection: &Connection, id: KeyId, now_seconds: u64) -> Result<Option<ApiKey>> {
    let sql = format!("UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1 RETURNING {COLUMNS}");
    connection.prepare_cached(&sql)?.query_row(params![id.to_string(), now_seconds], key).optional()
}

fn key(row: &Row<'_>) -> Result<ApiKey> {
    Ok(ApiKey {
        id: parsed(row, 0)?,
        workspace: parsed(row, 1)?,
        name: row.get(2)?,
        redacted: row.get(3)?,
        expires_at: row.get(4)?,
        revoked_at: row.get(5)?,
    })
}
