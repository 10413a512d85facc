//! Opens links: verifies the signature without the store, then looks the link up.

use super::Links;
use crate::metadata::{MetadataError, OpenedLink};
use crate::model::audit::Origin;
use crate::model::idempotency::REMEMBERED_SECONDS;
use crate::model::ids::LinkId;
use crate::model::link::{Link, LinkGrant, LinkStatus};
use crate::model::link_key::{Signable, Signed};

/// The use that a request makes of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkUse {
    /// It reads content.
    Download,
    /// It makes a File, or repeats the request that made it.
    Upload,
}

/// The reason why a link opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum RefusedLink {
    /// The signature is malformed or wrong. The store was not asked.
    #[error("the signature is wrong")]
    Forged,
    /// The link is used, expired or revoked, allows another use, or its File, key or workspace is not there any more.
    #[error("the link is dead")]
    Dead,
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Links {
    /// Opens the link of a signed form. The caller verifies the key that made it.
    ///
    /// # Errors
    /// When the signature is wrong, the link does not allow this use, or the store failed.
    pub async fn open(&self, signed: &str, wanted: LinkUse) -> Result<OpenedLink, RefusedLink> {
        let signed = Signed::<LinkId>::parse(signed).ok_or(RefusedLink::Forged)?;
        self.verify(&signed)?;
        let opened = self.metadata.open_link(signed.subject).await?.ok_or(RefusedLink::Dead)?;
        let scopes = opened.credential.key.opens.scopes();
        let has_scope = scopes.is_some_and(|scopes| scopes.contains(opened.link.grant.scope()));
        let is_allowed = allows(&opened.link, wanted, self.now_seconds());
        if has_scope && is_allowed { Ok(opened) } else { Err(RefusedLink::Dead) }
    }

    /// Verifies a signature, without the store.
    pub(super) fn verify<T: Signable>(&self, signed: &Signed<T>) -> Result<(), RefusedLink> {
        let is_signed = self.keys.load().iter().any(|key| key.verifies(signed));
        if is_signed { Ok(()) } else { Err(RefusedLink::Forged) }
    }

    /// Records that a link sends content.
    ///
    /// # Errors
    /// When the link was to be used once and another request was first, or the store failed.
    pub async fn note_use(&self, link: Link, origin: Origin) -> Result<(), RefusedLink> {
        if link.first_used_at.is_some() {
            return Ok(());
        }
        let is_for_one_time = link.grant.is_for_one_time();
        let is_first = self.metadata.use_link(link, origin).await?;
        if is_for_one_time && !is_first { Err(RefusedLink::Dead) } else { Ok(()) }
    }
}

/// Returns whether a link allows a use. The upload that used a link up may be repeated while its answer is remembered.
fn allows(link: &Link, wanted: LinkUse, now_seconds: u64) -> bool {
    match (&link.grant, wanted, link.status(now_seconds)) {
        (LinkGrant::Download(_), LinkUse::Download, LinkStatus::Active)
        | (LinkGrant::Upload(_), LinkUse::Upload, LinkStatus::Active) => true,
        (LinkGrant::Upload(_), LinkUse::Upload, LinkStatus::Used) => {
            let is_remembered = |used_at: u64| now_seconds < used_at.saturating_add(REMEMBERED_SECONDS);
            now_seconds < link.expires_at && link.first_used_at.is_some_and(is_remembered)
        }
        _ => false,
    }
}
