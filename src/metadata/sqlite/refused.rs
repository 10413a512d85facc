//! Messages that their receiver refused for what they say: set aside, looked at, sent again or given up.

use super::outbox;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::refused::RefusedMessageStore;
use crate::model::outbox::{Message, NewMessage, RefusedMessage, SinkName};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, params};

/// What holds for a message that is set aside.
const SET_ASIDE: &str = "refused_at IS NOT NULL AND acknowledged_at IS NULL AND skipped_at IS NULL";

#[async_trait]
impl RefusedMessageStore for SqliteStore {
    async fn set_message_aside(&self, seq: u64, status: u16) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| set_aside(change.connection, seq, status, now_seconds)).await
    }

    async fn replace_message(&self, seq: u64, others: Vec<NewMessage>) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| replace(change.connection, seq, &others, now_seconds)).await
    }

    async fn refused_messages(&self, sink: SinkName, limit: u32) -> Result<Vec<RefusedMessage>, MetadataError> {
        self.readers.long(move |connection| list(connection, sink, limit)).await
    }

    async fn refused_message(&self, sink: SinkName, id: String) -> Result<Option<Message>, MetadataError> {
        self.readers.long(move |connection| find(connection, sink, &id)).await
    }

    async fn retry_refused(&self, sink: SinkName, id: Option<String>) -> Result<usize, MetadataError> {
        self.writer.write(move |change| retry(change.connection, sink, id.as_deref())).await
    }

    async fn skip_refused(&self, sink: SinkName, id: String) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| skip(change.connection, sink, &id, now_seconds)).await
    }
}

fn set_aside(connection: &Connection, seq: u64, status: u16, now_seconds: u64) -> Result<()> {
    let sql = "UPDATE outbox SET refused_at = ?2, refused_status = ?3
               WHERE seq = ?1 AND acknowledged_at IS NULL AND refused_at IS NULL";
    connection.prepare_cached(sql)?.execute(params![seq, now_seconds, status]).map(drop)
}

/// Puts others in the place of a message, at the end of the order. False when it is acknowledged or replaced.
fn replace(connection: &Connection, seq: u64, others: &[NewMessage], now_seconds: u64) -> Result<bool> {
    let sql = "DELETE FROM outbox WHERE seq = ?1 AND acknowledged_at IS NULL";
    if connection.prepare_cached(sql)?.execute([seq])? == 0 {
        return Ok(false);
    }
    for other in others {
        outbox::add(connection, other, now_seconds)?;
    }
    Ok(true)
}

fn list(connection: &Connection, sink: SinkName, limit: u32) -> Result<Vec<RefusedMessage>> {
    let sql = format!(
        "SELECT message_id, created_at, refused_at, refused_status, length(body) FROM outbox
         WHERE sink = ?1 AND {SET_ASIDE} ORDER BY seq LIMIT ?2"
    );
    let row = |row: &rusqlite::Row<'_>| {
        Ok(RefusedMessage {
            id: row.get(0)?,
            created_at: row.get(1)?,
            refused_at: row.get(2)?,
            status: row.get(3)?,
            size_bytes: row.get(4)?,
        })
    };
    connection.prepare_cached(&sql)?.query_map(params![sink.name(), limit], row)?.collect()
}

fn find(connection: &Connection, sink: SinkName, id: &str) -> Result<Option<Message>> {
    let sql = format!(
        "SELECT seq, message_id, content_type, body, created_at FROM outbox
         WHERE message_id = ?2 AND sink = ?1 AND {SET_ASIDE}"
    );
    connection.prepare_cached(&sql)?.query_row([sink.name(), id], outbox::message).optional()
}

/// Lets one be sent again, or all; how many there were.
fn retry(connection: &Connection, sink: SinkName, id: Option<&str>) -> Result<usize> {
    let sql = format!(
        "UPDATE outbox SET refused_at = NULL, refused_status = NULL
         WHERE sink = ?1 AND (?2 IS NULL OR message_id = ?2) AND {SET_ASIDE}"
    );
    connection.prepare_cached(&sql)?.execute(params![sink.name(), id])
}

fn skip(connection: &Connection, sink: SinkName, id: &str, now_seconds: u64) -> Result<bool> {
    let sql = format!("UPDATE outbox SET skipped_at = ?3 WHERE message_id = ?2 AND sink = ?1 AND {SET_ASIDE}");
    Ok(connection.prepare_cached(&sql)?.execute(params![sink.name(), id, now_seconds])? == 1)
}
