//! The creation of Files.

use crate::model::expiry::ExpiresAfter;
use crate::model::file::{File, FileDigest, NewFile};
use crate::model::ids::FileId;

/// Returns a new File that was received as a whole.
pub fn new_file(id: FileId, new: &NewFile, expires_after: Option<ExpiresAfter>) -> File {
    File {
        id,
        purpose: new.purpose,
        filename: new.filename.clone(),
        size_bytes: new.content.size_bytes,
        digest: FileDigest::Whole(new.content.sha256),
        expires_at: expires_after.map(|after| after.at(id.created_at())),
        status_details: new.status_details.clone(),
    }
}
