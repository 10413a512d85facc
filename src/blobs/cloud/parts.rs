//! The part sizes of multipart uploads, and the hashing of a blob on its way to the bucket.

use crate::blobs::BlobError;
use crate::blobs::blocking_pipeline::Worker;
use crate::blobs::digest::ContentHasher;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use tokio::sync::mpsc::UnboundedSender;

/// The size of a part, in bytes. A blob is buffered up to this size before an upload begins. S3 requires at least 5
/// MiB, and some compatible stores require equal parts.
pub(super) const PART_BYTES: u64 = 8 << 20;
/// The number of parts of [`PART_BYTES`]. The largest Upload, 8 GiB, needs half of them.
const EQUAL_PARTS: u64 = 2000;
/// The number of further parts of one size. The next are larger by [`PART_BYTES`], so that the 10,000 parts of S3 hold
/// its 5 TiB.
const PARTS_PER_STEP: u64 = 48;

/// Returns the size of the part with index `index` of a larger blob, in bytes.
pub(super) const fn part_bytes(index: u64) -> u64 {
    PART_BYTES * (1 + index.saturating_sub(EQUAL_PARTS).div_ceil(PARTS_PER_STEP))
}

/// A hasher on the blocking pool. It sends pieces that keep no receive buffer alive.
pub(super) struct Hashing {
    pub(super) hasher: ContentHasher,
    pub(super) pieces: UnboundedSender<Bytes>,
}

impl Worker for Hashing {
    type Error = BlobError;

    fn take(&mut self, batch: &[Bytes]) -> Result<(), BlobError> {
        let mut piece = BytesMut::with_capacity(batch.iter().map(Bytes::len).sum());
        for chunk in batch {
            self.hasher.update(chunk);
            piece.extend_from_slice(chunk);
        }
        // A closed channel means that the write was aborted.
        drop(self.pieces.send(piece.freeze()));
        Ok(())
    }
}

/// Hashed pieces that are not sent yet.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pieces: VecDeque<Bytes>,
    bytes: u64,
}

impl Collected {
    pub(super) fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len() as u64;
        self.pieces.push_back(piece);
    }

    /// Returns the number of bytes held.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes and returns the first `bytes`, or all.
    pub(super) fn take(&mut self, bytes: u64) -> Vec<Bytes> {
        let (mut taken, mut wanted) = (Vec::new(), bytes.min(self.bytes));
        self.bytes -= wanted;
        while wanted > 0
            && let Some(mut piece) = self.pieces.pop_front()
        {
            let length = usize::try_from(wanted).unwrap_or(usize::MAX);
            if piece.len() > length {
                taken.push(piece.split_to(length));
                self.pieces.push_front(piece);
                break;
            }
            wanted -= piece.len() as u64;
            taken.push(piece);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ten_thousand_parts_hold_the_largest_object_and_none_is_too_large() {
        let all: u64 = (0..10_000).map(part_bytes).sum();
        assert!(all >= 5 << 40, "{all} bytes");
        assert!((0..10_000).all(|index| part_bytes(index) <= 5 << 30));
        let equal: u64 = (0..EQUAL_PARTS).map(part_bytes).sum();
        assert!(equal >= 8 << 30 && (0..EQUAL_PARTS).all(|index| part_bytes(index) == PART_BYTES));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_what_came_first(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..9), cuts in prop::collection::vec(1_u64..60, 1..9)) {
            let whole = pieces.concat();
            let mut collected = Collected::default();
            for piece in pieces { collected.push(piece.into()); }
            let mut taken = Vec::new();
            for cut in cuts.iter().cycle() {
                if collected.bytes() == 0 { break; }
                let before = collected.bytes();
                let part = collected.take(*cut).concat();
                prop_assert_eq!(part.len() as u64, (*cut).min(before));
                prop_assert_eq!(collected.bytes(), before - part.len() as u64);
                taken.extend(part);
            }
            prop_assert_eq!(taken, whole);
        }
    }
}
