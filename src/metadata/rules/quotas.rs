//! Refusals of what would exceed a quota of a workspace.

use crate::model::caller::Refused;
use crate::model::limits::{Limits, StorageUsage};
use crate::model::upload::Upload;

/// Returns whether a workspace has a quota. Otherwise nothing is refused, and its usage need not be known.
pub fn applies(quotas: &Limits) -> bool {
    *quotas != Limits::default()
}

/// Returns why the workspace may not have one more File, or reserve one more Upload, of `size_bytes`.
pub fn refuse_file(quotas: &Limits, usage: StorageUsage, size_bytes: u64) -> Option<Refused> {
    usage.refuse(quotas, size_bytes).map(Refused::Quota)
}

/// Returns why a pending Upload may not reserve `more_bytes`.
pub fn refuse_growth(quotas: &Limits, usage: StorageUsage, more_bytes: u64) -> Option<Refused> {
    usage.refuse_growth(quotas, more_bytes).map(Refused::Quota)
}

/// Returns why a pending Upload may not become a File, which replaces the reservation of the Upload.
pub fn refuse_completion(quotas: &Limits, usage: StorageUsage, upload: &Upload) -> Option<Refused> {
    refuse_file(quotas, usage.without_upload(upload.reserved_bytes()), upload.size_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::rules::uploads::new_upload;
    use crate::model::filename::Filename;
    use crate::model::ids::UploadId;
    use crate::model::limits::{Limit, QuotaExceeded};
    use crate::model::mime_type::MimeType;
    use crate::model::purpose::Purpose;
    use crate::model::upload::NewUpload;

    #[test]
    fn a_completion_counts_its_reservation_once() {
        let quotas = Limits::new(vec![(Limit::StorageBytes, 10), (Limit::MaxFiles, 1)]);
        let new = NewUpload {
            size_bytes: 8,
            filename: Filename::parse("u").unwrap(),
            mime_type: MimeType::OCTETS,
            purpose: Purpose::UserData,
            expires_after: None,
            ttl_seconds: 60,
            grows_to_bytes: None,
            chosen_name: None,
        };
        let upload = new_upload(UploadId::new(0, [0; 12]), &new, 0);
        let usage = StorageUsage { reserved_bytes: 8, reserved_files: 1, ..StorageUsage::default() };
        assert_eq!(refuse_completion(&quotas, usage, &upload), None);
        let bytes = Some(Refused::Quota(QuotaExceeded::Bytes { limit_bytes: 10 }));
        let files = Some(Refused::Quota(QuotaExceeded::Files { limit_files: 1 }));
        assert_eq!((refuse_file(&quotas, usage, 3), refuse_file(&quotas, usage, 2)), (bytes, files));
        assert_eq!((refuse_growth(&quotas, usage, 3), refuse_growth(&quotas, usage, 2)), (bytes, None));
    }

    #[test]
    fn nothing_is_refused_without_quotas() {
        let usage = StorageUsage { stored_bytes: u64::MAX, ..StorageUsage::default() };
        assert!(!applies(&Limits::default()));
        assert_eq!(refuse_file(&Limits::default(), usage, u64::MAX), None);
    }
}
