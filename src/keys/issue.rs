//! Issuing and rotating: a secret is made, shown once, and kept as a digest only.

use super::Keys;
use crate::metadata::{KeyChanges, MetadataError, NewKey, NewSecret};
use crate::model::api_key::{ApiKey, KEY_RANDOM_DIGITS, KeyKind, KeySecret, KeyStatus, Opens};
use crate::model::audit::Origin;
use crate::model::base62;
use crate::model::idempotency::{Effect, Once};
use crate::model::ids::KeyId;
use crate::model::workspace::{BadName, check_name};
use crate::random;

/// Why a key is not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueKeyError {
    /// The name cannot be one.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// The secret opens or opened something.
    #[error("the secret of a key is known already")]
    SecretKnown,
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// Why a key is not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateKeyError {
    /// The name cannot be one.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// The key is not there or opens nothing, or the store failed.
    #[error(transparent)]
    Key(#[from] RotateKeyError),
}

impl From<MetadataError> for UpdateKeyError {
    fn from(error: MetadataError) -> Self {
        Self::Key(error.into())
    }
}

/// A key that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct KeyToIssue<'a> {
    /// What it opens.
    pub opens: Opens,
    /// What its owner calls it.
    pub name: &'a str,
    /// How many seconds it is valid; for ever when none.
    pub valid_seconds: Option<u64>,
}

/// Why a key is not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateKeyError {
    /// There is no such key.
    #[error("there is no such key")]
    NotFound,
    /// It opens nothing any more.
    #[error("the key is {}", .0.name())]
    Ended(KeyStatus),
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Keys {
    /// Makes a key, valid for so many seconds or for ever. The secret cannot be had again.
    ///
    /// # Errors
    /// When the name cannot be one, or the store failed.
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

    /// Makes a key with a secret that opens nothing yet, once under a key of its client's.
    ///
    /// # Errors
    /// When the name cannot be one, the secret is known already, or the store failed.
    pub async fn issue_once(
        &self,
        new: KeyToIssue<'_>,
        secret: &KeySecret,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<ApiKey>, IssueKeyError> {
        check_name(new.name)?;
        let KeyToIssue { opens, name, valid_seconds } = new;
        let new = NewKey { opens, secret: kept(secret), name: name.to_owned(), valid_seconds };
        let issued = self.metadata.create_key(new, origin, once).await?;
        issued.and_then(|key| key.ok_or(IssueKeyError::SecretKnown))
    }

    /// Enters a secret that was made elsewhere; nothing changes when it is known already.
    ///
    /// # Errors
    /// When the name cannot be one, or the store failed.
    pub async fn install(&self, opens: Opens, name: &str, secret: &KeySecret) -> Result<(), IssueKeyError> {
        check_name(name)?;
        let new = NewKey { opens, secret: kept(secret), name: name.to_owned(), valid_seconds: None };
        self.metadata.create_key(new, Origin::COMMAND_LINE, None).await?;
        Ok(())
    }

    /// Gives a key another secret; the one before it is good for so many seconds more, within [`OVERLAP_SECONDS`](crate::model::api_key::OVERLAP_SECONDS).
    ///
    /// # Errors
    /// When there is no such key, it opens nothing any more, or the store failed.
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

    /// The same with a secret that opens nothing yet, once under a key of its client's.
    ///
    /// # Errors
    /// When there is no such key, it opens nothing any more, or the store failed.
    pub async fn rotate_once(
        &self,
        id: KeyId,
        secret: &KeySecret,
        overlap_seconds: u64,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<ApiKey>, RotateKeyError> {
        let rotated = self.metadata.rotate_key(id, kept(secret), overlap_seconds, origin, once).await;
        self.known.forget();
        rotated?.and_then(|rotated| rotated.ok_or(RotateKeyError::NotFound)?.map_err(RotateKeyError::Ended))
    }

    /// Changes what is said of a key, once under a key of its client's.
    ///
    /// # Errors
    /// When the name cannot be one, there is no such key, it opens nothing any more, or the store failed.
    pub async fn update_once(
        &self,
        id: KeyId,
        changes: KeyChanges,
        origin: Origin,
        once: Option<Once<ApiKey>>,
    ) -> Result<Effect<ApiKey>, UpdateKeyError> {
        changes.name.as_deref().map_or(Ok(()), check_name)?;
        let updated = self.metadata.update_key(id, changes, origin, once).await;
        self.known.forget();
        let updated =
            updated?.and_then(|updated| updated.ok_or(RotateKeyError::NotFound)?.map_err(RotateKeyError::Ended));
        Ok(updated?)
    }
}

/// A secret that nobody knows yet; it opens nothing before it is installed.
#[must_use]
pub fn fresh_secret(kind: KeyKind) -> KeySecret {
    KeySecret::from_digits(kind, [(); KEY_RANDOM_DIGITS].map(|()| base62::digit(random::below(base62::BASE))))
}

fn kept(secret: &KeySecret) -> NewSecret {
    NewSecret { digest: secret.digest(), redacted: secret.redacted() }
}
