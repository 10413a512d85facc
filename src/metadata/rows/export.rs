//! The progress of the export of usage.

use super::{FromRow, Row, RowReader};
use crate::model::export::{ExportPart, ExportPlace, ExportProgress};
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use crate::model::usage::Group;

/// Columns of the progress of the export.
pub const EXPORT: &str = "until, through_seq, corrections, part_through_seq, part_number, part_hour,
    part_line_item, part_workspace_id, part_api_key_id, part_purpose";

impl FromRow for ExportProgress {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let (until, through_seq, corrections) = (row.number()?, row.number()?, row.number()?);
        let part = row.optional_number()?.map(|through_seq| part(row, through_seq)).transpose()?;
        Ok(Self { until, through_seq, corrections, part })
    }
}

fn part<R: Row>(row: &mut RowReader<'_, R>, through_seq: u64) -> Result<ExportPart, R::Error> {
    let (number, hour, item) = (row.number()?, row.number()?, row.named(LineItem::named)?);
    let (workspace, key) = (row.optional_parsed()?, row.optional_parsed()?);
    let group = Group::of(workspace, key, row.optional_named(Purpose::named)?);
    Ok(ExportPart { through_seq, number, after: ExportPlace { hour, group, item } })
}
