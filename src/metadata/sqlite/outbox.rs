//! Messages to the outside: written once, acknowledged once, removed later.

use super::queries::Queries;
use super::rows;
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::error::MetadataError;
use crate::metadata::outbox::OutboxStore;
use crate::metadata::rows::MESSAGE;
use crate::model::ids::ProcessId;
use crate::model::outbox::{Message, NewMessage, OutboxStatus, SinkName};
use async_trait::async_trait;
use rusqlite::{Result, Row, params};

#[async_trait]
impl OutboxStore for SqliteStore {
    async fn add_message(&self, message: NewMessage) -> Result<bool, MetadataError> {
        self.writer.write(move |transaction| add(transaction, &message)).await
    }

    /// One process at a time has the database open.
    async fn next_message(&self, sink: SinkName, _process: ProcessId) -> Result<Option<Message>, MetadataError> {
        self.readers.point(|connection| {
            let sql = format!(
                "SELECT {MESSAGE} FROM outbox
                 WHERE sink = ?1 AND acknowledged_at IS NULL AND refused_at IS NULL ORDER BY seq LIMIT 1"
            );
            connection.row(&sql, [sink.name()], rows::read)
        })
    }

    async fn release_message(&self, _seq: u64, _process: ProcessId) -> Result<(), MetadataError> {
        Ok(())
    }

    async fn acknowledge_message(&self, seq: u64) -> Result<(), MetadataError> {
        self.writer
            .write(move |transaction| {
                let sql = "UPDATE outbox SET acknowledged_at = ?2 WHERE seq = ?1 AND acknowledged_at IS NULL";
                transaction.change(sql, params![seq, transaction.now_seconds()]).map(drop)
            })
            .await
    }

    async fn outbox_status(&self, sink: SinkName) -> Result<OutboxStatus, MetadataError> {
        // Messages are numbered in the order in which they are created.
        let sql = "SELECT
            (SELECT count(*) FROM outbox WHERE sink = ?1 AND acknowledged_at IS NULL AND refused_at IS NULL),
            (SELECT created_at FROM outbox WHERE sink = ?1 AND acknowledged_at IS NULL AND refused_at IS NULL
             ORDER BY seq LIMIT 1),
            (SELECT max(acknowledged_at) FROM outbox WHERE sink = ?1 AND acknowledged_at IS NOT NULL),
            (SELECT count(*) FROM outbox WHERE sink = ?1 AND refused_at IS NOT NULL AND acknowledged_at IS NULL
                 AND skipped_at IS NULL),
            (SELECT refused_status FROM outbox WHERE sink = ?1 AND refused_at IS NOT NULL
                 AND acknowledged_at IS NULL AND skipped_at IS NULL ORDER BY seq DESC LIMIT 1)";
        let status = |row: &Row<'_>| {
            Ok(OutboxStatus {
                pending: row.get(0)?,
                oldest_pending_at: row.get(1)?,
                last_acknowledged_at: row.get(2)?,
                refused: row.get(3)?,
                last_refusal: row.get(4)?,
            })
        };
        self.readers.long(move |connection| connection.prepare_cached(sql)?.query_row([sink.name()], status)).await
    }

    async fn forget_messages(
        &self,
        sink: SinkName,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError> {
        self.expire(move |transaction| {
            let sql = "DELETE FROM outbox WHERE seq IN
                       (SELECT seq FROM outbox WHERE sink = ?2 AND acknowledged_at < ?1
                        ORDER BY acknowledged_at LIMIT ?3)";
            let until = transaction.now_seconds().saturating_sub(older_than_seconds);
            transaction.change(sql, params![until, sink.name(), limit])
        })
        .await
    }
}

/// Adds a message. Returns false when there is one of this id.
pub(super) fn add(transaction: &Transaction<'_>, message: &NewMessage) -> Result<bool> {
    let sql = "INSERT INTO outbox (message_id, sink, content_type, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (message_id) DO NOTHING";
    let NewMessage { id, sink, content_type, body } = message;
    let values = params![id, sink.name(), content_type, body.as_ref(), transaction.now_seconds()];
    Ok(transaction.change(sql, values)? == 1)
}
