//! A range of a file's content.

/// Bytes `start..end` of a content; never longer than the content it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The offset of the first byte.
    pub start: u64,
    /// The offset after the last byte.
    pub end: u64,
}

impl ByteRange {
    /// Returns the range of a whole content of `size_bytes`.
    #[must_use]
    pub const fn whole(size_bytes: u64) -> Self {
        Self { start: 0, end: size_bytes }
    }

    /// Returns the length, in bytes.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.end - self.start
    }

    /// Returns whether the range is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end == self.start
    }
}
