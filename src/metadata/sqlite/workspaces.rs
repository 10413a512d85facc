//! Rows of workspaces.

use super::rows::parsed;
use crate::model::ids::WorkspaceId;
use crate::model::workspace::Workspace;
use crate::random;
use rusqlite::{Connection, Result, params};

pub(super) fn create(connection: &Connection, name: &str, now_ms: u64) -> Result<Option<Workspace>> {
    let id = WorkspaceId::next(None, now_ms, random::bytes());
    let mut insert =
        connection.prepare_cached("INSERT INTO workspaces (id, name) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING")?;
    let inserted = insert.execute(params![id.to_string(), name])?;
    Ok((inserted == 1).then(|| Workspace { id, name: name.to_owned() }))
}

pub(super) fn list(connection: &Connection) -> Result<Vec<Workspace>> {
    let mut select = connection.prepare_cached("SELECT id, name FROM workspaces ORDER BY id")?;
    select.query_map([], |row| Ok(Workspace { id: parsed(row, 0)?, name: row.get(1)? }))?.collect()
}
