//! Forms of the API, with fields in any order (docs/contract.md, sections 3 and 8).
//!
//! `venna_form` parses the body without I/O. [`FormReader`] feeds it from a request; [`receive_file`] and
//! [`receive_part`] interpret the parts. File bytes go straight to the blob.

mod fields;
mod file;

pub use fields::{OpenAiForm, expires_after, purpose, receive_part};
pub use file::{FILE, FileForm, filename, receive_file};

use super::body::BodyError;
use super::error::ApiError;
use super::headers::content_length;
use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{CONTENT_TYPE, HeaderValue};
use venna_form::limits::{
    MAX_BOUNDARY_BYTES, MAX_EPILOGUE_BYTES, MAX_HEADER_BLOCK_BYTES, MAX_PADDING_BYTES, MAX_PARTS, MAX_PREAMBLE_BYTES,
};
use venna_form::{Event, FormError, PartHeaders, Scanner};

/// The longest field that is not a file, in bytes.
pub const MAX_FIELD_BYTES: usize = 64 * 1024;
/// The maximum number of bytes of a form besides its file: fields in every part but one, every header, every boundary
/// with its hyphens, line breaks and padding, the preamble and the epilogue.
pub const MAX_FRAMING_BYTES: usize = MAX_PARTS * (MAX_FIELD_BYTES + MAX_HEADER_BLOCK_BYTES)
    + (MAX_PARTS + 1) * (MAX_BOUNDARY_BYTES + MAX_PADDING_BYTES + 8)
    + MAX_PREAMBLE_BYTES
    + MAX_EPILOGUE_BYTES;

/// Returns the least size of the file in a form, by the request's Content-Length; 0 without one.
#[must_use]
pub fn least_bytes(request: &Request) -> u64 {
    content_length(request.headers()).unwrap_or_default().saturating_sub(MAX_FRAMING_BYTES as u64)
}

/// A reader of the parts of a form while they arrive.
pub struct FormReader {
    body: BodyDataStream,
    scanner: Scanner,
}

impl From<FormError> for ApiError {
    fn from(error: FormError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl FormReader {
    /// Creates the reader of a request's form, without reading the body yet.
    ///
    /// # Errors
    /// When the request has no form, or its boundary is not valid.
    pub fn new(request: Request) -> Result<Self, ApiError> {
        let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
        let boundary =
            venna_form::boundary(content_type.as_deref().unwrap_or_default()).map_err(|error| match error {
                FormError::NotFormData => ApiError::not_a_form(content_type.as_deref()),
                other => other.into(),
            })?;
        Ok(Self { body: Body::into_data_stream(request.into_body()), scanner: Scanner::new(&boundary)? })
    }

    /// Creates the reader of a form, or of `multipart/related`, whose parts have no names.
    ///
    /// # Errors
    /// When the request has neither, or its boundary is not valid.
    pub fn of_parts(request: Request) -> Result<Self, ApiError> {
        let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
        match venna_form::boundary_of_related(content_type.as_deref().unwrap_or_default()) {
            Err(FormError::NotFormData) => Self::new(request),
            boundary => {
                let scanner = Scanner::of_related(&boundary?)?;
                Ok(Self { body: Body::into_data_stream(request.into_body()), scanner })
            }
        }
    }

    /// Returns the headers of the next part, or `None` at the end of the form. Skips the rest of the current part, and
    /// fails with `unwanted` if that rest is longer than a field may be.
    pub async fn next_part(&mut self, unwanted: impl Fn() -> ApiError) -> Result<Option<PartHeaders>, ApiError> {
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

    /// Returns the next bytes of the part, or `None` at its end.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        match self.next_event().await? {
            Event::Data(bytes) => Ok(Some(bytes)),
            Event::PartEnd | Event::Part(_) | Event::End => Ok(None),
        }
    }

    /// Reads a whole part as a short text.
    pub async fn text(&mut self, name: &str) -> Result<String, ApiError> {
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

    /// Reads the rest of the body, so that the connection can be reused.
    pub async fn drain(&mut self) -> Result<(), ApiError> {
        loop {
            while self.scanner.next_event()?.is_some() {}
            match self.body.next().await {
                Some(chunk) => self.scanner.feed(chunk.map_err(BodyError::of)?),
                None => return Ok(self.scanner.finish()?),
            }
        }
    }
}
