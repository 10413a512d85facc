//! Reading blobs and comparing them with their checksums and digests.

use super::{InspectError, Inspector, Report, STEP_BLOBS};
use crate::blobs::BlobError;
use crate::blobs::verify::read_verified;
use crate::metadata::ReadyBlob;
use crate::model::byte_range::ByteRange;
use crate::model::digest::Sha256Digest;
use crate::model::finding::Finding;
use crate::random;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Which share of the blobs is read, in hundredths of a percent: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subset(u16);

/// How fast blobs are read at most, in bytes a second; as fast as the disk gives them when none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace(pub Option<u64>);

/// What a scrub read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Blobs that were read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of the blobs that are damaged.
    pub damaged: u64,
}

impl Subset {
    /// Every blob.
    pub const ALL: Self = Self(10_000);

    /// A share such as `5%` or `0.25%`; none when it is not above 0 and at most 100 percent.
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

    /// Whether a blob is in the share this time.
    fn takes_one(self) -> bool {
        self == Self::ALL || u16::from_be_bytes(random::bytes()) % Self::ALL.0 < self.0
    }
}

impl Inspector {
    /// Reads a share of the ready blobs, no faster than `pace`, and reports what is damaged.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn scrub(&self, subset: Subset, pace: Pace, report: Report<'_>) -> Result<Scrubbed, InspectError> {
        let (mut scrubbed, mut after, begun) = (Scrubbed::default(), None, Instant::now());
        loop {
            let step = self.metadata.ready_blobs(after, STEP_BLOBS).await?;
            let Some(last) = step.last() else { return Ok(scrubbed) };
            after = Some(last.stored.blob);
            for ready in step.into_iter().filter(|_| subset.takes_one()) {
                let (blob, size_bytes) = (ready.stored.blob, ready.stored.size_bytes);
                scrubbed.blobs += 1;
                scrubbed.bytes += size_bytes;
                // A blob that was deleted while it was read is nobody's damage.
                if let Some(why) = self.damage(ready).await?
                    && self.metadata.is_ready(blob).await?
                {
                    scrubbed.damaged += 1;
                    report(Finding::DamagedBlob { blob, why });
                }
                pace.wait(begun, scrubbed.bytes).await;
            }
        }
    }

    /// What is wrong with the bytes of a blob.
    async fn damage(&self, ready: ReadyBlob) -> Result<Option<&'static str>, InspectError> {
        let whole = ByteRange::whole(ready.stored.size_bytes);
        let read = match read_verified(&*self.blobs, ready.stored, whole).await {
            Ok(content) => {
                content.try_fold(Sha256::new(), |digest, chunk| async move { Ok(digest.chain_update(&chunk)) }).await
            }
            Err(error) => Err(error),
        };
        match read {
            Ok(digest) => {
                let differs = Sha256Digest(digest.finalize().into()) != ready.sha256;
                Ok(differs.then_some("its SHA-256 is not what it was"))
            }
            Err(BlobError::Damaged(_, why)) => Ok(Some(why)),
            Err(error) => Err(error.into()),
        }
    }
}

impl Pace {
    async fn wait(self, begun: Instant, read_bytes: u64) {
        if let Some(seconds) = self.0.map(|bytes_per_second| read_bytes / bytes_per_second.max(1)) {
            sleep_until(begun + Duration::from_secs(seconds)).await;
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
