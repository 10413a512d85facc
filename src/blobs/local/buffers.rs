//! A pool of one-block buffers, so that downloads allocate nothing and stay in the processor's cache.

use crate::model::digest::BLOCK_BYTES;
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};

/// The maximum of idle buffers: 8 MiB.
const MAX_IDLE: usize = 32;
#[expect(clippy::cast_possible_truncation, reason = "a block is 256 KiB")]
const BUFFER_BYTES: usize = BLOCK_BYTES as usize;

/// The idle buffers.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// A buffer that returns to the pool on drop.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    /// The number of filled bytes.
    filled: usize,
    home: Buffers,
}

impl Buffers {
    pub(super) fn take(&self) -> Buffer {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: idle.unwrap_or_else(|| vec![0; BUFFER_BYTES]), filled: 0, home: self.clone() }
    }
}

impl Buffer {
    /// Returns the number of filled bytes.
    pub(super) const fn filled(&self) -> usize {
        self.filled
    }

    /// Returns the unfilled bytes up to `length`.
    pub(super) fn room(&mut self, length: usize) -> &mut [u8] {
        self.bytes.get_mut(self.filled..length).unwrap_or_default()
    }

    /// Counts `count` more bytes as filled.
    pub(super) const fn grow(&mut self, count: usize) {
        self.filled += count;
    }

    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut idle = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_once_its_bytes_are_gone() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take();
        buffer.room(5).copy_from_slice(b"bytes");
        buffer.grow(5);
        let bytes = buffer.freeze();
        let part = bytes.slice(1..3);
        drop(bytes);
        assert_eq!((&*part, buffers.0.lock().unwrap().len()), (b"yt".as_slice(), 0));
        drop(part);
        assert_eq!(buffers.0.lock().unwrap().len(), 1);
        assert_eq!(buffers.take().filled(), 0);
        let many: Vec<_> = (0..2 * MAX_IDLE).map(|_| buffers.take()).collect();
        drop(many);
        assert_eq!(buffers.0.lock().unwrap().len(), MAX_IDLE);
    }
}
