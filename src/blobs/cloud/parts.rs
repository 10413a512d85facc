//! How a blob is cut into the parts in which it goes to the cloud, and what is computed of it on the way.

use crate::blobs::BlobError;
use crate::blobs::behind::Worker;
use crate::blobs::digest::ContentHasher;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use tokio::sync::mpsc::UnboundedSender;

/// The size of a part: what a blob that fits into it is held in, whole, before it is known that it does. S3 asks for at
/// least 5 MiB, and some of those that speak its protocol for parts of one size.
pub(super) const PART_BYTES: u64 = 8 << 20;
/// Parts of that size; what can be uploaded, 8 GiB, needs half of them.
const EQUAL_PARTS: u64 = 2000;
/// Further parts after which the next is larger by [`PART_BYTES`], so that the 10,000 parts of S3 hold its 5 TiB.
const PARTS_PER_STEP: u64 = 48;

/// The size of the part at this place, in bytes, of a blob that has more.
pub(super) const fn part_bytes(place: u64) -> u64 {
    PART_BYTES * (1 + place.saturating_sub(EQUAL_PARTS).div_ceil(PARTS_PER_STEP))
}

/// Hashes bytes on the blocking pool, and hands them on in pieces that keep no receive buffer alive.
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
        // Whoever does not listen any more has given the blob up.
        drop(self.pieces.send(piece.freeze()));
        Ok(())
    }
}

/// Pieces that are not sent yet.
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

    /// How many bytes it holds.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The first `bytes` of them, or all.
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
        assert!((0..10_000).all(|place| part_bytes(place) <= 5 << 30));
        let equal: u64 = (0..EQUAL_PARTS).map(part_bytes).sum();
        assert!(equal >= 8 << 30 && (0..EQUAL_PARTS).all(|place| part_bytes(place) == PART_BYTES));
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
