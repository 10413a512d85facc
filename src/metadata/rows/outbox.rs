//! Messages of the outbox.

use super::{FromRow, Row, RowReader};
use crate::model::outbox::{Message, RefusedMessage};
use bytes::Bytes;

/// Columns of a message.
pub const MESSAGE: &str = "seq, message_id, content_type, body, created_at";

impl FromRow for Message {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        Ok(Self {
            seq: row.number()?,
            id: row.text()?.to_owned(),
            content_type: row.text()?.to_owned(),
            body: Bytes::copy_from_slice(row.bytes()?),
            created_at: row.number()?,
        })
    }
}

/// Reads `message_id, created_at, refused_at, refused_status` and the length of the body in bytes.
impl FromRow for RefusedMessage {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        Ok(Self {
            id: row.text()?.to_owned(),
            created_at: row.number()?,
            refused_at: row.number()?,
            status: u16::try_from(row.number()?).map_err(|_| row.malformed("status"))?,
            size_bytes: row.number()?,
        })
    }
}
