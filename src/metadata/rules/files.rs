//! The creation of Files.

use crate::model::expiry::ExpiresAfter;
use crate::model::file::{File, FileDigest, NewFile};
use crate::model::ids::FileId;

/// Returns a new File that was received as a whole.
pub fn new_file(id: FileId, new: &NewFile, expires_after: Option<ExpiresAfter>) -> File {
    let (filename, mime_type) = (new.filename.clone(), new.mime_type.clone());
    let digest = FileDigest::Whole(new.content.sha256);
    let file = File::new(id, new.purpose, filename, mime_type, new.content.size_bytes, digest, expires_after);
    File { status_details: new.status_details.clone(), ..file }
}
