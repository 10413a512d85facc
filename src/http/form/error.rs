//! Why a form is refused, and the limits that the refusals name.
//!
//! This room holds every sentence that [`scanner`](super::scanner) and [`disposition`](super::disposition) can say to a
//! client. It must never carry bytes of the client's (a message may end in a log) and must never know an HTTP status:
//! the form layer maps each variant.

use thiserror::Error;

/// Longest boundary, in bytes, without the two leading hyphens. RFC 2046 section 5.1.1 allows 70, and clients send more.
pub const MAX_BOUNDARY_BYTES: usize = 256;
/// Longest header block of one part, in bytes: its lines, their CRLFs, and the empty line that ends them.
pub const MAX_HEADER_BLOCK_BYTES: usize = 8 * 1024;
/// Most header lines of one part.
pub const MAX_PART_HEADERS: usize = 16;
/// Most parts of one form.
pub const MAX_PARTS: usize = 16;
/// Most bytes before the first boundary, not counting the CRLF that belongs to the boundary.
pub const MAX_PREAMBLE_BYTES: usize = 1024;
/// Most bytes after the two hyphens of the closing boundary.
pub const MAX_EPILOGUE_BYTES: usize = 1024;
/// Most spaces and tabs between a boundary and its line break (RFC 2046 "transport padding").
pub const MAX_PADDING_BYTES: usize = 64;

/// Why a form is refused. Each is the client's doing, and each message says what to send instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormError {
    // About the Content-Type of the request.
    /// RFC 7578 section 4.1.
    #[error("The Content-Type of the request must be multipart/form-data.")]
    NotFormData,
    /// A parameter list that RFC 9110 section 5.6.6 cannot read.
    #[error(
        "The Content-Type of the request cannot be read; it must look like: multipart/form-data; boundary=example."
    )]
    ContentTypeMalformed,
    /// No boundary, or an empty one.
    #[error(
        "The Content-Type of the request names no boundary; it must look like: multipart/form-data; boundary=example."
    )]
    BoundaryMissing,
    /// Which of two is meant is not for a server to guess.
    #[error("The Content-Type of the request names two boundaries; send one.")]
    BoundaryRepeated,
    /// RFC 2046 section 5.1.1 sets another limit.
    #[error("The multipart boundary is longer than {MAX_BOUNDARY_BYTES} bytes.")]
    BoundaryTooLong,
    /// A control character, or a space at the end, where it could not be told from padding.
    #[error("The multipart boundary may hold only printable ASCII characters, and may not end with a space.")]
    BoundaryIllegal,

    // About the framing of the body.
    /// Also what a body gets that uses another boundary than its Content-Type.
    #[error("The multipart body has more than {MAX_PREAMBLE_BYTES} bytes before its first boundary.")]
    PreambleTooLong,
    /// Others read such a body as one with another first part.
    #[error("The first boundary in the multipart body must stand at the beginning of a line.")]
    BoundaryWithinLine,
    /// Also what content gets that holds its own boundary: clients must choose one that it does not hold.
    #[error("A boundary in the multipart body is followed by neither a line break (CRLF) nor two hyphens.")]
    DelimiterMalformed,
    /// RFC 2046 section 5.1.1: line breaks are CRLF. Of a boundary's line, or of a header's.
    #[error("The multipart body has a boundary or a header that ends with LF alone; such lines must end with CRLF.")]
    BareLineFeed,
    /// RFC 2046 section 5.1.1 sets no limit.
    #[error("A boundary in the multipart body is followed by more than {MAX_PADDING_BYTES} bytes of spaces and tabs.")]
    PaddingTooLong,
    /// Found when the part after the last allowed one begins.
    #[error("The form has more than {MAX_PARTS} parts.")]
    TooManyParts,
    /// RFC 2046 section 5.1.1 sets no limit.
    #[error("The multipart body has more than {MAX_EPILOGUE_BYTES} bytes after its closing boundary.")]
    EpilogueTooLong,
    /// Found by [`Scanner::finish`](super::scanner::Scanner::finish), as is the next one.
    #[error("The multipart body does not hold the boundary that the Content-Type of the request names.")]
    BoundaryAbsent,
    /// Also what an empty body gets.
    #[error("The multipart body ended before its closing boundary.")]
    Truncated,

    // About the headers of one part.
    /// Found as soon as the limit is passed, whether or not the block ends.
    #[error("The headers of a part are longer than {MAX_HEADER_BLOCK_BYTES} bytes.")]
    HeaderBlockTooLong,
    /// Found when the whole block was read.
    #[error("A part has more than {MAX_PART_HEADERS} headers.")]
    TooManyHeaders,
    /// RFC 7578 section 5.1: names are sent as UTF-8.
    #[error("The headers of a part are not valid UTF-8.")]
    HeadersNotUtf8,
    /// No colon, a name that is not one of RFC 5322 section 2.2, a NUL, or a CR or LF on its own.
    #[error("A part has a header that cannot be read; headers are lines of `Name: value`, each ended by CRLF.")]
    HeaderMalformed,
    /// No Content-Disposition, or none with a name (RFC 7578 section 4.2).
    #[error("A part has no name; each part needs a header such as: Content-Disposition: form-data; name=\"file\".")]
    NameMissing,
    /// RFC 7578 section 4.2.
    #[error("A part has two Content-Disposition headers; send one.")]
    DispositionRepeated,
    /// RFC 7578 section 4.2.
    #[error("The Content-Disposition of a part must be form-data.")]
    DispositionNotFormData,
    /// A parameter list that RFC 2045 section 5.1 cannot read, such as an open quote.
    #[error(
        "The Content-Disposition of a part cannot be read; it must look like: form-data; name=\"file\"; filename=\"a.txt\"."
    )]
    DispositionMalformed,
    /// Only of the three parameters that are used.
    #[error("The Content-Disposition of a part gives name, filename or filename* twice; give each once.")]
    ParameterRepeated,
    /// RFC 2231 section 3, which RFC 7578 section 4.2 forbids.
    #[error("The Content-Disposition of a part gives its filename in pieces (filename*0); send it in one.")]
    FilenameContinued,
    /// RFC 8187 section 3.2: an unknown charset, a bad escape, or bytes that are not of the charset; and no other filename.
    #[error("The filename* of a part must be percent-encoded UTF-8 or ISO-8859-1, such as: UTF-8''a%20b.txt.")]
    FilenameMalformed,
    /// RFC 7578 section 4.7.
    #[error("The Content-Transfer-Encoding of a part must be 7bit, 8bit or binary; send the bytes as they are.")]
    TransferEncodingUnsupported,
}
