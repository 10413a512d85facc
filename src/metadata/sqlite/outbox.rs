//! Messages to the outside: written once, acknowledged once, removed later.

use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::outbox::OutboxStore;
use crate::model::ids::ProcessId;
use crate::model::outbox::{Message, NewMessage, OutboxStatus, SinkName};
use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, params};

#[async_trait]
impl OutboxStore for SqliteStore {
    async fn add_message(&self, message: NewMessage) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| add(change.connection, &message, now_seconds)).await
    }

    /// One process at a time has the database.
    async fn next_message(&self, sink: SinkName, _process: ProcessId) -> Result<Option<Message>, MetadataError> {
        self.readers.point(|connection| next(connection, sink))
    }

    async fn release_message(&self, _seq: u64, _process: ProcessId) -> Result<(), MetadataError> {
        Ok(())
    }

    async fn acknowledge_message(&self, seq: u64) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| acknowledge(change.connection, seq, now_seconds)).await
    }

    async fn outbox_status(&self, sink: SinkName) -> Result<OutboxStatus, MetadataError> {
        self.readers.long(move |connection| status(connection, sink)).await
    }

    async fn forget_messages(
        &self,
        sink: SinkName,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError> {
        let until = self.clock.now_seconds().saturating_sub(older_than_seconds);
        self.expire(move |connection| forget(connection, sink, until, limit)).await
    }
}

/// False when there is one of this id.
pub(super) fn add(connection: &Connection, message: &NewMessage, now_seconds: u64) -> Result<bool> {
    let sql = "INSERT INTO outbox (message_id, sink, content_type, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (message_id) DO NOTHING";
    let NewMessage { id, sink, content_type, body } = message;
    let row = params![id, sink.name(), content_type, body.as_ref(), now_seconds];
    Ok(connection.prepare_cached(sql)?.execute(row)? == 1)
}

fn next(connection: &Connection, sink: SinkName) -> Result<Option<Message>> {
    let sql = "SELECT seq, message_id, content_type, body, created_at FROM outbox
               WHERE sink = ?1 AND acknowledged_at IS NULL AND refused_at IS NULL ORDER BY seq LIMIT 1";
    connection.prepare_cached(sql)?.query_row([sink.name()], message).optional()
}

/// Reads number, id, type, body and second.
pub(super) fn message(row: &rusqlite::Row<'_>) -> Result<Message> {
    Ok(Message {
        seq: row.get(0)?,
        id: row.get(1)?,
        content_type: row.get(2)?,
        body: Bytes::from(row.get::<_, Vec<u8>>(3)?),
        created_at: row.get(4)?,
    })
}

fn acknowledge(connection: &Connection, seq: u64, now_seconds: u64) -> Result<()> {
    let sql = "UPDATE outbox SET acknowledged_at = ?2 WHERE seq = ?1 AND acknowledged_at IS NULL";
    connection.prepare_cached(sql)?.execute(params![seq, now_seconds]).map(drop)
}

fn status(connection: &Connection, sink: SinkName) -> Result<OutboxStatus> {
    // Messages are numbered in the order in which they are created.
    let sql = "SELECT (SELECT count(*) FROM outbox WHERE sink = ?1 AND acknowledged_at IS NULL AND refused_at IS NULL),
                      (SELECT created_at FROM outbox WHERE sink = ?1 AND acknowledged_at IS NULL AND refused_at IS NULL
                       ORDER BY seq LIMIT 1),
                      (SELECT max(acknowledged_at) FROM outbox WHERE sink = ?1 AND acknowledged_at IS NOT NULL),
                      (SELECT count(*) FROM outbox WHERE sink = ?1 AND refused_at IS NOT NULL AND acknowledged_at IS NULL
                           AND skipped_at IS NULL),
                      (SELECT refused_status FROM outbox WHERE sink = ?1 AND refused_at IS NOT NULL
                           AND acknowledged_at IS NULL AND skipped_at IS NULL ORDER BY seq DESC LIMIT 1)";
    let status = |row: &rusqlite::Row<'_>| {
        Ok(OutboxStatus {
            pending: row.get(0)?,
            oldest_pending_at: row.get(1)?,
            last_acknowledged_at: row.get(2)?,
            refused: row.get(3)?,
            last_refusal: row.get(4)?,
        })
    };
    connection.prepare_cached(sql)?.query_row([sink.name()], status)
}

/// Removes at most `limit` messages to a sink that were acknowledged before this second; how many there were.
fn forget(connection: &Connection, sink: SinkName, until_seconds: u64, limit: u32) -> Result<usize> {
    let sql = "DELETE FROM outbox WHERE seq IN
               (SELECT seq FROM outbox WHERE sink = ?2 AND acknowledged_at < ?1 ORDER BY acknowledged_at LIMIT ?3)";
    connection.prepare_cached(sql)?.execute(params![until_seconds, sink.name(), limit])
}
