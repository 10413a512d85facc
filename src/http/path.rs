//! Ids in paths. An invalid id is answered like an unknown one, never as a malformed request. The id of a File may have
//! the form of any dialect.

use super::error::{ApiError, OfUpload};
use crate::model::ids::{FileId, LinkId, UploadId};
use axum::extract::FromRequestParts;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use std::marker::PhantomData;

/// The segment of the id in `/v1/files/{id}` and `/v1/uploads/{id}`, counted from the empty one before the first slash.
const ID_SEGMENT: usize = 3;

/// Returns a decoded segment of the path. The extractor of `axum` is not used: it answers 400 to bytes that are not
/// UTF-8.
pub fn segment(parts: &Parts, at: usize) -> String {
    let segment = parts.uri.path().split('/').nth(at).unwrap_or_default();
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The `{id}` of a path, as the client wrote it.
#[derive(Debug)]
pub struct Named<Id> {
    text: String,
    kind: PhantomData<Id>,
}

/// A kind of id that paths hold.
pub trait PathId: Sized {
    /// Parses the id; none if the text is no id.
    fn parse(text: &str) -> Option<Self>;
    /// Returns the error of an id that the workspace does not have.
    fn not_found(text: &str) -> ApiError;
}

impl PathId for FileId {
    fn parse(text: &str) -> Option<Self> {
        Self::of_any_dialect(text).ok()
    }

    fn not_found(text: &str) -> ApiError {
        ApiError::file_not_found(text)
    }
}

impl PathId for LinkId {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn not_found(text: &str) -> ApiError {
        ApiError::link_not_found(text)
    }
}

impl PathId for UploadId {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn not_found(text: &str) -> ApiError {
        ApiError::upload_not_found(text)
    }
}

impl<Id: PathId> Named<Id> {
    /// Parses the id.
    pub fn id(&self) -> Result<Id, ApiError> {
        Id::parse(&self.text).ok_or_else(|| self.not_found())
    }

    /// Returns the error of an id that the workspace does not have.
    pub fn not_found(&self) -> ApiError {
        Id::not_found(&self.text)
    }
}

impl Named<UploadId> {
    /// Returns the answer to an error with this Upload.
    pub fn explain(&self, error: impl OfUpload) -> ApiError {
        error.of_upload(&self.text)
    }
}

impl<Id: Send, S: Sync> FromRequestParts<S> for Named<Id> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self { text: segment(parts, ID_SEGMENT), kind: PhantomData })
    }
}
