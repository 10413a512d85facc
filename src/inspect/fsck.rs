//! fsck: compares rows with blobs in both directions, and rows with rows.

use super::{InspectError, Inspector, Report, STEP_BLOBS};
use crate::blobs::BlobError;
use crate::metadata::{MisfitCursor, ReadyBlob};
use crate::model::finding::Finding;
use crate::model::ids::BlobId;
use crate::model::stamp::StorePairing;
use std::collections::BTreeSet;

/// The length of a blob in bytes, none for a missing one, or the reason why it is unknown.
type FoundSize = Result<Option<u64>, &'static str>;

impl Inspector {
    /// Reports mismatched stores, missing blobs, wrong sizes, orphans, and inconsistent rows. Returns the number of
    /// ready blobs.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn fsck(&self, report: &mut dyn Report) -> Result<u64, InspectError> {
        // Rows are stamped first, so they are read last.
        let (bytes, event) = (self.blobs.stamp().await?, self.blobs.last_event().await?);
        let stamps = StorePairing::between(self.metadata.stamp().await?, bytes);
        let pairing = match event {
            Some(event) => stamps.with_event(self.metadata.has_event(&event).await?),
            None => stamps,
        };
        if pairing != StorePairing::Paired {
            report.take(Finding::Mismatched { how: pairing.to_string() }).await;
        }
        let ready = self.check_ready_blobs(report).await?;
        self.check_names(report).await?;
        for name in self.blobs.quarantined().await? {
            report.take(Finding::Quarantined { name }).await;
        }
        let mut cursor = Some(MisfitCursor::default());
        while let Some(here) = cursor {
            let page = self.metadata.find_some_misfits(here).await?;
            for finding in page.findings {
                report.take(finding).await;
            }
            cursor = page.next;
        }
        Ok(ready)
    }

    async fn check_ready_blobs(&self, report: &mut dyn Report) -> Result<u64, InspectError> {
        let (mut after, mut checked) = (None, 0);
        loop {
            let step = self.metadata.ready_blobs(after, STEP_BLOBS).await?;
            let Some(last) = step.last() else { return Ok(checked) };
            after = Some(last.stored.blob);
            checked += step.len() as u64;
            for (ready, found) in step.iter().zip(self.found_sizes(&step).await?) {
                let (blob, size_bytes) = (ready.stored.blob, ready.stored.size_bytes);
                // The blob may have been deleted since its row was read.
                if found == Ok(Some(size_bytes)) || !self.metadata.is_ready(blob).await? {
                    continue;
                }
                let owner = self.metadata.blob_owner(blob).await?;
                let finding = match found {
                    Ok(None) => Finding::MissingBlob { blob, owner },
                    Ok(Some(found_bytes)) => Finding::WrongSize { blob, owner, size_bytes, found_bytes },
                    Err(why) => Finding::DamagedBlob { blob, owner, why },
                };
                report.take(finding).await;
            }
        }
    }

    /// Returns the lengths of blobs in either store, or the reason why one is unknown.
    async fn found_sizes(&self, step: &[ReadyBlob]) -> Result<Vec<FoundSize>, InspectError> {
        let outside = step.iter().filter(|ready| ready.stored.inline.is_none()).map(|ready| ready.stored.blob);
        let mut outside = self.sizes(&outside.collect::<Vec<_>>()).await?.into_iter();
        let found = step.iter().map(|ready| match &ready.stored.inline {
            Some(content) => Ok(Some(content.len() as u64)),
            None => outside.next().unwrap_or(Ok(None)),
        });
        Ok(found.collect())
    }

    /// Asks for all lengths at once, and one by one if a damaged blob fails the request.
    async fn sizes(&self, blobs: &[BlobId]) -> Result<Vec<FoundSize>, InspectError> {
        match self.blobs.sizes(blobs).await {
            Ok(sizes) => return Ok(sizes.into_iter().map(Ok).collect()),
            Err(BlobError::Damaged(..)) => {}
            Err(error) => return Err(error.into()),
        }
        let mut found = Vec::with_capacity(blobs.len());
        for blob in blobs {
            found.push(match self.blobs.sizes(&[*blob]).await {
                Ok(sizes) => Ok(sizes.into_iter().next().flatten()),
                Err(BlobError::Damaged(_, why)) => Err(why),
                Err(error) => return Err(error.into()),
            });
        }
        Ok(found)
    }

    /// Reports names without a row. A row exists before the first byte and after the last.
    async fn check_names(&self, report: &mut dyn Report) -> Result<(), InspectError> {
        let mut after = None;
        while let Some(page) = self.blobs.list(after.clone()).await? {
            for name in page.unrecognized {
                report.take(Finding::StrayFile { name }).await;
            }
            let known = self.metadata.known_blobs(page.blobs.clone()).await?;
            let unknown: BTreeSet<_> = page.blobs.into_iter().filter(|blob| !known.contains(blob)).collect();
            if !unknown.is_empty() {
                // Blobs and rows may have been deleted since the names were read.
                let again = self.blobs.list(after).await?.map(|page| page.blobs).unwrap_or_default();
                for blob in unknown.into_iter().filter(|blob| again.contains(blob)) {
                    report.take(Finding::OrphanBlob { blob }).await;
                }
            }
            after = Some(page.last);
        }
        Ok(())
    }
}
