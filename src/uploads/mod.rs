//! The service of Uploads: create, add a part, retrieve, list parts, complete, cancel.
//!
//! An Upload collects parts, each a blob as durable as a File's, and becomes a File when they are named in order; no
//! byte is copied. Completing makes a File, so this module imports `files`, the only import within its layer. Handlers
//! call it.

mod add_part;
mod cancel;
mod complete;
mod create;
mod hashing;
mod resumable;
mod retrieve;
mod runs;

pub use add_part::AddPartError;
pub use complete::CompleteError;
pub use create::{CreateUploadError, PlannedUpload};
pub use hashing::{Hashing, Md5Digest};
pub use resumable::AppendError;

use crate::files::{Files, StoreError};
use crate::metadata::{AnswerStore, MetadataError, UploadStore, trait_set};
use crate::model::upload::UploadRefusal;
use std::sync::Arc;

trait_set! {
    /// The rows that the verbs of Uploads use.
    pub trait UploadsMetadata: AnswerStore + UploadStore;
}

/// The service of Uploads.
#[derive(Clone, Debug)]
pub struct Uploads {
    /// The service of Files, which receives bytes.
    pub files: Files,
    /// The metadata store.
    pub metadata: Arc<dyn UploadsMetadata>,
    /// The service that hashes parts to compare an MD5.
    pub hashing: Arc<Hashing>,
}

/// A failure of an operation on an Upload.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The Upload refuses it.
    #[error(transparent)]
    Refused(#[from] UploadRefusal),
    /// A blob store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<MetadataError> for UploadError {
    fn from(error: MetadataError) -> Self {
        Self::Store(error.into())
    }
}
