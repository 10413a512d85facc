//! Rows of the ledger, and the groups of usage that they add up to.

use super::{FromRow, Row, RowReader};
use crate::model::dialect::Dialect;
use crate::model::ledger::{Fact, LedgerRow};
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use crate::model::usage::Group;

/// Columns of a row of the ledger, behind `seq`.
pub const LEDGER: &str = "event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, line_item,
    bytes, count, request_id, dialect, reverses, note, actor";

impl FromRow for LedgerRow {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let (seq, event_id, ts) = (row.number()?, row.text()?.to_owned(), row.number()?);
        let (fact, workspace, key) = (row.text()?, row.parsed()?, row.optional_parsed()?);
        let (purpose, file) = (row.optional_named(Purpose::named)?, row.optional_parsed()?);
        let fact = Fact::named(fact, row.optional_named(LineItem::named)?);
        Ok(Self {
            seq,
            event_id,
            ts,
            fact: fact.ok_or_else(|| row.malformed("line item of its fact"))?,
            workspace,
            key,
            purpose,
            file,
            bytes: row.signed()?,
            count: row.signed()?,
            request: row.optional_parsed()?,
            dialect: row.optional_named(Dialect::named)?,
            reverses: row.optional_text()?.map(str::to_owned),
            note: row.optional_text()?.map(str::to_owned),
            actor: row.optional_parsed()?,
        })
    }
}

/// Reads `workspace_id, api_key_id, purpose`, each empty where usage is not grouped by it.
impl FromRow for Group {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let (workspace, key, purpose) = (row.parsed_or_empty()?, row.parsed_or_empty()?, row.text()?);
        let purpose = match purpose {
            "" => None,
            name => Some(Purpose::named(name).ok_or_else(|| row.malformed("name"))?),
        };
        Ok(Self::of(workspace, key, purpose))
    }
}
