//! The limits of a form, in bytes or counts. They bound the memory and the time that a hostile body can take.

/// The longest boundary, in bytes, without the two leading hyphens. RFC 2046 section 5.1.1 allows 70, and clients send
/// more.
pub const MAX_BOUNDARY_BYTES: usize = 256;
/// The longest header block of a part, in bytes: its lines, their CRLFs, and the empty line that ends them.
pub const MAX_HEADER_BLOCK_BYTES: usize = 8 * 1024;
/// The most header fields of a part.
pub const MAX_PART_HEADERS: usize = 16;
/// The most parts of a form.
pub const MAX_PARTS: usize = 16;
/// The most bytes before the first boundary, without the CRLF that belongs to the boundary.
pub const MAX_PREAMBLE_BYTES: usize = 1024;
/// The most bytes after the two hyphens of the closing boundary.
pub const MAX_EPILOGUE_BYTES: usize = 1024;
/// The most spaces and tabs between a boundary and its line break ("transport padding" in RFC 2046).
pub const MAX_PADDING_BYTES: usize = 64;
