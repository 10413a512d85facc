//! Entries of the audit log.

use super::{FromRow, Row, RowReader};
use crate::model::audit::{Action, Entry, Origin};

/// Columns of an entry of the audit log.
pub const AUDIT_ENTRY: &str = "id, actor, action, workspace_id, object_id, address, request_id, details";

impl FromRow for Entry {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let (id, actor, action) = (row.parsed()?, row.parsed()?, row.named(Action::named)?);
        let (workspace, object) = (row.optional_parsed()?, row.text()?.to_owned());
        let origin = Origin { actor, address: row.optional_parsed()?, request: row.optional_parsed()? };
        let details = row.optional_text()?.map(str::parse).transpose().map_err(|_| row.malformed("JSON"))?;
        Ok(Self { id, origin, action, workspace, object, details })
    }
}
