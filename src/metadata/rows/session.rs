//! Sessions of the console.

use super::{FromRow, Row, RowReader};
use crate::model::api_key::KeyDigest;
use crate::model::session::Session;

/// Columns of a session.
pub const SESSION: &str = "id, actor, key_digest, address, last_used_at, expires_at, ends_at";

impl FromRow for Session {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        Ok(Self {
            id: row.parsed()?,
            actor: row.parsed()?,
            key_digest: row.optional_digest()?.map(|digest| KeyDigest(digest.0)),
            address: row.optional_parsed()?,
            last_used_at: row.number()?,
            expires_at: row.number()?,
            ends_at: row.number()?,
        })
    }
}
