//! A stretch of a file's content.

/// Bytes `start..end` of some content; never longer than the content it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset behind the last byte.
    pub end: u64,
}

impl ByteRange {
    /// The whole of content of `size_bytes`.
    #[must_use]
    pub const fn whole(size_bytes: u64) -> Self {
        Self { start: 0, end: size_bytes }
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether it holds no byte.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end == self.start
    }
}
