//! Sends a file in parts, several at once, and goes on with those that are missing.

use crate::connection::Client;
use crate::error::ClientError;
use crate::files::FileObject;
use crate::journal::{Entry, FinishedPart, Record};
use crate::local_file::{LocalFile, SharedDigest};
use crate::new_file::NewFile;
use crate::progress::{Progress, Step, Tally};
use crate::uploads::NewUpload;
use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::{Semaphore, oneshot};

/// The size of the largest file that is sent in one request, in bytes. Larger ones are sent in parts.
pub const MAX_WHOLE_BYTES: u64 = 64 << 20;
/// The size of a part, in bytes: the largest one that servers take.
pub(crate) const PART_BYTES: u64 = 64 << 20;

/// A file that is sent in parts.
pub(crate) struct PartsUpload<'a> {
    pub(crate) client: &'a Client,
    /// The permits of requests that send content.
    pub(crate) permits: &'a Semaphore,
    pub(crate) local: &'a LocalFile,
    pub(crate) new: &'a NewFile,
    pub(crate) progress: &'a Arc<dyn Progress>,
}

impl PartsUpload<'_> {
    /// Sends what is missing, and completes the Upload. Returns none if the server has no Uploads.
    ///
    /// A server that states no SHA-256 of parts compares the MD5 of the whole instead.
    pub(crate) async fn run(&self, entry: &mut Entry) -> Result<Option<FileObject>, ClientError> {
        let Some(upload_id) = self.create(entry).await? else { return Ok(None) };
        let (wants_md5, md5_wanted) = oneshot::channel();
        // The MD5 needs the bytes in their order, and parts go in any: the file is read beside them.
        let md5 = async {
            match md5_wanted.await {
                Ok(()) => self.local.md5().await.map(Some),
                Err(_) => Ok(None),
            }
        };
        let (md5, ()) = try_join(md5, self.send_missing(&upload_id, entry, wants_md5)).await?;
        self.local.check_unchanged()?;
        let record = record(entry)?;
        let ids: Vec<&str> = record.parts.values().map(|part| part.id.as_str()).collect();
        let key = record.key("complete");
        let file = self.client.complete_upload(&upload_id, &ids, md5.as_deref(), &key).await?;
        file.map(Some).ok_or(ClientError::Gone(upload_id))
    }

    /// Returns the id of the Upload, which is created if there is none.
    async fn create(&self, entry: &mut Entry) -> Result<Option<String>, ClientError> {
        let record = record(entry)?;
        if let Some(id) = &record.upload_id {
            return Ok(Some(id.clone()));
        }
        let new = NewUpload {
            filename: &self.new.filename,
            purpose: &self.new.purpose,
            size_bytes: self.local.version.size_bytes,
            expires_after_seconds: self.new.expires_after_seconds,
        };
        let id = self.client.create_upload(&new, &record.key("create")).await?;
        if id.is_some() {
            entry.change(|record| record.upload_id.clone_from(&id)).await?;
        }
        Ok(id)
    }

    /// Sends the parts that the server lacks. Asks for the MD5 once a part was not compared.
    async fn send_missing(
        &self,
        upload_id: &str,
        entry: &mut Entry,
        wants_md5: oneshot::Sender<()>,
    ) -> Result<(), ClientError> {
        let earlier = record(entry)?.clone();
        let ranges: Vec<Range<u64>> = ranges(self.local.version.size_bytes).collect();
        let parts = ranges.len();
        for range in ranges.iter().zip(0..).filter(|(_, number)| earlier.parts.contains_key(number)) {
            self.progress.add(range.0.end.saturating_sub(range.0.start));
        }
        if entry.is_resumed {
            self.progress.note(Step::Resumed { finished_parts: earlier.parts.len(), parts });
        }
        let missing = (0..).zip(ranges).filter(|(number, _)| !earlier.parts.contains_key(number));
        let sent = missing.map(|(number, range)| self.send_part(upload_id, &earlier, number, range));
        let mut sent = stream::iter(sent).buffer_unordered(parts.min(Semaphore::MAX_PERMITS));
        let mut wants_md5 = Some(wants_md5);
        let mut compared = earlier.parts.values().all(|part| part.is_compared);
        loop {
            if !compared && let Some(wants_md5) = wants_md5.take() {
                // Nobody listens once the upload has failed.
                wants_md5.send(()).unwrap_or_default();
            }
            let Some((number, part)) = sent.try_next().await? else { return Ok(()) };
            compared &= part.is_compared;
            entry.change(|record| drop(record.parts.insert(number, part))).await?;
            let finished_parts = record(entry)?.parts.len();
            self.progress.note(Step::PartFinished { finished_parts, parts });
        }
    }

    async fn send_part(
        &self,
        upload_id: &str,
        record: &Record,
        number: u64,
        range: Range<u64>,
    ) -> Result<(u64, FinishedPart), ClientError> {
        let _permit = self.permits.acquire().await.map_err(|_| ClientError::Setup("the uploads end".to_owned()))?;
        let (tally, digest) = (Tally::new(self.progress), SharedDigest::default());
        let size_bytes = range.end.saturating_sub(range.start);
        let form = || {
            self.local.check_unchanged()?;
            digest.restart();
            let pieces = self.local.pieces(range.clone(), digest.clone(), tally.clone());
            let data = Part::stream_with_length(Body::wrap_stream(pieces), size_bytes).file_name("part");
            Ok(Form::new().part("data", data))
        };
        let part = self.client.add_part(upload_id, &record.key(&format!("part-{number}")), &tally, form).await?;
        // A server may answer before it has all bytes.
        let stated = part.sha256.filter(|_| tally.bytes() == size_bytes);
        if stated.as_ref().is_some_and(|stated| *stated != digest.hex()) {
            return Err(ClientError::Damaged(self.local.path().display().to_string()));
        }
        Ok((number, FinishedPart { id: part.id, is_compared: stated.is_some() }))
    }
}

fn record(entry: &Entry) -> Result<&Record, ClientError> {
    entry.record().ok_or_else(|| ClientError::Setup("the upload has no record".to_owned()))
}

/// Returns the ranges of the parts.
fn ranges(size_bytes: u64) -> impl Iterator<Item = Range<u64>> {
    let begins = (0..size_bytes.div_ceil(PART_BYTES)).map(|number| number.saturating_mul(PART_BYTES));
    begins.map(move |begin| begin..begin.saturating_add(PART_BYTES).min(size_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_file_once() {
        let all = |size| ranges(size).collect::<Vec<_>>();
        assert_eq!(all(PART_BYTES * 2), [0..PART_BYTES, PART_BYTES..PART_BYTES * 2]);
        assert_eq!(all(PART_BYTES + 1), [0..PART_BYTES, PART_BYTES..PART_BYTES + 1]);
        assert!(all(0).is_empty());
    }
}
