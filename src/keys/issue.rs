//! Issuing: a secret is made, shown once, and kept as a digest only.

use super::Keys;
use crate::metadata::{MetadataError, NewKey};
use crate::model::api_key::{ApiKey, KEY_RANDOM_DIGITS, KeySecret};
use crate::model::base62;
use crate::model::ids::WorkspaceId;
use crate::model::workspace::{BadName, check_name};
use crate::random;

/// Why a key is not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueKeyError {
    /// The name cannot be one.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Keys {
    /// Makes a key of a workspace, valid for so many seconds or for ever. The secret cannot be had again.
    ///
    /// # Errors
    /// When the name cannot be one, or the store failed.
    pub async fn issue(
        &self,
        workspace: WorkspaceId,
        name: &str,
        valid_seconds: Option<u64>,
    ) -> Result<(ApiKey, KeySecret), IssueKeyError> {
        check_name(name)?;
        loop {
            let secret = fresh_secret();
            if let Some(key) = self.metadata.create_key(new_key(workspace, name, valid_seconds, &secret)).await? {
                return Ok((key, secret));
            }
        }
    }

    /// Enters a secret that was made elsewhere; nothing changes when it is known already.
    ///
    /// # Errors
    /// When the name cannot be one, or the store failed.
    pub async fn install(&self, workspace: WorkspaceId, name: &str, secret: &KeySecret) -> Result<(), IssueKeyError> {
        check_name(name)?;
        self.metadata.create_key(new_key(workspace, name, None, secret)).await?;
        Ok(())
    }
}

/// A secret that nobody knows yet; it opens nothing before it is installed.
#[must_use]
pub fn fresh_secret() -> KeySecret {
    KeySecret::from_digits([(); KEY_RANDOM_DIGITS].map(|()| base62::digit(random::below(base62::BASE))))
}

fn new_key(workspace: WorkspaceId, name: &str, valid_seconds: Option<u64>, secret: &KeySecret) -> NewKey {
    NewKey { workspace, digest: secret.digest(), redacted: secret.redacted(), name: name.to_owned(), valid_seconds }
}
