//! The verbs of Uploads: create, add a part, retrieve, list parts, complete, cancel.
//!
//! An Upload collects parts, each a blob that is as durable as a File's, and becomes a File by naming them in order: no
//! byte is copied. Completing makes a File, so this room imports `files`, the one exception on its floor. The handlers of
//! floor 4 are the only callers.

mod add_part;
mod cancel;
mod complete;
mod create;
mod hashing;
mod retrieve;
mod runs;

pub use add_part::AddPartError;
pub use complete::CompleteError;
pub use create::CreateUploadError;
pub use hashing::{Hashing, Md5Digest};

use crate::files::{Files, StoreError};
use crate::metadata::{AnswerStore, MetadataError, UploadStore, trait_set};
use crate::model::upload::UploadRefusal;
use std::sync::Arc;

trait_set! {
    /// The rows that the verbs of Uploads use.
    pub trait UploadsMetadata: AnswerStore + UploadStore;
}

/// The Uploads of an installation.
#[derive(Clone, Debug)]
pub struct Uploads {
    /// What receives bytes and keeps the stores.
    pub files: Files,
    /// Rows.
    pub metadata: Arc<dyn UploadsMetadata>,
    /// How long an Upload takes parts, in seconds.
    pub ttl_seconds: u64,
    /// Who reads parts to compare an MD5.
    pub hashing: Arc<Hashing>,
}

/// What any verb can fail with that is given the id of an Upload.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The Upload does not do that.
    #[error(transparent)]
    Refused(#[from] UploadRefusal),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<MetadataError> for UploadError {
    fn from(error: MetadataError) -> Self {
        Self::Store(error.into())
    }
}
