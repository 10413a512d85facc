//! The outbox: messages are inserted once, acknowledged once, and removed later. One transaction at a time inserts
//! messages, so that those of a sink become visible in the order of their numbers.

use super::connections::Values;
use super::failure::Failure;
use super::rows::{self, count, number, optional_number, stored};
use super::store::{PostgresStore, read, transaction, write};
use super::task::Task;
use super::writer::{Lock, Transaction};
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::metadata::outbox::OutboxStore;
use crate::metadata::rows::MESSAGE;
use crate::model::ids::ProcessId;
use crate::model::outbox::{Message, NewMessage, OutboxStatus, SinkName};
use async_trait::async_trait;

#[async_trait]
impl OutboxStore for PostgresStore {
    async fn add_message(&self, message: NewMessage) -> Result<bool, MetadataError> {
        let message = &message;
        transaction!(self, |tx| {
            tx.begin(&[Lock::Task(Task::Outbox)], async { Ok(()) }).await?;
            let added = insert(&tx, message).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(added)
        })
    }

    async fn next_message(&self, sink: SinkName, process: ProcessId) -> Result<Option<Message>, MetadataError> {
        write!(self, |session| {
            // The oldest message is claimed, unless another live server has claimed it.
            let sql = format!(
                "UPDATE outbox o SET claimed_by = $2
                 WHERE o.seq = (SELECT seq FROM outbox
                                WHERE sink = $1 AND acknowledged_at IS NULL AND refused_at IS NULL
                                ORDER BY seq LIMIT 1)
                     AND o.acknowledged_at IS NULL AND o.refused_at IS NULL
                     AND (coalesce(o.claimed_by, $2) = $2 OR NOT EXISTS (
                         SELECT 1 FROM processes p WHERE p.id = o.claimed_by AND p.lease_until_ms > now_ms()))
                 RETURNING {MESSAGE}"
            );
            session.row(&sql, &[&sink.name(), &process.to_string()]).await?.as_ref().map(rows::read).transpose()
        })
    }

    async fn release_message(&self, seq: u64, process: ProcessId) -> Result<(), MetadataError> {
        write!(self, |session| {
            let sql = "UPDATE outbox SET claimed_by = NULL WHERE seq = $1 AND claimed_by = $2";
            session.execute(sql, &[&stored(seq), &process.to_string()]).await.map(drop)
        })
    }

    async fn acknowledge_message(&self, seq: u64) -> Result<(), MetadataError> {
        write!(self, |session| {
            let sql = "UPDATE outbox SET acknowledged_at = now_ms() / 1000 WHERE seq = $1 AND acknowledged_at IS NULL";
            session.execute(sql, &[&stored(seq)]).await.map(drop)
        })
    }

    async fn outbox_status(&self, sink: SinkName) -> Result<OutboxStatus, MetadataError> {
        read!(self, |session| {
            // Messages are numbered in the order in which they are created.
            let sql = "SELECT (SELECT count(*) FROM outbox
                               WHERE sink = $1 AND acknowledged_at IS NULL AND refused_at IS NULL),
                              (SELECT created_at FROM outbox
                               WHERE sink = $1 AND acknowledged_at IS NULL AND refused_at IS NULL ORDER BY seq LIMIT 1),
                              (SELECT max(acknowledged_at) FROM outbox WHERE sink = $1 AND acknowledged_at IS NOT NULL),
                              (SELECT count(*) FROM outbox WHERE sink = $1 AND refused_at IS NOT NULL
                                   AND acknowledged_at IS NULL AND skipped_at IS NULL),
                              (SELECT refused_status FROM outbox WHERE sink = $1 AND refused_at IS NOT NULL
                                   AND acknowledged_at IS NULL AND skipped_at IS NULL ORDER BY seq DESC LIMIT 1)";
            let Some(row) = session.row(sql, &[&sink.name()]).await? else { return Ok(OutboxStatus::default()) };
            let last_refusal = optional_number(&row, 4)?.map(u16::try_from).transpose();
            Ok(OutboxStatus {
                pending: number(&row, 0)?,
                oldest_pending_at: optional_number(&row, 1)?,
                last_acknowledged_at: optional_number(&row, 2)?,
                refused: number(&row, 3)?,
                last_refusal: last_refusal.map_err(|_| Failure::Unreadable("a status is too large".to_owned()))?,
            })
        })
    }

    async fn forget_messages(
        &self,
        sink: SinkName,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        write!(self, |session| {
            let sql = "WITH old AS MATERIALIZED (
                           SELECT seq FROM outbox WHERE sink = $2 AND acknowledged_at < now_ms() / 1000 - $1
                           ORDER BY acknowledged_at LIMIT $3 FOR UPDATE SKIP LOCKED)
                       DELETE FROM outbox o USING old WHERE o.seq = old.seq";
            session.execute(sql, &[&stored(older_than_seconds), &sink.name(), &i64::from(limit)]).await
        })
        .map(count)
    }
}

/// Inserts a message in a transaction that holds [`Task::Outbox`]. Returns false if its id exists.
pub(super) async fn insert(tx: &Transaction<'_>, message: &NewMessage) -> Result<bool, Failure> {
    let sql = "INSERT INTO outbox (message_id, sink, content_type, body, created_at) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (message_id) DO NOTHING";
    let NewMessage { id, sink, content_type, body } = message;
    let (sink, now_seconds) = (sink.name(), stored(tx.now_seconds()));
    let values: Values<'_> = &[id, &sink, content_type, &body.as_ref(), &now_seconds];
    Ok(tx.execute(sql, values).await? == 1)
}
