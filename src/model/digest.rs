//! Digests of a blob's content: its size, its SHA-256 and a checksum of each block.

use std::fmt;

/// The size of a block, in bytes. The last block of a blob may be shorter.
pub const BLOCK_BYTES: u64 = 256 * 1024;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

impl fmt::Display for Sha256Digest {
    /// Formats 64 lower-case hex digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        out.write_str(base16ct::lower::encode_str(&self.0, &mut digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The CRC-32C of each block of [`BLOCK_BYTES`], in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockChecksums(pub Vec<u32>);

impl BlockChecksums {
    /// Returns four big-endian bytes for each block, as the metadata store keeps them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|checksum| checksum.to_be_bytes()).collect()
    }

    /// Parses the form of [`Self::to_bytes`]; none when the length is not a multiple of four.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<4>();
        rest.is_empty().then(|| Self(words.iter().map(|word| u32::from_be_bytes(*word)).collect()))
    }
}

/// The digest that a blob store computed while it wrote a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDigest {
    /// The length of the content, in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the content.
    pub sha256: Sha256Digest,
    /// The checksums of its blocks.
    pub checksums: BlockChecksums,
}
