//! API keys.

use super::{FromRow, Row, RowReader, columns};
use crate::model::api_key::{ApiKey, Opens};

/// Columns of a key.
pub const KEY: &str = "id, workspace_id, scopes, redacted, name, expires_at, revoked_at, last_used_at";
/// The number of columns of a key.
pub const KEY_COLUMNS: usize = columns::count(KEY);

impl FromRow for ApiKey {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let (id, workspace, scopes) = (row.parsed()?, row.optional_parsed()?, row.text()?);
        let opens = match workspace {
            Some(workspace) => Opens::Workspace(workspace, scopes.parse().map_err(|_| row.malformed("scopes"))?),
            None => Opens::Administration,
        };
        Ok(Self {
            id,
            opens,
            redacted: row.text()?.to_owned(),
            name: row.text()?.to_owned(),
            expires_at: row.optional_number()?,
            revoked_at: row.optional_number()?,
            last_used_at: row.optional_number()?,
        })
    }
}
