//! The progress of the usage export.

use super::error::MetadataError;
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::outbox::NewMessage;
use async_trait::async_trait;
use std::fmt::Debug;

/// The progress of the usage export.
#[async_trait]
pub trait ExportStore: Debug + Send + Sync {
    /// How far usage is exported; none before the first hour was.
    async fn export_progress(&self) -> Result<Option<ExportProgress>, MetadataError>;
    /// What is to be exported next, all of it read at one moment. An hour is over when its end is `margin_seconds` ago and the
    /// ledger has the ends of all Files whose deadlines lie in it; the first hour is that of the oldest row of the ledger. When
    /// an hour is over, rows come first that were committed behind `through_seq` of the progress and whose `ts` lies before its
    /// `until`: so many as are asked for, and then `through_seq` is the last of them, or all, and then it is the newest row of
    /// the ledger. Hours are told of exactly as the rows up to their `through_seq` have them.
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
