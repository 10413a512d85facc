//! Messages that their sink refuses for good: set aside, listed, retried or skipped.

use super::outbox;
use super::rows::{self, count, stored};
use super::store::{PostgresStore, read, transaction, write};
use super::task::Task;
use super::writer::Lock;
use crate::metadata::error::MetadataError;
use crate::metadata::refused::RefusedMessageStore;
use crate::metadata::rows::MESSAGE;
use crate::model::outbox::{Message, NewMessage, RefusedMessage, SinkName};
use async_trait::async_trait;

/// The condition for a message that is set aside.
const SET_ASIDE: &str = "refused_at IS NOT NULL AND acknowledged_at IS NULL AND skipped_at IS NULL";

#[async_trait]
impl RefusedMessageStore for PostgresStore {
    async fn set_message_aside(&self, seq: u64, status: u16) -> Result<(), MetadataError> {
        write!(self, |session| {
            let sql = "UPDATE outbox SET refused_at = now_ms() / 1000, refused_status = $2, claimed_by = NULL
                       WHERE seq = $1 AND acknowledged_at IS NULL AND refused_at IS NULL";
            session.execute(sql, &[&stored(seq), &i64::from(status)]).await.map(drop)
        })
    }

    async fn replace_message(&self, seq: u64, others: Vec<NewMessage>) -> Result<bool, MetadataError> {
        let others = &others;
        transaction!(self, |tx| {
            tx.begin(&[Lock::Task(Task::Outbox)], async { Ok(()) }).await?;
            let sql = "DELETE FROM outbox WHERE seq = $1 AND acknowledged_at IS NULL";
            if tx.execute(sql, &[&stored(seq)]).await? == 0 {
                return tx.rollback_with(false).await;
            }
            for other in others {
                outbox::insert(&tx, other).await?;
            }
            tx.commit(async { Ok(()) }).await?;
            Ok(true)
        })
    }

    async fn refused_messages(&self, sink: SinkName, limit: u32) -> Result<Vec<RefusedMessage>, MetadataError> {
        read!(self, |session| {
            let sql = format!(
                "SELECT message_id, created_at, refused_at, refused_status, length(body)::bigint FROM outbox
                 WHERE sink = $1 AND {SET_ASIDE} ORDER BY seq LIMIT $2"
            );
            let found = session.rows(&sql, &[&sink.name(), &i64::from(limit)]).await?;
            rows::read_all(&found)
        })
    }

    async fn refused_message(&self, sink: SinkName, id: String) -> Result<Option<Message>, MetadataError> {
        let id = id.as_str();
        read!(self, |session| {
            let sql = format!(
                "SELECT {MESSAGE} FROM outbox
                 WHERE message_id = $2 AND sink = $1 AND {SET_ASIDE}"
            );
            session.row(&sql, &[&sink.name(), &id]).await?.as_ref().map(rows::read).transpose()
        })
    }

    async fn retry_refused(&self, sink: SinkName, id: Option<String>) -> Result<usize, MetadataError> {
        let id = id.as_deref();
        write!(self, |session| {
            let sql = format!(
                "UPDATE outbox SET refused_at = NULL, refused_status = NULL
                 WHERE sink = $1 AND ($2::text IS NULL OR message_id = $2) AND {SET_ASIDE}"
            );
            session.execute(&sql, &[&sink.name(), &id]).await
        })
        .map(count)
    }

    async fn skip_refused(&self, sink: SinkName, id: String) -> Result<bool, MetadataError> {
        let id = id.as_str();
        write!(self, |session| {
            let sql = format!(
                "UPDATE outbox SET skipped_at = now_ms() / 1000 WHERE message_id = $2 AND sink = $1 AND {SET_ASIDE}"
            );
            Ok(session.execute(&sql, &[&sink.name(), &id]).await? == 1)
        })
    }
}
