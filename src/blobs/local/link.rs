//! Hard links of blobs between two folders, for incremental backups.

use super::LocalBlobs;
use super::blocking::blocking;
use crate::blobs::{BlobError, LinkOutcome};
use crate::model::ids::BlobId;
use rustix::fs::AtFlags;
use rustix::io::Errno;
use std::sync::Arc;

impl LocalBlobs {
    /// Links a blob of folder `from` into this one. The name is durable after [`Self::sync_names`].
    ///
    /// # Errors
    /// When linking fails for a reason that a copy would hit too.
    pub async fn link_from(&self, from: &Self, id: BlobId) -> Result<LinkOutcome, BlobError> {
        let (here, there) = (Arc::clone(&self.shards), Arc::clone(&from.shards));
        blocking(move || {
            let name = id.to_string();
            match rustix::fs::linkat(there.of(id)?, &name, here.of(id)?, &name, AtFlags::empty()) {
                Ok(()) => Ok(LinkOutcome::Linked),
                Err(Errno::NOENT) => Ok(LinkOutcome::Missing),
                Err(Errno::XDEV | Errno::MLINK | Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::ACCESS) => {
                    Ok(LinkOutcome::Unsupported)
                }
                Err(error) => Err(std::io::Error::from(error).into()),
            }
        })
        .await
    }

    /// Makes the names of all blobs durable.
    ///
    /// # Errors
    /// When a directory cannot be flushed.
    pub async fn sync_names(&self) -> Result<(), BlobError> {
        let shards = Arc::clone(&self.shards);
        blocking(move || {
            for directory in &shards.directories {
                shards.health.fsync(directory)?;
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::BlobStore;
    use crate::blobs::local::write;
    use bytes::Bytes;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_linked_blob_outlives_the_folder_that_it_came_from() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (from, to) = (LocalBlobs::open(old.path()).unwrap(), LocalBlobs::open(new.path()).unwrap());
        let (there, absent) = (BlobId::new([0xaa; 16]), BlobId::new([0xab; 16]));
        write::put(&from.shards, there, Bytes::from_static(b"content")).unwrap();
        assert_eq!(to.link_from(&from, there).await.unwrap(), LinkOutcome::Linked);
        assert_eq!(to.link_from(&from, absent).await.unwrap(), LinkOutcome::Missing);
        assert!(to.link_from(&from, there).await.is_err(), "a name is never taken twice");
        to.sync_names().await.unwrap();
        drop(old);
        assert_eq!(to.sizes(&[there, absent]).await.unwrap(), [Some(7), None]);
    }
}
