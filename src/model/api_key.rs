//! API keys: `vk_` for a workspace or `vka_` for the administration, 30 random base62 digits, and 6 digits of CRC-32
//! over what precedes (docs/design/billing.md, section 6).
//!
//! The checksum lets a scanner or a server reject a mistyped key without a database. The store keeps only a SHA-256.

use super::base62;
use super::ids::{KeyId, WorkspaceId};
use super::limits::LimitsInForce;
use super::person::Member;
use super::scope::Scopes;
use crc_fast::CrcAlgorithm;
use sha2::{Digest, Sha256};
use std::fmt;
use std::ops::RangeInclusive;

/// The number of random base62 digits of a key: 178 bits.
pub const KEY_RANDOM_DIGITS: usize = 30;
const CHECKSUM_DIGITS: usize = 6;

/// The bounds of the overlap after a rotation, in seconds: up to 30 days.
pub const OVERLAP_SECONDS: RangeInclusive<u64> = 0..=30 * 86_400;
/// The default overlap after a rotation, in seconds: one day.
pub const DEFAULT_OVERLAP_SECONDS: u64 = 86_400;
/// The bounds of a key's validity, in seconds: up to a hundred years of 366 days.
pub const VALID_SECONDS: RangeInclusive<u64> = 1..=100 * 366 * 86_400;

/// The resolution of `last_used_at`, in seconds.
pub const USED_SECONDS: u64 = 60;

/// The prefix of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `vk_`: a key of a workspace.
    Workspace,
    /// `vka_`: a key of an administrator.
    Admin,
}

impl KeyKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Workspace => "vk_",
            Self::Admin => "vka_",
        }
    }
}

/// The secret of a key. Its `Debug` form hides it, so that no log shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(String);

/// The SHA-256 of a whole secret, under which a key is stored and found.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest(pub [u8; 32]);

/// The text is not a key: its prefix, length, digits or checksum are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed key")]
pub struct MalformedKey;

impl KeySecret {
    /// Returns the key of these digits, which must be base62.
    #[must_use]
    pub fn from_digits(kind: KeyKind, random: [u8; KEY_RANDOM_DIGITS]) -> Self {
        let mut text = String::from(kind.prefix());
        text.extend(random.map(char::from));
        let checksum = checksum(&text);
        text.extend(checksum.map(char::from));
        Self(text)
    }

    /// Parses a key as a client sent it.
    ///
    /// # Errors
    /// When it is malformed. No store need be asked then.
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let kinds = [KeyKind::Workspace, KeyKind::Admin];
        let digits = kinds.into_iter().find_map(|kind| text.strip_prefix(kind.prefix())).ok_or(MalformedKey)?;
        let well_formed = digits.len() == KEY_RANDOM_DIGITS + CHECKSUM_DIGITS
            && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !well_formed {
            return Err(MalformedKey);
        }
        let (body, sent) = text.split_at(text.len() - CHECKSUM_DIGITS);
        if checksum(body).as_slice() == sent.as_bytes() { Ok(Self(text.to_owned())) } else { Err(MalformedKey) }
    }

    /// Returns the kind of its prefix.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        if self.0.starts_with(KeyKind::Admin.prefix()) { KeyKind::Admin } else { KeyKind::Workspace }
    }

    /// Returns the secret itself, for the one time that it is shown.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the digest under which the store keeps it.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(Sha256::digest(self.0.as_bytes()).into())
    }

    /// Returns a form that is safe to show and tells keys apart: `vk_a1B2...9xYz`.
    #[must_use]
    pub fn redacted(&self) -> String {
        let head = self.0.get(..self.kind().prefix().len() + 4).unwrap_or_default();
        let tail = self.0.get(self.0.len() - 4..).unwrap_or_default();
        format!("{head}...{tail}")
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeySecret")
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeyDigest")
    }
}

fn checksum(body: &str) -> [u8; CHECKSUM_DIGITS] {
    base62::encode(u128::from(crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, body.as_bytes())))
}

/// The access that a key grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// Access to a workspace within scopes.
    Workspace(WorkspaceId, Scopes),
    /// Access to the administration of the installation, not to the Files of a workspace.
    Administration,
}

impl Opens {
    /// Returns the workspace; none for an administrator.
    #[must_use]
    pub const fn workspace(self) -> Option<WorkspaceId> {
        match self {
            Self::Workspace(workspace, _) => Some(workspace),
            Self::Administration => None,
        }
    }

    /// Returns the scopes; none for an administrator.
    #[must_use]
    pub const fn scopes(self) -> Option<Scopes> {
        match self {
            Self::Workspace(_, scopes) => Some(scopes),
            Self::Administration => None,
        }
    }

    /// Returns the kind of secrets that grant this access.
    #[must_use]
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::Workspace(..) => KeyKind::Workspace,
            Self::Administration => KeyKind::Admin,
        }
    }
}

/// A key as the store records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id; its second is the key's `created_at`.
    pub id: KeyId,
    /// The access that it grants.
    pub opens: Opens,
    /// Its name, chosen by its owner.
    pub name: String,
    /// The redacted form of its newest secret.
    pub redacted: String,
    /// The Unix second from which on it is refused.
    pub expires_at: Option<u64>,
    /// The Unix second of its revocation.
    pub revoked_at: Option<u64>,
    /// The Unix second of its last use, to the minute.
    pub last_used_at: Option<u64>,
}

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// Accepted.
    Active,
    /// Refused since `expires_at`.
    Expired,
    /// Refused since its revocation.
    Revoked,
}

impl KeyStatus {
    /// Returns its name in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl ApiKey {
    /// Returns the state of the key at `now_seconds`.
    #[must_use]
    pub fn status(&self, now_seconds: u64) -> KeyStatus {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => KeyStatus::Revoked,
            (None, Some(expires_at)) if expires_at <= now_seconds => KeyStatus::Expired,
            (None, _) => KeyStatus::Active,
        }
    }
}

/// A key that was looked up, by one of its secrets or as a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The key.
    pub key: ApiKey,
    /// The Unix second from which on this secret is refused, because a rotation replaced it.
    pub retires_at: Option<u64>,
    /// The workspace is archived.
    pub archived: bool,
    /// The limits of the key and its workspace.
    pub limits: LimitsInForce,
    /// The person of a membership; none for a key.
    pub member: Option<Member>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_documented_one() {
        let key = KeySecret::from_digits(KeyKind::Workspace, [b'0'; KEY_RANDOM_DIGITS]);
        assert_eq!(key.expose(), "vk_00000000000000000000000000000000R6IX");
        assert_eq!(KeySecret::parse(key.expose()), Ok(key));
    }

    #[test]
    fn a_changed_digit_is_noticed() {
        let key = KeySecret::from_digits(KeyKind::Admin, *b"a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5");
        for at in key.kind().prefix().len()..key.0.len() {
            let mut bytes = key.0.clone().into_bytes();
            bytes[at] = if bytes[at] == b'z' { b'y' } else { b'z' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(KeySecret::parse(&changed), Err(MalformedKey), "{changed}");
        }
    }

    #[test]
    fn secrets_do_not_show_themselves() {
        for (kind, prefix) in [(KeyKind::Workspace, "vk_"), (KeyKind::Admin, "vka_")] {
            let key = KeySecret::from_digits(kind, [b'x'; KEY_RANDOM_DIGITS]);
            assert_eq!((key.kind(), format!("{key:?}")), (kind, "KeySecret".to_owned()));
            assert!(key.redacted().starts_with(&format!("{prefix}xxxx...")));
            assert_eq!(key.redacted().len(), prefix.len() + 11);
        }
    }
}
