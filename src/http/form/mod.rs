//! Forms: `multipart/form-data` in bounded memory, its fields in any order (docs/contract.md, sections 3 and 8).
//!
//! [`scanner`] finds the parts and [`disposition`] reads their headers, both without I/O; [`FormReader`] feeds them from
//! a request's body; [`receive_file`] gives the parts their meaning. File bytes go straight on to the blob.

pub mod disposition;
pub mod error;
mod fields;
pub mod scanner;

pub use fields::{expires_after, filename, purpose, receive_file, receive_part};

use super::body::BodyError;
use super::catalogue::ErrorKind;
use super::error::{ApiError, echo};
use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use bytes::Bytes;
use disposition::PartHeaders;
use error::{
    FormError, MAX_BOUNDARY_BYTES, MAX_EPILOGUE_BYTES, MAX_HEADER_BLOCK_BYTES, MAX_PADDING_BYTES, MAX_PARTS,
    MAX_PREAMBLE_BYTES,
};
use futures_util::StreamExt;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use scanner::{Event, Scanner};

/// The media type of forms (RFC 7578).
const FORM_DATA: &str = "multipart/form-data";
/// The longest field that is not a file, in bytes.
pub const MAX_FIELD_BYTES: usize = 64 * 1024;
/// The most that a form can be longer than its file, in bytes: every part but one a field, every header, every boundary
/// with its hyphens, line breaks and padding, and what may stand around them.
pub const MAX_FRAMING_BYTES: usize = MAX_PARTS * (MAX_FIELD_BYTES + MAX_HEADER_BLOCK_BYTES)
    + (MAX_PARTS + 1) * (MAX_BOUNDARY_BYTES + MAX_PADDING_BYTES + 8)
    + MAX_PREAMBLE_BYTES
    + MAX_EPILOGUE_BYTES;

/// Returns the fewest bytes that the file of a form can have, by the declared length of the request; 0 where none is declared.
#[must_use]
pub fn least_bytes(request: &Request) -> u64 {
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    declared.unwrap_or_default().saturating_sub(MAX_FRAMING_BYTES as u64)
}

/// The parts of a form, as they come in.
pub struct FormReader {
    body: BodyDataStream,
    scanner: Scanner,
}

/// The error of a request whose Content-Type is read; one that brings no form is told what it brings.
fn refused(error: FormError, content_type: Option<&str>) -> ApiError {
    if error != FormError::NotFormData {
        return error.into();
    }
    let came = content_type.filter(|content_type| !content_type.is_empty());
    let came = came.map_or_else(|| "absent".to_owned(), |content_type| format!("'{}'", echo(content_type)));
    let message = format!("The Content-Type of the request is {came}; this operation takes {FORM_DATA}.");
    ApiError::new(ErrorKind::UnsupportedMediaType, message).header(ACCEPT, FORM_DATA)
}

impl FormReader {
    /// Begins to read the form of a request. None of its body is asked for yet.
    ///
    /// # Errors
    /// When the request brings no form, or its boundary is not one.
    pub fn new(request: Request) -> Result<Self, ApiError> {
        let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
        let boundary = disposition::boundary(content_type.as_deref().unwrap_or_default())
            .map_err(|error| refused(error, content_type.as_deref()))?;
        Ok(Self { body: Body::into_data_stream(request.into_body()), scanner: Scanner::new(&boundary)? })
    }

    /// The headers of the next part, or none at the end of the form. What is left of the part before is passed over, and
    /// is answered with `unwanted` when it is longer than a field may be.
    async fn next_part(&mut self, unwanted: impl Fn() -> ApiError) -> Result<Option<PartHeaders>, ApiError> {
        let mut skipped_bytes = 0;
        loop {
            match self.next_event().await? {
                Event::Part(headers) => return Ok(Some(headers)),
                Event::Data(bytes) => {
                    skipped_bytes += bytes.len();
                    if skipped_bytes > MAX_FIELD_BYTES {
                        return Err(unwanted());
                    }
                }
                Event::PartEnd => {}
                Event::End => return Ok(None),
            }
        }
    }

    /// The next bytes of the part, or none at its end.
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        match self.next_event().await? {
            Event::Data(bytes) => Ok(Some(bytes)),
            Event::PartEnd | Event::Part(_) | Event::End => Ok(None),
        }
    }

    /// The whole of a part that is a short text.
    async fn text(&mut self, name: &str) -> Result<String, ApiError> {
        let mut text = Vec::new();
        while let Some(chunk) = self.next_chunk().await? {
            if text.len() + chunk.len() > MAX_FIELD_BYTES {
                let message = format!("The field '{name}' is longer than {MAX_FIELD_BYTES} bytes.");
                return Err(ApiError::invalid(message).param(name));
            }
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text)
            .map_err(|_| ApiError::invalid(format!("The field '{name}' is not valid UTF-8.")).param(name))
    }

    async fn next_event(&mut self) -> Result<Event, ApiError> {
        loop {
            if let Some(event) = self.scanner.next_event()? {
                return Ok(event);
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.scanner.feed(chunk),
                Some(Err(error)) => return Err(BodyError::of(error).into()),
                None => {
                    self.scanner.finish()?;
                    return Ok(Event::End);
                }
            }
        }
    }

    /// Reads what follows the form, so that the connection can be used again.
    async fn drain(&mut self) -> Result<(), ApiError> {
        loop {
            while self.scanner.next_event()?.is_some() {}
            match self.body.next().await {
                Some(chunk) => self.scanner.feed(chunk.map_err(BodyError::of)?),
                None => return Ok(self.scanner.finish()?),
            }
        }
    }
}
