//! Comparing rows with blobs, in both directions, and rows with rows.

use super::{InspectError, Inspector, Report, STEP_BLOBS};
use crate::blobs::BlobError;
use crate::metadata::{MisfitCursor, ReadyBlob};
use crate::model::finding::Finding;
use crate::model::ids::BlobId;
use crate::model::stamp::Lineage;
use std::collections::BTreeSet;

/// The length of what is there in bytes, none for what is not there, or why it cannot be told.
type FoundSize = Result<Option<u64>, &'static str>;

impl Inspector {
    /// Looks whether the stores belong together, for blobs that are missing or have another size, for names in the blob
    /// store that nothing knows, and for rows that do not fit each other. How many ready blobs there are.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn fsck(&self, report: Report<'_>) -> Result<u64, InspectError> {
        // Rows are stamped first, so they are asked last.
        let (bytes, event) = (self.blobs.stamp().await?, self.blobs.last_event().await?);
        let stamps = Lineage::between(self.metadata.stamp().await?, bytes);
        let lineage = match event {
            Some(event) => stamps.with_event(self.metadata.has_event(&event).await?),
            None => stamps,
        };
        if lineage != Lineage::Together {
            report(Finding::Mismatched { how: lineage.to_string() });
        }
        let ready = self.check_ready_blobs(report).await?;
        self.check_names(report).await?;
        for name in self.blobs.quarantined().await? {
            report(Finding::Quarantined { name });
        }
        let mut cursor = Some(MisfitCursor::default());
        while let Some(here) = cursor {
            let page = self.metadata.find_some_misfits(here).await?;
            page.findings.into_iter().for_each(&mut *report);
            cursor = page.next;
        }
        Ok(ready)
    }

    async fn check_ready_blobs(&self, report: Report<'_>) -> Result<u64, InspectError> {
        let (mut after, mut checked) = (None, 0);
        loop {
            let step = self.metadata.ready_blobs(after, STEP_BLOBS).await?;
            let Some(last) = step.last() else { return Ok(checked) };
            after = Some(last.stored.blob);
            checked += step.len() as u64;
            for (ready, found) in step.iter().zip(self.found_sizes(&step).await?) {
                let (blob, size_bytes) = (ready.stored.blob, ready.stored.size_bytes);
                // It may have been deleted since its row was read.
                if found == Ok(Some(size_bytes)) || !self.metadata.is_ready(blob).await? {
                    continue;
                }
                let owner = self.metadata.blob_owner(blob).await?;
                report(match found {
                    Ok(None) => Finding::MissingBlob { blob, owner },
                    Ok(Some(found_bytes)) => Finding::WrongSize { blob, owner, size_bytes, found_bytes },
                    Err(why) => Finding::DamagedBlob { blob, owner, why },
                });
            }
        }
    }

    /// Returns the lengths of what is there, wherever it is, in bytes, or why one cannot be told.
    async fn found_sizes(&self, step: &[ReadyBlob]) -> Result<Vec<FoundSize>, InspectError> {
        let outside = step.iter().filter(|ready| ready.stored.inline.is_none()).map(|ready| ready.stored.blob);
        let mut outside = self.sizes(&outside.collect::<Vec<_>>()).await?.into_iter();
        let found = step.iter().map(|ready| match &ready.stored.inline {
            Some(content) => Ok(Some(content.len() as u64)),
            None => outside.next().unwrap_or(Ok(None)),
        });
        Ok(found.collect())
    }

    /// Asks for all at once, and one by one when that fails for the damage of one.
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

    /// A row is there before the first byte and goes after the last: a name without a row is nobody's.
    async fn check_names(&self, report: Report<'_>) -> Result<(), InspectError> {
        let mut after = None;
        while let Some(page) = self.blobs.names(after.clone()).await? {
            for name in page.strays {
                report(Finding::StrayFile { name });
            }
            let known = self.metadata.known_blobs(page.blobs.clone()).await?;
            let unknown: BTreeSet<_> = page.blobs.into_iter().filter(|blob| !known.contains(blob)).collect();
            if !unknown.is_empty() {
                // They may have been removed, and their rows with them, since their names were read.
                let again = self.blobs.names(after).await?.map(|page| page.blobs).unwrap_or_default();
                for blob in unknown.into_iter().filter(|blob| again.contains(blob)) {
                    report(Finding::OrphanBlob { blob });
                }
            }
            after = Some(page.last);
        }
        Ok(())
    }
}
