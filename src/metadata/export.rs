//! The progress of the usage export.

use super::error::MetadataError;
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::outbox::NewMessage;
use async_trait::async_trait;
use std::fmt::Debug;

/// The progress of the usage export.
#[async_trait]
pub trait ExportStore: Debug + Send + Sync {
    /// Returns the progress of the export. Returns none before the first hour is exported.
    async fn export_progress(&self) -> Result<Option<ExportProgress>, MetadataError>;
    /// Returns the progress and the next step of the export, read in one snapshot. The first hour is that of the oldest
    /// row of the ledger. An hour is over when its end is `margin_seconds` ago and the ledger has the ends of all Files
    /// that expired in it.
    ///
    /// Late rows come before the next hour: rows behind `through_seq` of the progress whose `ts` is before its `until`.
    /// When the step has as many rows as its bounds allow, its `through_seq` is the last of them. Otherwise it is the
    /// newest row of the ledger. An exported hour reflects exactly the rows up to its `through_seq`.
    async fn next_export(&self, bounds: ExportBounds) -> Result<(Option<ExportProgress>, NextExport), MetadataError>;
    /// Inserts messages into the outbox and stores `to` as the progress, in one transaction. Returns false and changes
    /// nothing when the progress is not `from` any more.
    async fn freeze_export(
        &self,
        from: Option<ExportProgress>,
        to: ExportProgress,
        messages: Vec<NewMessage>,
    ) -> Result<bool, MetadataError>;
}
