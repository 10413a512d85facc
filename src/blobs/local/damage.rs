//! Tells errors that mean one damaged blob from errors of the whole folder.
//!
//! fsck, scrub, backups and restores skip a damaged blob and go on. Transient errors, and those that affect every file,
//! are not damage.

use crate::blobs::BlobError;
use crate::model::ids::BlobId;
use rustix::io::Errno;
use std::io;

/// Converts a system error of blob `id`.
pub(super) fn classify(id: BlobId, error: Errno) -> BlobError {
    match reason(error) {
        Some(why) => BlobError::Damaged(id, why),
        None => io::Error::from(error).into(),
    }
}

/// Returns the damage that an error means, by errno(3) and the block layer of Linux.
const fn reason(error: Errno) -> Option<&'static str> {
    match error {
        Errno::NOENT => Some("it is missing"),
        Errno::IO => Some("the disk cannot read it (EIO)"),
        Errno::NODATA => Some("the disk cannot read it (ENODATA, a bad sector)"),
        Errno::REMOTEIO => Some("the disk cannot read it (EREMOTEIO)"),
        Errno::ILSEQ => Some("the disk cannot read it (EILSEQ, its protection information is wrong)"),
        Errno::UCLEAN => Some("the file system is damaged where it lies (EUCLEAN)"),
        Errno::BADMSG => Some("the file system is damaged where it lies (EBADMSG)"),
        Errno::ACCESS | Errno::PERM => Some("the server may not read its file: look at its owner and mode"),
        Errno::ISDIR | Errno::LOOP | Errno::NXIO => Some("it is not a regular file"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_one_file_is_damage_and_what_passes_is_not() {
        let id = BlobId::new([7; 16]);
        for error in [Errno::IO, Errno::NODATA, Errno::UCLEAN, Errno::BADMSG, Errno::ACCESS, Errno::ISDIR, Errno::LOOP]
        {
            assert!(matches!(classify(id, error), BlobError::Damaged(damaged, _) if damaged == id), "{error}");
        }
        for error in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::STALE, Errno::TIMEDOUT, Errno::NOTCONN] {
            assert!(matches!(classify(id, error), BlobError::Unavailable(_)), "{error}");
        }
    }
}
