//! Size, SHA-256 and block checksums, computed in one pass while bytes are written.

use crate::model::digest::{BLOCK_BYTES, BlockChecksums, ContentDigest, Sha256Digest};
use crc_fast::CrcAlgorithm;
use sha2::{Digest, Sha256};

/// CRC-32C (Castagnoli), as RFC 3720 defines it.
const CHECKSUM: CrcAlgorithm = CrcAlgorithm::Crc32Iscsi;

/// An incremental hasher. Its result does not depend on how the bytes are cut.
#[derive(Debug)]
pub struct ContentHasher {
    sha256: Sha256,
    block: crc_fast::Digest,
    checksums: Vec<u32>,
    size_bytes: u64,
}

impl Default for ContentHasher {
    fn default() -> Self {
        Self { sha256: Sha256::new(), block: crc_fast::Digest::new(CHECKSUM), checksums: Vec::new(), size_bytes: 0 }
    }
}

impl ContentHasher {
    /// Returns the digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> ContentDigest {
        let mut hasher = Self::default();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = usize::try_from(BLOCK_BYTES - self.size_bytes % BLOCK_BYTES).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.block.update(now);
            self.size_bytes += now.len() as u64;
            if self.size_bytes.is_multiple_of(BLOCK_BYTES) {
                self.end_block();
            }
            rest = later;
        }
    }

    /// Returns the digest of all bytes.
    #[must_use]
    pub fn finish(mut self) -> ContentDigest {
        if !self.size_bytes.is_multiple_of(BLOCK_BYTES) {
            self.end_block();
        }
        ContentDigest {
            size_bytes: self.size_bytes,
            sha256: Sha256Digest(self.sha256.finalize().into()),
            checksums: BlockChecksums(self.checksums),
        }
    }

    fn end_block(&mut self) {
        self.checksums.push(low_half(self.block.finalize_reset()));
    }
}

/// Returns the checksum of one block.
#[must_use]
pub fn block_checksum(block: &[u8]) -> u32 {
    low_half(crc_fast::checksum(CHECKSUM, block))
}

/// Returns the 32-bit checksum that the crate hands out as 64 bits.
fn low_half(checksum: u64) -> u32 {
    u32::try_from(checksum & u64::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_crc_32c() {
        assert_eq!(block_checksum(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn nothing_has_no_blocks() {
        let digest = ContentHasher::default().finish();
        assert_eq!(digest.checksums, BlockChecksums::default());
        assert!(digest.sha256.to_string().starts_with("e3b0c44298fc1c14"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_cut_gives_the_same_digest(size in 0_usize..3 * 262_144, cuts in prop::collection::vec(1_usize..300_000, 1..12)) {
            let content: Vec<u8> = (0..size).map(|at| (at * 31 % 251).to_le_bytes()[0]).collect();
            let mut hasher = ContentHasher::default();
            let mut rest = content.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                hasher.update(now);
                rest = later;
            }
            let digest = hasher.finish();
            prop_assert_eq!(digest.size_bytes, size as u64);
            let blocks: Vec<u32> = content.chunks(262_144).map(block_checksum).collect();
            prop_assert_eq!(digest.checksums.0, blocks);
            prop_assert_eq!(digest.sha256.0, <[u8; 32]>::from(Sha256::digest(&content)));
        }
    }
}
