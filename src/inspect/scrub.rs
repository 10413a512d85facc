//! scrub: reads blobs and compares them with their checksums and digests.

use super::{InspectError, Inspector, Report, STEP_BLOBS};
use crate::blobs::BlobError;
use crate::blobs::verify::read_verified;
use crate::metadata::ReadyBlob;
use crate::metrics::METRICS;
use crate::model::byte_range::ByteRange;
use crate::model::digest::Sha256Digest;
use crate::model::finding::Finding;
use crate::model::scrub::ScrubProgress;
use crate::random;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The bytes after which a step ends, which bounds the work between two records of progress: 64 MiB.
const STEP_BYTES: u64 = 64 << 20;

/// The share of blobs to read, in hundredths of a percent: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subset(u16);

/// A limiter of the read rate.
#[derive(Clone, Copy, Debug)]
pub struct ReadPacer {
    bytes_per_second: Option<u64>,
    begun: Instant,
    read_bytes: u64,
}

impl Subset {
    /// Every blob.
    pub const ALL: Self = Self(10_000);

    /// Parses a share such as `5%` or `0.25%`; none unless it is above 0 and at most 100 percent.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.strip_suffix('%')?.split_once('.').unwrap_or((text.strip_suffix('%')?, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || fraction.len() > 2 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let hundredths = format!("{whole}{fraction:0<2}").parse().ok()?;
        (1..=Self::ALL.0).contains(&hundredths).then_some(Self(hundredths))
    }

    /// Returns at random whether a blob is in the share.
    fn samples(self) -> bool {
        self == Self::ALL || u16::from_be_bytes(random::bytes()) % Self::ALL.0 < self.0
    }
}

impl ReadPacer {
    /// Returns a limiter of this rate, in bytes per second; unlimited for none.
    #[must_use]
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, begun: Instant::now(), read_bytes: 0 }
    }

    /// Changes the rate, in bytes per second.
    pub fn set_rate(&mut self, bytes_per_second: u64) {
        *self = Self::new(Some(bytes_per_second));
    }

    /// Waits until `bytes` more may have been read.
    async fn read(&mut self, bytes: usize) {
        self.read_bytes += bytes as u64;
        if let Some(bytes_per_second) = self.bytes_per_second {
            let due_ms = u128::from(self.read_bytes) * 1000 / u128::from(bytes_per_second.max(1));
            sleep_until(self.begun + Duration::from_millis(u64::try_from(due_ms).unwrap_or(u64::MAX))).await;
        }
    }
}

impl Inspector {
    /// Reads a share of the next ready blobs and reports damage. Returns false at the end; call it until then.
    /// `progress` may be stored between calls.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn scrub_step(
        &self,
        progress: &mut ScrubProgress,
        subset: Subset,
        pace: &mut ReadPacer,
        report: &mut dyn Report,
    ) -> Result<bool, InspectError> {
        let begun_bytes = progress.bytes;
        let step = self.metadata.ready_blobs(progress.after, STEP_BLOBS).await?;
        let more = !step.is_empty();
        for ready in step {
            let (blob, size_bytes) = (ready.stored.blob, ready.stored.size_bytes);
            if subset.samples() {
                // A blob that was deleted meanwhile is not damaged.
                if let Some(why) = self.damage(ready, pace).await?
                    && self.metadata.is_ready(blob).await?
                {
                    progress.damaged += 1;
                    METRICS.damaged_blobs.inc();
                    let owner = self.metadata.blob_owner(blob).await?;
                    report.take(Finding::DamagedBlob { blob, owner, why }).await;
                }
                progress.blobs += 1;
                progress.bytes += size_bytes;
                METRICS.scrubbed_bytes.inc_by(size_bytes);
            }
            progress.after = Some(blob);
            if progress.bytes - begun_bytes >= STEP_BYTES {
                break;
            }
        }
        Ok(more)
    }

    /// Returns the damage of a blob.
    async fn damage(&self, ready: ReadyBlob, pace: &mut ReadPacer) -> Result<Option<&'static str>, InspectError> {
        let whole = ByteRange::whole(ready.stored.size_bytes);
        let mut digest = Sha256::new();
        let read = async {
            let mut content = read_verified(&*self.blobs, ready.stored, whole).await?;
            while let Some(chunk) = content.try_next().await? {
                digest.update(&chunk);
                pace.read(chunk.len()).await;
            }
            Ok(())
        };
        match read.await {
            Ok(()) => {
                let differs = Sha256Digest(digest.finalize().into()) != ready.sha256;
                Ok(differs.then_some("its SHA-256 is not what it was"))
            }
            Err(BlobError::Damaged(_, why)) => Ok(Some(why)),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_written() {
        for (text, hundredths) in [("5%", 500), ("100%", 10_000), ("0.25%", 25), ("33.3%", 3330), ("0.01%", 1)] {
            assert_eq!(Subset::parse(text), Some(Subset(hundredths)), "{text}");
        }
        for text in ["", "%", "5", "0%", "0.00%", "101%", "100.01%", "-5%", "5.001%", "5,5%", "1000%", ".5%"] {
            assert_eq!(Subset::parse(text), None, "{text}");
        }
    }
}
