//! The reasons why a form is refused, each with a message for the client.
//!
//! A message never contains bytes of the client, so that it is safe in a log. It knows no HTTP status.

use crate::limits::{
    MAX_BOUNDARY_BYTES, MAX_EPILOGUE_BYTES, MAX_HEADER_BLOCK_BYTES, MAX_PADDING_BYTES, MAX_PART_HEADERS, MAX_PARTS,
    MAX_PREAMBLE_BYTES,
};
use thiserror::Error;

/// The reason why a form is refused. Every variant is a mistake of the client; its message says what to send instead.
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
    /// Two boundary parameters: a server cannot tell which one the body uses.
    #[error("The Content-Type of the request names two boundaries; send one.")]
    BoundaryRepeated,
    /// Longer than [`MAX_BOUNDARY_BYTES`]. RFC 2046 section 5.1.1 sets a lower limit.
    #[error("The multipart boundary is longer than {MAX_BOUNDARY_BYTES} bytes.")]
    BoundaryTooLong,
    /// A character that is not printable ASCII, or a trailing space, which would look like padding.
    #[error("The multipart boundary may hold only printable ASCII characters, and may not end with a space.")]
    BoundaryIllegal,

    // About the framing of the body.
    /// Also returned for a body that uses another boundary than its Content-Type names.
    #[error("The multipart body has more than {MAX_PREAMBLE_BYTES} bytes before its first boundary.")]
    PreambleTooLong,
    /// Parsers disagree about the first part of such a body.
    #[error("The first boundary in the multipart body must stand at the beginning of a line.")]
    BoundaryWithinLine,
    /// Also returned if the content contains the boundary: a client must choose a boundary that the content does not
    /// contain.
    #[error("A boundary in the multipart body is followed by neither a line break (CRLF) nor two hyphens.")]
    DelimiterMalformed,
    /// A boundary line or a header line that ends with LF. RFC 2046 section 5.1.1 requires CRLF.
    #[error("The multipart body has a boundary or a header that ends with LF alone; such lines must end with CRLF.")]
    BareLineFeed,
    /// RFC 2046 section 5.1.1 sets no limit.
    #[error("A boundary in the multipart body is followed by more than {MAX_PADDING_BYTES} bytes of spaces and tabs.")]
    PaddingTooLong,
    /// Returned when the part after the last allowed one begins.
    #[error("The form has more than {MAX_PARTS} parts.")]
    TooManyParts,
    /// RFC 2046 section 5.1.1 sets no limit.
    #[error("The multipart body has more than {MAX_EPILOGUE_BYTES} bytes after its closing boundary.")]
    EpilogueTooLong,
    /// Returned by [`Scanner::finish`](crate::Scanner::finish), as is `Truncated`.
    #[error("The multipart body does not hold the boundary that the Content-Type of the request names.")]
    BoundaryAbsent,
    /// Also returned for an empty body.
    #[error("The multipart body ended before its closing boundary.")]
    Truncated,

    // About the headers of one part.
    /// Returned as soon as the limit is passed, whether or not the block ends.
    #[error("The headers of a part are longer than {MAX_HEADER_BLOCK_BYTES} bytes.")]
    HeaderBlockTooLong,
    /// Returned after the whole header block was read.
    #[error("A part has more than {MAX_PART_HEADERS} headers.")]
    TooManyHeaders,
    /// RFC 7578 section 5.1: names are sent as UTF-8.
    #[error("The headers of a part are not valid UTF-8.")]
    HeadersNotUtf8,
    /// No colon, a name outside RFC 5322 section 2.2, a NUL, or a bare CR or LF.
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
    /// A second `name`, `filename` or `filename*`. Other parameters may repeat.
    #[error("The Content-Disposition of a part gives name, filename or filename* twice; give each once.")]
    ParameterRepeated,
    /// RFC 2231 section 3, which RFC 7578 section 4.2 forbids.
    #[error("The Content-Disposition of a part gives its filename in pieces (filename*0); send it in one.")]
    FilenameContinued,
    /// An unknown charset, a bad escape, or bytes outside the charset (RFC 8187 section 3.2), without a usable
    /// `filename`.
    #[error("The filename* of a part must be percent-encoded UTF-8 or ISO-8859-1, such as: UTF-8''a%20b.txt.")]
    FilenameMalformed,
    /// RFC 7578 section 4.7.
    #[error("The Content-Transfer-Encoding of a part must be 7bit, 8bit or binary; send the bytes as they are.")]
    TransferEncodingUnsupported,
}
