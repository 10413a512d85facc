//! Messages that their receiver refused: they are set aside, and an operator sends them again or gives them up.

use super::outbox;
use super::queries::Queries;
use super::rows;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::refused::RefusedMessageStore;
use crate::metadata::rows::MESSAGE;
use crate::model::outbox::{Message, NewMessage, RefusedMessage, SinkName};
use async_trait::async_trait;
use rusqlite::params;

/// The condition that a message is set aside.
const SET_ASIDE: &str = "refused_at IS NOT NULL AND acknowledged_at IS NULL AND skipped_at IS NULL";

#[async_trait]
impl RefusedMessageStore for SqliteStore {
    async fn set_message_aside(&self, seq: u64, status: u16) -> Result<(), MetadataError> {
        self.writer
            .write(move |transaction| {
                let sql = "UPDATE outbox SET refused_at = ?2, refused_status = ?3
                           WHERE seq = ?1 AND acknowledged_at IS NULL AND refused_at IS NULL";
                transaction.change(sql, params![seq, transaction.now_seconds(), status]).map(drop)
            })
            .await
    }

    async fn replace_message(&self, seq: u64, others: Vec<NewMessage>) -> Result<bool, MetadataError> {
        self.writer
            .write(move |transaction| {
                let sql = "DELETE FROM outbox WHERE seq = ?1 AND acknowledged_at IS NULL";
                if transaction.change(sql, [seq])? == 0 {
                    return Ok(false);
                }
                others.iter().try_for_each(|other| outbox::add(transaction, other).map(drop))?;
                Ok(true)
            })
            .await
    }

    async fn refused_messages(&self, sink: SinkName, limit: u32) -> Result<Vec<RefusedMessage>, MetadataError> {
        let sql = format!(
            "SELECT message_id, created_at, refused_at, refused_status, length(body) FROM outbox
             WHERE sink = ?1 AND {SET_ASIDE} ORDER BY seq LIMIT ?2"
        );
        self.readers.long(move |connection| connection.rows(&sql, params![sink.name(), limit], rows::read)).await
    }

    async fn refused_message(&self, sink: SinkName, id: String) -> Result<Option<Message>, MetadataError> {
        let sql = format!(
            "SELECT {MESSAGE} FROM outbox
             WHERE message_id = ?2 AND sink = ?1 AND {SET_ASIDE}"
        );
        self.readers.long(move |connection| connection.row(&sql, [sink.name(), &id], rows::read)).await
    }

    async fn retry_refused(&self, sink: SinkName, id: Option<String>) -> Result<usize, MetadataError> {
        let sql = format!(
            "UPDATE outbox SET refused_at = NULL, refused_status = NULL
             WHERE sink = ?1 AND (?2 IS NULL OR message_id = ?2) AND {SET_ASIDE}"
        );
        self.writer.write(move |transaction| transaction.change(&sql, params![sink.name(), id])).await
    }

    async fn skip_refused(&self, sink: SinkName, id: String) -> Result<bool, MetadataError> {
        let sql = format!("UPDATE outbox SET skipped_at = ?3 WHERE message_id = ?2 AND sink = ?1 AND {SET_ASIDE}");
        self.writer
            .write(move |transaction| {
                Ok(transaction.change(&sql, params![sink.name(), id, transaction.now_seconds()])? == 1)
            })
            .await
    }
}
