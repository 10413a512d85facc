//! Rows of blobs that the sweeper removes.

use super::blobs::names;
use super::connections::Values;
use super::failure::Failure;
use super::processes::leases_are_trustworthy;
use super::rows::{number, parsed, stored};
use super::store::{PostgresStore, read, write};
use crate::metadata::error::MetadataError;
use crate::metadata::sweep::{DeletingCursor, DeletingPage, PendingBlob, SweepShare, SweepStore};
use crate::model::ids::{BlobId, ProcessId};
use async_trait::async_trait;

/// Selects blobs that are due. One statement, and so one snapshot: a hold from before a blob turned to `deleting` is
/// seen with it. The share is computed after the LIMIT, because the planner would take its condition to be rarely true.
pub(super) const DELETING: &str = "WITH due AS MATERIALIZED (
        SELECT deleted_at, id FROM blobs
        WHERE state = 'deleting' AND (deleted_at, id) > ($1, $2) AND deleted_at <= now_ms() / 1000 - $4
            AND NOT EXISTS (SELECT 1 FROM holds WHERE expires_at > now_ms() / 1000) ORDER BY deleted_at, id LIMIT $3)
    SELECT deleted_at, id, abs(hashtext(id)::bigint) % $5 = $6 FROM due ORDER BY deleted_at, id";

#[async_trait]
impl SweepStore for PostgresStore {
    async fn pending_blobs(&self) -> Result<Vec<PendingBlob>, MetadataError> {
        read!(self, |session| {
            let sql = format!(
                "SELECT b.id, b.process_id, p.id IS NOT NULL AND (p.lease_until_ms > now_ms() OR NOT {told})
                 FROM blobs b LEFT JOIN processes p ON p.id = b.process_id WHERE b.state = 'pending'",
                told = leases_are_trustworthy()
            );
            let found = session.rows(&sql, &[]).await?;
            let row = |row: &tokio_postgres::Row| {
                Ok(PendingBlob { blob: parsed(row, 0)?, process: parsed(row, 1)?, lives: row.try_get(2)? })
            };
            found.iter().map(row).collect()
        })
    }

    async fn abandon_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        let blobs = blobs.as_slice();
        write!(self, |session| {
            let sql = "UPDATE blobs SET state = 'deleting', checksums = NULL WHERE id = ANY($1) AND state = 'pending'";
            session.execute(sql, &[&names(blobs)]).await.map(drop)
        })
    }

    async fn sweep_share(&self, process: ProcessId) -> Result<SweepShare, MetadataError> {
        read!(self, |session| {
            let sql = "SELECT l.place, l.count FROM (
                           SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS count
                           FROM processes WHERE lease_until_ms > now_ms()) l WHERE l.id = $1";
            let Some(row) = session.row(sql, &[&process.to_string()]).await? else { return Ok(SweepShare::WHOLE) };
            let number = |column| Ok::<_, Failure>(u32::try_from(number(&row, column)?).unwrap_or(u32::MAX));
            Ok(SweepShare { place: number(0)?, of: number(1)? })
        })
    }

    async fn deleting_blobs(
        &self,
        share: SweepShare,
        after: Option<DeletingCursor>,
        limit: u32,
        delay_seconds: u64,
    ) -> Result<DeletingPage, MetadataError> {
        read!(self, |session| {
            let (since, blob) = after.map(|after| (after.deleted_at, after.blob.to_string())).unwrap_or_default();
            let (of, place) = (i64::from(share.of.max(1)), i64::from(share.place));
            let values: Values<'_> = &[&stored(since), &blob, &i64::from(limit), &stored(delay_seconds), &of, &place];
            let found = session.rows(DELETING, values).await?;
            let row = |row: &tokio_postgres::Row| {
                Ok::<_, Failure>((
                    DeletingCursor { deleted_at: number(row, 0)?, blob: parsed(row, 1)? },
                    row.try_get(2)?,
                ))
            };
            Ok(DeletingPage::of(found.iter().map(row).collect::<Result<_, _>>()?, limit))
        })
    }

    async fn forget_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        let blobs = blobs.as_slice();
        write!(self, |session| {
            let sql = "DELETE FROM blobs WHERE id = ANY($1) AND state = 'deleting'";
            session.execute(sql, &[&names(blobs)]).await.map(drop)
        })
    }
}
