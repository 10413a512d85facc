//! Issues and rotates keys. A secret is generated, shown once, and stored as a digest only.

use super::Keys;
use crate::metadata::{KeyChanges, MetadataError, NewKey, NewSecret};
use crate::model::api_key::{ApiKey, KEY_RANDOM_DIGITS, KeyKind, KeySecret, KeyStatus, Opens};
use crate::model::audit::Origin;
use crate::model::base62;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::KeyId;
use crate::model::workspace::{BadName, check_name};
use crate::random;

/// The reason why a key is not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueKeyError {
    /// The name is invalid.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// The secret is or was in use.
    #[error("the secret of the key was used before")]
    SecretKnown,
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// The reason why a key is not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateKeyError {
    /// The name is invalid.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// The key does not exist or has ended, or the store failed.
    #[error(transparent)]
    Key(#[from] RotateKeyError),
}

impl From<MetadataError> for UpdateKeyError {
    fn from(error: MetadataError) -> Self {
        Self::Key(error.into())
    }
}

/// A key to be issued.
#[derive(Clone, Copy, Debug)]
pub struct KeyToIssue<'a> {
    /// Its access.
    pub opens: Opens,
    /// Its name.
    pub name: &'a str,
    /// Its validity, in seconds; unlimited for none.
    pub valid_seconds: Option<u64>,
}

/// The reason why a key is not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateKeyError {
    /// There is no such key.
    #[error("there is no such key")]
    NotFound,
    /// The key was revoked or has expired.
    #[error("the key is {}", .0.name())]
    Ended(KeyStatus),
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Keys {
    /// Issues a key with a fresh secret, which cannot be shown again.
    ///
    /// # Errors
    /// When the name is invalid, or the store failed.
    pub async fn issue(
        &self,
        opens: Opens,
        name: &str,
        valid_seconds: Option<u64>,
        origin: Origin,
    ) -> Result<(ApiKey, KeySecret), IssueKeyError> {
        check_name(name)?;
        loop {
            let secret = fresh_secret(opens.kind());
            let new = NewKey { opens, secret: kept(&secret), name: name.to_owned(), valid_seconds };
            if let Some(key) = self.metadata.create_key(new, origin, None).await?.made().flatten() {
                return Ok((key, secret));
            }
        }
    }

    /// Issues a key with an unused secret, idempotently.
    ///
    /// # Errors
    /// When the name is invalid, the secret was used before, or the store failed.
    pub async fn issue_once(
        &self,
        new: KeyToIssue<'_>,
        secret: &KeySecret,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<ApiKey>, IssueKeyError> {
        check_name(new.name)?;
        let KeyToIssue { opens, name, valid_seconds } = new;
        let new = NewKey { opens, secret: kept(secret), name: name.to_owned(), valid_seconds };
        let issued = self.metadata.create_key(new, origin, once).await?;
        issued.and_then(|key| key.ok_or(IssueKeyError::SecretKnown))
    }

    /// Stores a given secret; does nothing when it is known.
    ///
    /// # Errors
    /// When the name is invalid, or the store failed.
    pub async fn install(&self, opens: Opens, name: &str, secret: &KeySecret) -> Result<(), IssueKeyError> {
        check_name(name)?;
        let new = NewKey { opens, secret: kept(secret), name: name.to_owned(), valid_seconds: None };
        self.metadata.create_key(new, Origin::COMMAND_LINE, None).await?;
        Ok(())
    }

    /// Replaces the secret of a key. The old one stays valid for `overlap_seconds`, within
    /// [`OVERLAP_SECONDS`](crate::model::api_key::OVERLAP_SECONDS).
    ///
    /// # Errors
    /// When the key does not exist or has ended, or the store failed.
    pub async fn rotate(
        &self,
        id: KeyId,
        overlap_seconds: u64,
        origin: Origin,
    ) -> Result<(ApiKey, KeySecret), RotateKeyError> {
        let key = self.metadata.find_key(id).await?.ok_or(RotateKeyError::NotFound)?;
        let secret = fresh_secret(key.opens.kind());
        let rotated = self.rotate_once(id, &secret, overlap_seconds, origin, None).await?;
        Ok((rotated.made().ok_or(RotateKeyError::NotFound)?, secret))
    }

    /// Replaces the secret of a key by an unused one, idempotently.
    ///
    /// # Errors
    /// When the key does not exist or has ended, or the store failed.
    pub async fn rotate_once(
        &self,
        id: KeyId,
        secret: &KeySecret,
        overlap_seconds: u64,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<ApiKey>, RotateKeyError> {
        let rotated = self.metadata.rotate_key(id, kept(secret), overlap_seconds, origin, once).await;
        self.cache.forget();
        rotated?.and_then(|rotated| rotated.ok_or(RotateKeyError::NotFound)?.map_err(RotateKeyError::Ended))
    }

    /// Changes name, scopes or expiry of a key, idempotently.
    ///
    /// # Errors
    /// When the name is invalid, the key does not exist or has ended, or the store failed.
    pub async fn update_once(
        &self,
        id: KeyId,
        changes: KeyChanges,
        origin: Origin,
        once: Option<Idempotency<ApiKey>>,
    ) -> Result<IdempotentOutcome<ApiKey>, UpdateKeyError> {
        changes.name.as_deref().map_or(Ok(()), check_name)?;
        let updated = self.metadata.update_key(id, changes, origin, once).await;
        self.cache.forget();
        let updated =
            updated?.and_then(|updated| updated.ok_or(RotateKeyError::NotFound)?.map_err(RotateKeyError::Ended));
        Ok(updated?)
    }
}

/// Returns a fresh secret, which is not stored yet.
#[must_use]
pub fn fresh_secret(kind: KeyKind) -> KeySecret {
    KeySecret::from_digits(kind, [(); KEY_RANDOM_DIGITS].map(|()| base62::digit(random::below(base62::BASE))))
}

fn kept(secret: &KeySecret) -> NewSecret {
    NewSecret { digest: secret.digest(), redacted: secret.redacted() }
}
