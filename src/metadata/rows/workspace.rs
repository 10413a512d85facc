//! Workspaces, and what they store.

use super::{FromRow, Row, RowReader};
use crate::model::limits::StorageUsage;
use crate::model::workspace::Workspace;

/// Columns of a workspace.
pub const WORKSPACE: &str = "id, name, archived_at";
/// Columns of what a workspace stores.
pub const STORAGE_USAGE: &str = "stored_bytes, stored_files, reserved_bytes, reserved_files";

impl FromRow for Workspace {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        Ok(Self { id: row.parsed()?, name: row.text()?.to_owned(), archived_at: row.optional_number()? })
    }
}

impl FromRow for StorageUsage {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        Ok(Self {
            stored_bytes: row.number()?,
            stored_files: row.number()?,
            reserved_bytes: row.number()?,
            reserved_files: row.number()?,
        })
    }
}
