//! Changes of Uploads: the parts that they accept, their completion and their cancellation.

use crate::model::chosen_name::ChosenName;
use crate::model::digest::Sha256Digest;
use crate::model::expiry::ExpiresAfter;
use crate::model::file::{File, FileDigest};
use crate::model::ids::{BlobId, FileId, PartId, UploadId};
use crate::model::mime_type::MimeType;
use crate::model::upload::{Completion, MAX_PARTS, NewPart, NewUpload, Part, Upload, UploadRefusal, UploadStatus};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// The row of an Upload.
pub struct UploadRow {
    /// The Upload as clients see it.
    pub upload: Upload,
    /// The media type of the File.
    pub mime_type: MimeType,
    /// After how long the File expires.
    pub expires_after: Option<ExpiresAfter>,
    /// The [`fingerprint`] of the parts that it was completed from.
    pub completion: Option<Sha256Digest>,
    /// The name that the client chose for the File.
    pub chosen_name: Option<ChosenName>,
}

/// The row of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRow {
    /// Its id.
    pub id: PartId,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
    /// The blob that holds its bytes.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size_bytes: u64,
}

impl PartRow {
    /// Returns the part of this Upload as clients see it.
    pub const fn of(&self, upload: UploadId) -> Part {
        Part { id: self.id, upload, size_bytes: self.size_bytes, sha256: self.sha256 }
    }
}

/// The step that a completion takes.
pub enum CompletionStep {
    /// A File is made of these parts.
    Make(UploadRow, Vec<PartRow>),
    /// The Upload was completed before, from the same parts.
    Made(Upload),
}

/// Returns a new Upload.
pub fn new_upload(id: UploadId, new: &NewUpload, now_seconds: u64) -> Upload {
    Upload {
        id,
        size_bytes: new.size_bytes,
        grows_to_bytes: new.grows_to_bytes,
        filename: new.filename.clone(),
        purpose: new.purpose,
        expires_at: now_seconds + new.ttl_seconds,
        status: UploadStatus::Pending,
        file: None,
        parts_bytes: 0,
        part_count: 0,
    }
}

/// Returns a new part of an Upload.
pub const fn new_part(id: PartId, upload: UploadId, new: &NewPart) -> Part {
    Part { id, upload, size_bytes: new.content.size_bytes, sha256: new.content.sha256 }
}

/// Returns an Upload after it is completed.
pub fn completed(upload: Upload, file: File) -> Upload {
    Upload { status: UploadStatus::Completed, size_bytes: file.size_bytes, file: Some(file), ..upload }
}

/// Returns the status of an Upload whose row has this one. A pending one expires at its deadline, before its row says
/// so.
pub fn status(stored: UploadStatus, is_overdue: bool) -> UploadStatus {
    if stored == UploadStatus::Pending && is_overdue { UploadStatus::Expired } else { stored }
}

/// Returns the row of an Upload that is pending.
///
/// # Errors
/// When there is no such Upload, or it is not pending.
pub fn pending(row: Option<UploadRow>) -> Result<UploadRow, UploadRefusal> {
    match row {
        None => Err(UploadRefusal::NotFound),
        Some(row) if row.upload.status == UploadStatus::Pending => Ok(row),
        Some(row) => Err(UploadRefusal::NotPending(row.upload.status)),
    }
}

/// Returns by how many bytes the reservation of an Upload grows with a part.
///
/// # Errors
/// When there is no such Upload, or it does not take the part.
pub fn growth(row: Option<&UploadRow>, new: &NewPart) -> Result<u64, UploadRefusal> {
    let upload = &row.ok_or(UploadRefusal::NotFound)?.upload;
    let more_bytes = upload.check_part(new.content.size_bytes)?;
    match new.offset_bytes {
        Some(offset_bytes) if offset_bytes != upload.parts_bytes => Err(UploadRefusal::WrongOffset),
        _ => Ok(more_bytes),
    }
}

/// Returns what a completion does. `found` are those of its parts that the Upload has.
///
/// # Errors
/// When there is no such Upload, it has ended, or the parts cannot be its File.
pub fn complete(
    row: Option<UploadRow>,
    completion: &Completion,
    found: &HashMap<PartId, PartRow>,
) -> Result<CompletionStep, UploadRefusal> {
    match row {
        Some(row)
            if row.upload.status == UploadStatus::Completed
                && row.completion == Some(fingerprint(&completion.parts)) =>
        {
            Ok(CompletionStep::Made(row.upload))
        }
        row => {
            let row = pending(row)?;
            let chosen = choose(&row.upload, &completion.parts, found)?;
            Ok(CompletionStep::Make(row, chosen))
        }
    }
}

/// Returns the named parts in their order.
///
/// # Errors
/// When one is missing or named twice, or they do not add up to the declared length, if there is one.
pub fn choose(
    upload: &Upload,
    parts: &[PartId],
    found: &HashMap<PartId, PartRow>,
) -> Result<Vec<PartRow>, UploadRefusal> {
    let (mut seen, mut chosen) = (HashSet::new(), Vec::with_capacity(parts.len()));
    for id in parts {
        if !seen.insert(*id) {
            return Err(UploadRefusal::RepeatedPart(*id));
        }
        chosen.push(found.get(id).cloned().ok_or(UploadRefusal::UnknownPart(*id))?);
    }
    let sum_bytes = chosen.iter().map(|part| part.size_bytes).sum();
    if upload.grows_to_bytes.is_none() && sum_bytes != upload.size_bytes {
        return Err(UploadRefusal::WrongSize { sum_bytes, size_bytes: upload.size_bytes });
    }
    Ok(chosen)
}

