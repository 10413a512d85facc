//! Makes links.

use super::Links;
use crate::metadata::MetadataError;
use crate::model::caller::Caller;
use crate::model::link::{Link, NewLink, TooManyLinks};
use crate::model::link_key::LinkKey;
use std::fmt;

/// A link with its signed form. Its `Debug` form hides the signature.
pub struct CreatedLink {
    /// The link.
    pub link: Link,
    /// The last segment of its URL.
    pub signed: String,
}

impl fmt::Debug for CreatedLink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.link.fmt(out)
    }
}

/// The reason why no link is made.
#[derive(Debug, thiserror::Error)]
pub enum CreateLinkError {
    /// The workspace has the maximum of links.
    #[error(transparent)]
    TooMany(#[from] TooManyLinks),
    /// There is no key to sign with.
    #[error("no key signs links")]
    NoKey,
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Links {
    /// Makes a link of a caller. Returns none when its workspace does not have the File to download.
    ///
    /// # Errors
    /// When the workspace has too many links, or the store failed.
    pub async fn create(&self, caller: Caller, new: NewLink) -> Result<Option<CreatedLink>, CreateLinkError> {
        let keys = self.keys.load_full();
        let key = LinkKey::signing(&keys, self.now_seconds()).ok_or(CreateLinkError::NoKey)?;
        let link = self.metadata.create_link(caller, new).await??;
        Ok(link.map(|link| CreatedLink { signed: key.sign(&link.id), link }))
    }
}
