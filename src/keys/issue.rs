//! Issuing and rotating: a secret is made, shown once, and kept as a digest only.

use super::Keys;
use crate::metadata::{MetadataError, NewKey, NewSecret};
use crate::model::api_key::{ApiKey, KEY_RANDOM_DIGITS, KeyKind, KeySecret, KeyStatus, Opens};
use crate::model::audit::Origin;
use crate::model::base62;
use crate::model::ids::KeyId;
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
            if let Some(key) = self.metadata.create_key(new, origin).await? {
                return Ok((key, secret));
            }
        }
    }

    /// Enters a secret that was made elsewhere; nothing changes when it is known already.
    ///
    /// # Errors
    /// When the name cannot be one, or the store failed.
    pub async fn install(&self, opens: Opens, name: &str, secret: &KeySecret) -> Result<(), IssueKeyError> {
        check_name(name)?;
        let new = NewKey { opens, secret: kept(secret), name: name.to_owned(), valid_seconds: None };
        self.metadata.create_key(new, Origin::COMMAND_LINE).await?;
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
        let rotated = self.metadata.rotate_key(id, kept(&secret), overlap_seconds, origin).await;
        self.known.forget();
        let rotated = rotated?.ok_or(RotateKeyError::NotFound)?;
        Ok((rotated.map_err(RotateKeyError::Ended)?, secret))
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
