//! Signs and opens the sessions of Uploads, which are reached without a key.

use super::{CreateLinkError, Links, RefusedLink};
use crate::model::api_key::Credential;
use crate::model::link_key::{LinkKey, Signed};
use crate::model::scope::Scope;
use crate::model::upload_session::UploadSession;

impl Links {
    /// Returns the signed form of a session, for its URL.
    ///
    /// # Errors
    /// When there is no key that signs.
    pub fn sign_session(&self, session: UploadSession) -> Result<String, CreateLinkError> {
        let keys = self.keys.load_full();
        let key = LinkKey::signing(&keys, self.now_seconds()).ok_or(CreateLinkError::NoKey)?;
        Ok(key.sign(&session))
    }

    /// Opens a session: returns it and the key that began it, whose state the caller verifies.
    ///
    /// # Errors
    /// When the signature is wrong, the key is not there or may not write Files, or the store failed.
    pub async fn open_session(&self, signed: &str) -> Result<(UploadSession, Credential), RefusedLink> {
        let signed = Signed::<UploadSession>::parse(signed).ok_or(RefusedLink::Forged)?;
        self.verify(&signed)?;
        let session = signed.subject;
        let credential = self.metadata.open_key(session.key).await?.ok_or(RefusedLink::Dead)?;
        let scopes = credential.key.opens.scopes();
        let may_write = scopes.is_some_and(|scopes| scopes.contains(Scope::FilesWrite));
        if may_write { Ok((session, credential)) } else { Err(RefusedLink::Dead) }
    }
}