/// Returns the File that is made of these parts. `sha256` is that of the whole, if it was computed.
pub fn file_of_parts(id: FileId, row: &UploadRow, parts: &[PartRow], sha256: Option<Sha256Digest>) -> File {
    let of_parts = parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part.sha256.0));
    let upload = &row.upload;
    let digest = FileDigest::Parts {
        of_parts: Sha256Digest(of_parts.finalize().into()),
        count: u32::try_from(parts.len()).unwrap_or(MAX_PARTS),
        whole: sha256,
    };
    let (filename, mime_type) = (upload.filename.clone(), row.mime_type.clone());
    let size_bytes = parts.iter().map(|part| part.size_bytes).sum();
    let file = File::new(id, upload.purpose, filename, mime_type, size_bytes, digest, row.expires_after);
    File { chosen_name: row.chosen_name.clone(), ..file }
}

/// Returns a digest that identifies a list of parts.
pub fn fingerprint(parts: &[PartId]) -> Sha256Digest {
    let digest = parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part.to_string()));
    Sha256Digest(digest.finalize().into())
}

/// Returns the Upload after it is cancelled, and whether this changes it.
///
/// # Errors
/// When there is no such Upload, or it is completed or has expired.
pub fn cancel(row: Option<UploadRow>) -> Result<(Upload, bool), UploadRefusal> {
    match row {
        Some(UploadRow { upload, .. }) if upload.status == UploadStatus::Cancelled => Ok((upload, false)),
        row => Ok((Upload { status: UploadStatus::Cancelled, ..pending(row)?.upload }, true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::filename::Filename;
    use crate::model::purpose::Purpose;

    fn row(status: UploadStatus, size_bytes: u64) -> UploadRow {
        let new = NewUpload {
            size_bytes,
            filename: Filename::parse("u").unwrap(),
            mime_type: MimeType::OCTETS,
            purpose: Purpose::UserData,
            expires_after: None,
            ttl_seconds: 60,
            grows_to_bytes: None,
            chosen_name: None,
        };
        let upload = Upload { status, ..new_upload(UploadId::new(0, [0; 12]), &new, 0) };
        UploadRow { upload, mime_type: MimeType::OCTETS, expires_after: None, completion: None, chosen_name: None }
    }

    fn part(number: u8, size_bytes: u64) -> PartRow {
        PartRow {
            id: PartId::new(0, [number; 12]),
            sha256: Sha256Digest([number; 32]),
            blob: BlobId::ordered(0, [number; 10]),
            size_bytes,
        }
    }

    #[test]
    fn a_file_is_made_of_its_parts_once_each_and_of_all_declared_bytes() {
        let (one, two) = (part(1, 3), part(2, 4));
        let found = HashMap::from([(one.id, one.clone()), (two.id, two.clone())]);
        let choose =
            |parts: &[PartId], size_bytes| choose(&row(UploadStatus::Pending, size_bytes).upload, parts, &found);
        assert_eq!(choose(&[two.id, one.id], 7), Ok(vec![two.clone(), one.clone()]));
        assert_eq!(choose(&[one.id, one.id], 7), Err(UploadRefusal::RepeatedPart(one.id)));
        let other = part(3, 4).id;
        assert_eq!(choose(&[one.id, other], 7), Err(UploadRefusal::UnknownPart(other)));
        assert_eq!(choose(&[one.id], 7), Err(UploadRefusal::WrongSize { sum_bytes: 3, size_bytes: 7 }));
    }

    #[test]
    fn a_completion_is_repeated_with_the_same_parts_only() {
        let one = part(1, 3);
        let found = HashMap::from([(one.id, one.clone())]);
        let completed = || UploadRow { completion: Some(fingerprint(&[one.id])), ..row(UploadStatus::Completed, 3) };
        let complete = |row, parts| complete(row, &Completion { parts, sha256: None }, &found);
        assert!(matches!(complete(Some(row(UploadStatus::Pending, 3)), vec![one.id]), Ok(CompletionStep::Make(..))));
        assert!(matches!(complete(Some(completed()), vec![one.id]), Ok(CompletionStep::Made(_))));
        let refused = |status| Some(UploadRefusal::NotPending(status));
        assert_eq!(complete(Some(completed()), Vec::new()).err(), refused(UploadStatus::Completed));
        assert_eq!(complete(Some(row(UploadStatus::Expired, 3)), vec![one.id]).err(), refused(UploadStatus::Expired));
        assert_eq!(complete(None, vec![one.id]).err(), Some(UploadRefusal::NotFound));
    }

    #[test]
    fn a_cancelled_upload_stays_as_it_is() {
        assert!(matches!(cancel(Some(row(UploadStatus::Pending, 3))), Ok((_, true))));
        assert!(matches!(cancel(Some(row(UploadStatus::Cancelled, 3))), Ok((_, false))));
        let refused = UploadRefusal::NotPending(UploadStatus::Completed);
        assert_eq!(cancel(Some(row(UploadStatus::Completed, 3))), Err(refused));
        assert_eq!(cancel(None), Err(UploadRefusal::NotFound));
    }
}
